"""Opening a run from the list."""

from pathlib import Path

from runs_on_disk import go_to, list_runs, listed_as, trained, trainer, wait
from textual.widgets import Button
from workbench import ENDLESS, QUICK, settle, workbench

from model.corpus import Corpus, parse
from model.recipe import RECIPES
from model.runs import Run
from model.session import Phase
from tui import settings
from tui.screens.question import Question
from tui.screens.runs import RunsScreen

OTHER = parse(b"one\ntwo\nthree\n", "numbers.txt")


async def test_a_run_is_taken_up_where_it_stopped(words_file: Path):
    recipe = RECIPES["converge"].with_(n=3, steps=100_000, device="cpu", l2=0.25)
    with trainer(OTHER, recipe, speed=None) as (session, run):
        wait(lambda: session.snapshot.step > 100)
    last = run.status.step
    weights = None
    async with workbench(words_file) as bench:
        await list_runs(bench)
        await bench.press("enter")
        await bench.phase(Phase.PAUSED)
        await bench.counted()
        app = bench.app
        assert app.session.snapshot.step == last
        assert app.corpus == OTHER
        assert app.recipe == recipe
        assert app.counts is not None
        assert app.counts.ngrams.n == 3
        weights = app.session.trained().result().network.W
        assert weights.shape[0] == len(app.counts.ngrams.contexts)
        await bench.press("space")
        await bench.steps(last + 1)
        assert app.session.snapshot.folder == run.folder
        assert settings.load()[0].recipe == QUICK  # the next start is as if nothing had been


async def test_a_finished_run_can_be_sampled_and_looked_at(words_file: Path, corpus: Corpus):
    trained(corpus)
    async with workbench(words_file, size=(160, 40)) as bench:
        await list_runs(bench)
        await bench.press("enter")
        await bench.phase(Phase.FINISHED)
        await bench.until(lambda: bench.app.look and bench.app.look.step == 101)
        assert any("\u2801" <= character <= "\u28ff" for character in bench.shown("#loss"))
        await bench.press("3", "c")
        await bench.until(lambda: bench.app.query_one("#generator").drawing)


async def test_opening_a_run_keeps_the_one_that_was_open_on_disk(words_file: Path, corpus: Corpus):
    run = trained(corpus)
    async with workbench(words_file, recipe=ENDLESS) as bench:
        await bench.press("space")
        await bench.steps(1)
        before = bench.app.session.snapshot.folder
        await list_runs(bench)
        await go_to(bench, run)
        await bench.press("enter")
        await bench.phase(Phase.FINISHED)
        left = Run.open(before)
        assert not left.live
        assert left.status.phase is Phase.STOPPED
        assert any("R lists it" in note.message for note in bench.notifications)


async def test_the_open_run_is_not_opened_again(words_file: Path):
    async with workbench(words_file, recipe=ENDLESS) as bench:
        await bench.press("space")
        await bench.steps(1)
        number = bench.app.session.snapshot.run
        await list_runs(bench)
        await bench.press("enter")
        assert "open already" in (await bench.notification()).message
        await settle(bench.pilot)
        assert bench.app.session.snapshot.run == number
        assert bench.app.session.snapshot.phase is Phase.RUNNING


async def test_a_run_without_its_words_leaves_what_is_open(words_file: Path, corpus: Corpus):
    run = trained(OTHER)
    (run.folder / "words.txt").write_text("other\nwords\n")
    async with workbench(words_file) as bench:
        await list_runs(bench)
        await bench.press("enter")
        note = await bench.notification()
        assert note.severity == "error"
        assert "\n" not in note.message
        assert bench.app.corpus == corpus
        assert not bench.app.activity
        await bench.press("space")
        await bench.steps(1)


async def test_a_run_whose_checkpoints_are_broken_says_so(words_file: Path, corpus: Corpus):
    run = trained(corpus)
    for path in run.checkpoints:
        path.write_bytes(b"broken")
    async with workbench(words_file) as bench:
        await list_runs(bench)
        await bench.press("enter")
        await bench.phase(Phase.FAILED)
        await bench.press("2")
        assert "no checkpoint" in bench.shown("#headline")
        await bench.press("space")  # starts another
        await bench.phase(Phase.RUNNING, Phase.FINISHED)


async def test_the_last_of_two_openings_stays(words_file: Path, corpus: Corpus):
    one, two = trained(corpus), trained(OTHER)
    async with workbench(words_file) as bench:
        for run in (one, two, one, two):
            bench.app.open_run(run)
        await bench.phase(Phase.FINISHED)
        await bench.counted()
        await bench.workers()
        assert bench.app.session.snapshot.folder == two.folder
        assert bench.app.corpus == OTHER
        bench.app.open_run(one)
        bench.app.open_corpus(str(words_file))
        await bench.phase(Phase.IDLE)
        await bench.counted()
        assert bench.app.corpus == corpus


async def test_a_live_run_is_steered_from_the_list(words_file: Path, corpus: Corpus):
    with trainer(corpus) as (session, run):
        async with workbench(words_file) as bench:
            await list_runs(bench)
            await listed_as(bench, "►", run.name)
            await bench.press("p")
            await bench.until(lambda: session.snapshot.phase is Phase.PAUSED)
            await listed_as(bench, "‖", run.name)
            await bench.press("p")
            await bench.until(lambda: session.snapshot.phase is Phase.RUNNING)
            await listed_as(bench, "►", run.name)
            await bench.press("x")
            await bench.until(lambda: session.snapshot.phase is Phase.STOPPED)
            await listed_as(bench, "■", run.name)
            await bench.press("p")
            assert "enter opens it" in (await bench.notification()).message


async def test_the_question_can_be_answered_with_the_mouse(words_file: Path, corpus: Corpus):
    run = trained(corpus)
    async with workbench(words_file) as bench:
        await list_runs(bench)
        await bench.press("d")
        await bench.screen(Question)
        bench.app.screen.query_one("#no", Button).press()
        await bench.screen(RunsScreen)
        assert run.folder.is_dir()
