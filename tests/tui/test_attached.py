"""The app on a run that somebody else trains: it shows it, steers it, leaves it and comes back."""

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from runs_on_disk import kill_trainers, trained, trainer, wait
from terminal import PROGRAM, terminal
from workbench import ENDLESS, QUICK, Bench, remember, settle, workbench

from model.attached_session import AttachedSession
from model.corpus import Corpus, parse
from model.draws import Draws
from model.runs import Run, all_runs, default_root
from model.sampling import sample
from model.session import Phase
from model.training_session import TrainingSession
from tui import settings
from tui.screens.forms import RecipeForm

WIDE = (160, 40)
OTHER = parse(b"one\ntwo\nthree\n", "numbers.txt")


@pytest.fixture
def _no_process_left() -> Iterator[None]:
    """What is detached ends with the test."""
    yield
    kill_trainers()


async def attached(bench: Bench) -> None:
    """Wait until a run of another trainer is shown as it is."""
    app = bench.app
    await bench.until(lambda: isinstance(app.session, AttachedSession), "the other trainer")
    await bench.until(lambda: app.snapshot.floor is not None, "the run")
    await bench.counted()


async def here(bench: Bench) -> None:
    """Wait until the run is shown as this app trains it."""
    app = bench.app
    await bench.until(lambda: app.session is app.local and not app.moving, "the run")


def only_run() -> Run:
    (run,) = all_runs(default_root())
    return run


def told(bench: Bench, text: str) -> bool:
    return any(text in note.message for note in bench.notifications)


# What is shown


async def test_all_panes_follow_a_run_that_another_trains():
    recipe = ENDLESS.with_(n=3)
    with trainer(OTHER, recipe) as (session, run):
        async with workbench(run=run, size=WIDE) as bench:
            await attached(bench)
            assert bench.app.corpus == OTHER
            assert bench.app.recipe == recipe
            assert bench.app.counts is not None
            assert bench.app.counts.ngrams.n == 3
            title = bench.shown("#training").splitlines()[0]
            assert run.name in title
            assert f"process {os.getpid()}" in title
            step = session.snapshot.step
            await bench.steps(step + 100)
            await bench.until(lambda: bench.app.look and bench.app.look.step > step, "a look")
            assert settings.load()[0].recipe == QUICK


async def test_the_whole_curve_is_there_on_attaching(corpus: Corpus):
    with trainer(corpus, QUICK.with_(steps=1000), speed=None) as (session, run):
        wait(lambda: session.snapshot.step > 300)
        session.pause()
        wait(lambda: session.snapshot.phase is Phase.PAUSED)
        async with workbench(run=run, size=WIDE) as bench:
            await attached(bench)
            await bench.until(lambda: bench.app.snapshot.step == session.snapshot.step)
            step = session.snapshot.step
            losses, own = bench.app.snapshot.losses, session.snapshot.losses
            assert losses is not None
            assert own is not None
            assert torch.equal(losses[:step], own[:step])
            chart = bench.shown("#loss")
            assert any("\u2801" <= character <= "\u28ff" for character in chart)
            log = bench.shown("#log")
            for report in session.snapshot.reports:
                assert f"{report.loss:.4f}" in log


async def test_the_words_are_those_of_the_trainers_network(corpus: Corpus):
    with trainer(corpus) as (session, run):
        session.pause()
        wait(lambda: session.snapshot.phase is Phase.PAUSED)
        async with workbench(run=run) as bench:
            await attached(bench)
            await bench.press("3", "c")
            pane = bench.app.query_one("#generator")
            await bench.until(lambda: pane.drawing, "words")
            theirs = sample(session.trained().result().network, Draws(count=20))
            ours = pane.drawing.samples["network"]
            assert [word.word for word in ours] == [word.word for word in theirs]


async def test_looking_at_a_run_does_not_change_its_pace(corpus: Corpus):
    with trainer(corpus, speed=77.0) as (session, run):
        async with workbench(run=run) as bench:
            await attached(bench)
            await bench.until(lambda: bench.app.pace == 77)
            assert not bench.app.full_speed
            assert session.speed == 77
            session.set_speed(None)
            await bench.until(lambda: bench.app.full_speed)
            assert session.speed is None
            await bench.press("f")
            await bench.until(lambda: session.speed == 77)
            await bench.press("+")
            await bench.until(lambda: session.speed == 100)
            await bench.press("-", "-")
            await bench.until(lambda: session.speed == 10)


# Steering


async def test_the_keys_steer_the_other_trainer(corpus: Corpus):
    with trainer(corpus) as (session, run):
        async with workbench(run=run) as bench:
            await attached(bench)
            await bench.press("space")
            await bench.until(lambda: session.snapshot.phase is Phase.PAUSED)
            await bench.phase(Phase.PAUSED)
            step = session.snapshot.step
            await bench.press("s")
            await bench.until(lambda: bench.app.snapshot.step == step + 1)
            assert session.snapshot.step == step + 1
            await bench.press("space")
            await bench.until(lambda: session.snapshot.phase is Phase.RUNNING)
            await bench.phase(Phase.RUNNING)
            await bench.press("x")
            await bench.until(lambda: session.snapshot.phase is Phase.STOPPED)


async def test_a_learning_rate_is_changed_while_the_run_goes_on(corpus: Corpus):
    with trainer(corpus) as (session, run):
        async with workbench(run=run) as bench:
            await attached(bench)
            await bench.press("e")
            await bench.screen(RecipeForm)
            await bench.fill("#learning_rate", "0.125")
            await bench.press("enter")
            await bench.until(lambda: session.snapshot.recipe.learning_rate == 0.125)
            assert session.snapshot.phase is Phase.RUNNING
            assert told(bench, "learning rate 0.125")
            await bench.until(lambda: bench.app.snapshot.recipe.learning_rate == 0.125)
            assert bench.app.recipe.learning_rate == 0.125
            session.adjust(ENDLESS.with_(learning_rate=0.5, l2=0.25))  # as another viewer may
            await bench.until(lambda: bench.app.recipe.l2 == 0.25)
            assert bench.app.recipe.learning_rate == 0.5
            assert session.snapshot.phase is Phase.RUNNING


async def test_two_apps_on_one_run(words_file: Path):
    async with workbench(words_file, recipe=ENDLESS) as writer:
        await writer.press("space")
        await writer.steps(1)
        folder = writer.app.session.snapshot.folder
        assert folder is not None
        async with workbench(run=Run.open(folder), recipe=None) as watcher:
            await attached(watcher)
            step = writer.app.session.snapshot.step
            await watcher.steps(step + 1)
            await watcher.press("space")
            await watcher.until(lambda: writer.app.session.snapshot.phase is Phase.PAUSED)
            await watcher.phase(Phase.PAUSED)
        assert writer.app.session.snapshot.phase is Phase.PAUSED


# Leaving


@pytest.mark.parametrize("way", ["order", "corpus", "reset"])
async def test_a_run_that_is_left_goes_on(way: str, corpus: Corpus, words_file: Path):
    with trainer(corpus) as (session, run):
        async with workbench(run=run) as bench:
            await attached(bench)
            if way == "corpus":
                words_file.write_text("other\n")
                bench.app.open_corpus(str(words_file))
            else:
                await bench.press("]" if way == "order" else "r")
            await here(bench)
            assert told(bench, f"{run.name} goes on in process {os.getpid()}")
            step = session.snapshot.step
            wait(lambda: session.snapshot.step > step)
            assert session.snapshot.phase is Phase.RUNNING
            await bench.counted()
            await bench.press("space")
            await bench.until(lambda: bench.app.local.snapshot.step > 0)
            assert bench.app.local.snapshot.folder != run.folder
            assert session.snapshot.phase is Phase.RUNNING
        step = session.snapshot.step
        wait(lambda: session.snapshot.step > step)


async def test_an_app_that_ends_leaves_the_run_alone(corpus: Corpus):
    with trainer(corpus) as (session, run):
        async with workbench(run=run) as bench:
            await attached(bench)
        step = session.snapshot.step
        wait(lambda: session.snapshot.step > step)
        said = bench.app.farewell()
        assert f"{run.name} goes on in process {os.getpid()}" in said
        assert f"makemore-tui --run {run.id}" in said


async def test_a_run_that_is_finished_elsewhere_is_shown_here(corpus: Corpus):
    with trainer(corpus, QUICK, speed=10) as (session, run):
        async with workbench(run=run) as bench:
            await attached(bench)
            await bench.press("f")
            await bench.until(lambda: session.snapshot.phase is Phase.FINISHED)
            session.close()
            await here(bench)
            await bench.phase(Phase.FINISHED)
            assert bench.app.session.trained().result().step == 101


async def test_a_run_that_its_app_drops_can_be_gone_on_with_here(corpus: Corpus):
    with trainer(corpus) as (session, run):
        async with workbench(run=run) as bench:
            await attached(bench)
            await bench.press("x")
            await bench.until(lambda: session.snapshot.phase is Phase.STOPPED)
            session.close()
            await here(bench)
            await bench.phase(Phase.PAUSED)
            assert told(bench, "was stopped")
            step = bench.app.session.snapshot.step
            assert step == session.snapshot.step
            await bench.press("space")
            await bench.steps(step + 1)


async def test_a_run_that_changes_hands_is_followed(corpus: Corpus):
    with trainer(corpus) as (session, run):
        async with workbench(run=run) as bench:
            await attached(bench)
            first = bench.app.session
            session.clear()
            session.trained().result()
            second = TrainingSession(1000, runs=default_root())
            try:
                second.restore(run, corpus, paused=False)
                await bench.until(lambda: bench.app.session not in (first, bench.app.local))
                await bench.phase(Phase.RUNNING)
                step = second.snapshot.step
                await bench.steps(step + 1)
            finally:
                second.close()
                second.join()


async def test_a_run_whose_folder_is_gone_is_left(corpus: Corpus):
    with trainer(corpus) as (session, run):
        async with workbench(run=run, size=WIDE) as bench:
            await attached(bench)
            shutil.rmtree(run.folder)
            await bench.until(lambda: session.snapshot.phase is Phase.STOPPED)
            await here(bench)
            await bench.phase(Phase.IDLE)
            assert told(bench, "holds no run")
            await bench.press("space")
            await bench.steps(1)


# What can be wrong


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
            assert told(bench, "checkpoint")
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


# A process of its own


async def test_a_run_is_detached_and_attached_to(words_file: Path, _no_process_left):
    async with workbench(words_file, recipe=ENDLESS) as bench:
        await bench.press("space", "2")
        await bench.steps(3)
        speed = bench.app.session.speed
        await bench.press("D")
        await attached(bench)
        run = only_run()
        process = bench.app.snapshot.process
        assert process not in (0, os.getpid())
        assert run.live
        assert told(bench, f"goes on in process {process}")
        assert told(bench, f"makemore attach {run.id}")
        step = bench.app.session.snapshot.step
        await bench.steps(step + 5)
        await bench.until(lambda: bench.app.session.speed == speed)
        await bench.press("D")
        await bench.until(lambda: told(bench, "already"))
        os.kill(process, signal.SIGKILL)
        await here(bench)
        await bench.phase(Phase.PAUSED)
        assert told(bench, f"Process {process}, which trained {run.name}, is gone")
        step = bench.app.session.snapshot.step
        await bench.press("space")
        await bench.steps(step + 1)


async def test_a_paused_run_stays_paused_when_it_is_detached(words_file: Path, _no_process_left):
    async with workbench(words_file, recipe=ENDLESS) as bench:
        await bench.press("s", "s", "s")
        await bench.phase(Phase.PAUSED)
        await bench.until(lambda: bench.app.snapshot.step == 3)
        await bench.press("D")
        await attached(bench)
        await bench.phase(Phase.PAUSED)
        assert bench.app.session.snapshot.step == 3
        await bench.press("x")
        await here(bench)
        assert not told(bench, "is gone")
        assert not only_run().live or bench.app.local.snapshot.folder == only_run().folder


async def test_a_run_that_cannot_be_detached_is_taken_back(
    words_file: Path, monkeypatch: pytest.MonkeyPatch
):
    async with workbench(words_file, recipe=ENDLESS) as bench:
        await bench.press("space")
        await bench.steps(3)
        monkeypatch.setattr(sys, "executable", "/nowhere/python")
        step = bench.app.session.snapshot.step
        await bench.press("D")
        note = await bench.notification()
        assert note.severity == "error"
        assert "\n" not in note.message
        await here(bench)
        await bench.phase(Phase.RUNNING)
        await bench.steps(step + 1)
        assert bench.app.session.snapshot.folder == only_run().folder


async def test_without_a_run_there_is_nothing_to_detach(words_file: Path):
    async with workbench(words_file) as bench:
        await bench.press("D")
        assert "space starts one" in (await bench.notification()).message
        await bench.press("r")
        await bench.phase(Phase.PAUSED)
        await bench.press("D")
        assert "space starts one" in (await bench.notification(2)).message
        await bench.train()
        await bench.press("D")
        assert "space starts one" in (await bench.notification(3)).message


# The program


def test_the_program_says_what_becomes_of_the_run_and_opens_it_again(words_file: Path):
    remember(ENDLESS)
    with terminal(*PROGRAM, str(words_file)) as one:
        one.until(r"floor +\d\.\d{4}")
        one.press(" ")
        one.until("running")
        one.press("q")
        assert one.ends() == 0
        run = only_run()
        one.until(
            rf"{run.id} is saved at step [\d,]+; `makemore-tui --run {run.id}` goes on with it"
        )
    with terminal(*PROGRAM, "--run", run.name) as one:
        one.until("paused")
        one.until(rf"{run.status.step:,}/1,000,000")
        one.press("q")
        assert one.ends() == 0
    with terminal(*PROGRAM, "--run", "nosuch") as one:
        assert one.ends() == 1
        assert "no run is called 'nosuch'" in one.text
    with terminal(*PROGRAM, "--run", run.name, str(words_file)) as one:
        assert one.ends() == 2
        assert "its own corpus" in one.text
    with terminal(*PROGRAM, "--runs", str(words_file.parent / "other"), "--run", run.name) as one:
        assert one.ends() == 1
