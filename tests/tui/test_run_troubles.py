"""What can be wrong with a run, as the app shows it."""

from concurrent.futures import Future
from pathlib import Path

import pytest
import torch
from runs_on_disk import attached, here, told, trained, trainer
from workbench import ENDLESS, QUICK, settle, workbench

from model.corpus import Corpus
from model.runs import Run, default_root
from model.session import Phase, Trained
from tui import settings
from tui.screens.recipe_form import RecipeForm

WIDE = (160, 40)


async def test_a_warning_is_seen_as_long_as_it_holds(words_file: Path):
    async with workbench(words_file, recipe=ENDLESS, size=(80, 24)) as bench:
        default_root().parent.mkdir(parents=True)
        default_root().write_text("in the way")
        await bench.press("2", "space")
        await bench.steps(1)
        await bench.until(lambda: bench.app.snapshot.warning)
        shown = " ".join(bench.shown("#warning").split())
        assert shown.startswith("⚠")
        assert bench.app.snapshot.warning[:30] in shown
        warnings = [note for note in bench.notifications if note.severity == "warning"]
        assert len(warnings) == 1
        step = bench.app.session.snapshot.step
        await bench.steps(step + 1)
        await bench.press("D")
        await bench.until(lambda: told(bench, "not kept on disk"))
        assert bench.app.session.snapshot.phase is Phase.RUNNING
        default_root().unlink()
        await bench.press("r")
        await bench.phase(Phase.PAUSED)
        assert not bench.app.query_one("#warning").display


async def test_a_warning_is_told_once_and_so_is_its_end(words_file: Path):
    async with workbench(words_file, recipe=ENDLESS) as bench:
        await bench.press("space")
        await bench.steps(1)
        status = bench.app.session.snapshot.folder / "status.json"
        status.unlink()
        status.mkdir()
        await bench.press("space")  # a pause is written down
        await bench.phase(Phase.PAUSED)
        await bench.until(lambda: "not saved" in bench.app.snapshot.warning)
        for _ in range(5):
            bench.app.pull()
        await settle(bench.pilot)
        assert len(bench.notifications) == 1
        assert bench.notifications[0].severity == "warning"
        status.rmdir()
        await bench.press("space")
        await bench.until(lambda: not bench.app.snapshot.warning)
        assert "saved again" in (await bench.notification(2)).message
        await settle(bench.pilot)
        assert len(bench.notifications) == 2


async def test_a_run_that_failed_goes_back_to_its_checkpoint(words_file: Path):
    async with workbench(words_file, recipe=ENDLESS) as bench:
        await bench.press("f", "space")
        await bench.steps(100)
        bench.app.set_recipe(bench.app.recipe.with_(learning_rate=1e39))
        await bench.phase(Phase.FAILED)
        checkpoint = bench.app.session.snapshot.checkpoint
        assert checkpoint
        bench.app.set_recipe(bench.app.recipe.with_(learning_rate=1.0))
        await bench.press("s")
        await bench.phase(Phase.PAUSED)
        await bench.until(lambda: bench.app.snapshot.step == checkpoint + 1)
        await bench.press("space")
        await bench.steps(checkpoint + 50)
        assert bench.app.session.snapshot.phase is Phase.RUNNING


async def test_a_run_that_failed_elsewhere_is_gone_on_with_here(corpus: Corpus):
    with trainer(corpus) as (session, run):
        async with workbench(run=run) as bench:
            await attached(bench)
            await bench.steps(50)
            bench.app.set_recipe(bench.app.recipe.with_(learning_rate=1e39))
            await bench.phase(Phase.FAILED)
            await bench.until(lambda: told(bench, "checkpoint"), "the reason")
            checkpoint = session.snapshot.checkpoint
            assert checkpoint
            session.close()
            await bench.until(lambda: not run.live)
            await settle(bench.pilot)
            assert bench.app.snapshot.phase is Phase.FAILED  # to be read
            bench.app.set_recipe(bench.app.recipe.with_(learning_rate=0.5))
            await bench.press("space")
            await here(bench)
            await bench.phase(Phase.RUNNING)
            await bench.steps(checkpoint + 1)
            assert bench.app.session.snapshot.recipe.learning_rate == 0.5


async def test_a_recipe_of_an_unknown_name_can_be_edited_and_remembered(words_file: Path, corpus):
    run = trained(corpus, QUICK.with_(name="mine"))
    async with workbench(run=run, size=WIDE) as bench:
        await bench.phase(Phase.FINISHED)
        assert "mine" in bench.shown("#headline")
        await bench.press("2", "e")
        await bench.screen(RecipeForm)
        await bench.fill("#learning_rate", "0.5")
        await bench.press("enter")
        await bench.workers()
    remembered, problem = settings.load()
    assert remembered.recipe.learning_rate == 0.5
    assert not problem


@pytest.mark.skipif(torch.cuda.is_available(), reason="the device is there")
async def test_a_run_of_a_device_that_is_not_here_goes_on_on_another(corpus: Corpus):
    run = trained(corpus)
    text = (run.folder / "run.json").read_text()
    (run.folder / "run.json").write_text(text.replace('"device": "cpu"', '"device": "cuda"'))
    async with workbench(run=Run.open(run.folder)) as bench:
        await bench.phase(Phase.FINISHED)
        assert "no cuda here" in (await bench.notification()).message


async def test_a_run_that_cannot_be_opened_at_the_start_leaves_a_corpus(corpus: Corpus):
    run = trained(corpus)
    (run.folder / "words.txt").write_text("other\n")
    async with workbench(run=run) as bench:
        assert (await bench.notification()).severity == "error"
        assert bench.app.corpus is not None
        assert bench.app.corpus.name == "english-first-names"


async def test_looks_that_fail_are_told_once_and_not_the_last_ones(
    words_file: Path, monkeypatch: pytest.MonkeyPatch
):
    failed: list[Future[Trained | None]] = []

    def fail() -> Future[Trained | None]:
        failed.append(Future())
        failed[-1].set_exception(MemoryError("out of memory"))
        return failed[-1]

    async with workbench(words_file, recipe=ENDLESS) as bench:
        with monkeypatch.context() as meanwhile:
            meanwhile.setattr(bench.app.local, "trained", fail)
            await bench.press("4", "space")
            await bench.until(lambda: len(failed) > 2, "looks")
        await bench.until(lambda: bench.app.look, "a look")
        assert [one.severity for one in bench.notifications if "memory" in one.message] == ["error"]
