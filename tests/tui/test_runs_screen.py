"""The list of the runs on disk: what it shows, and what is done from it."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from runs_on_disk import trained, trainer, wait
from textual.widgets import Button, DataTable
from workbench import ENDLESS, QUICK, Bench, cells, settle, workbench

from model.corpus import Corpus, parse
from model.recipe import RECIPES
from model.run_table import compared, figures
from model.runs import Run, all_runs, default_root
from model.session import Phase
from tui import settings
from tui.screens.compare import CompareScreen
from tui.screens.forms import Form
from tui.screens.question import Question
from tui.screens.runs import RunsScreen
from tui.widgets.find import Find
from tui.widgets.run_table import RunTable

OTHER = parse(b"one\ntwo\nthree\n", "numbers.txt")
HOSTILE = "a [red]b[/] \x1b[2J\u202ec"


async def list_runs(bench: Bench) -> None:
    await bench.press("R")
    await bench.screen(RunsScreen)
    await bench.until(lambda: listed(bench) or "no runs" in bench.shown("#none"), "the list")


def listed(bench: Bench) -> list[str]:
    """The rows, as they look."""
    if not bench.app.screen.query_one(RunTable).display:
        return []
    return [line for line in bench.shown("#list").splitlines()[1:] if line.strip()]


async def go_to(bench: Bench, run: Run) -> None:
    """Put the cursor on a run."""
    await bench.press("home")
    for _ in range(20):
        current = bench.app.screen.query_one(RunTable).current
        if current is not None and current.run.folder == run.folder:
            return
        await bench.press("down")
    raise AssertionError(f"{run.name} is not listed")


async def listed_as(bench: Bench, *texts: str) -> None:
    await bench.until(lambda: any(all(each in row for each in texts) for row in listed(bench)))


# What it shows


async def test_an_empty_list_says_how_runs_come_about(words_file: Path):
    async with workbench(words_file) as bench:
        await list_runs(bench)
        shown = " ".join(bench.shown("#none").split())
        assert "no runs yet" in shown
        assert "start one with space" in shown
        await bench.press("enter", "m", "c", "e", "d", "p", "x", "escape")
        assert not isinstance(bench.app.screen, RunsScreen)


@pytest.mark.parametrize("size", [(80, 24), (140, 40)])
async def test_a_row_has_the_figures_of_the_command_line(
    size: tuple[int, int], words_file: Path, corpus: Corpus
):
    run = trained(corpus, name="first")
    async with workbench(words_file, size=size) as bench:
        await list_runs(bench)
        (row,) = listed(bench)
        known = figures(run)
        for text in ("✓", "first", "n=2 converge", f"{known['loss']:.4f}", f"{known['gap']:.4f}"):
            assert text in row
        assert ("100%" in row) is (size[0] == 80)
        assert ("words.txt" in row) is (size[0] == 140)
        about = bench.shown("#about")
        for text in ("finished", "step 101 of 101", "words.txt, 40 words", "adam, lr 1 cosine"):
            assert text in about


async def test_the_newest_run_stands_first(words_file: Path, corpus: Corpus):
    old, new = trained(corpus, name="old"), trained(corpus, name="new")
    replace(old, created="2020-01-01T00:00:00+00:00").write()
    async with workbench(words_file) as bench:
        await list_runs(bench)
        assert [row.split()[1] for row in listed(bench)] == ["new", "old"]
        assert all_runs(default_root())[0].folder == new.folder


async def test_a_live_run_shows_who_trains_it_and_how_far_it_is(words_file: Path, corpus: Corpus):
    with trainer(corpus) as (session, run):
        process = str(run.status.process)
        async with workbench(words_file) as bench:
            await list_runs(bench)
            await listed_as(bench, "►", run.name, process)
            session.pause()
            await listed_as(bench, "‖", run.name, process)
            session.stop()
            await listed_as(bench, "■", run.name)


async def test_the_run_that_is_open_here_is_the_apps(words_file: Path):
    async with workbench(words_file, recipe=ENDLESS) as bench:
        await bench.press("space")
        await bench.steps(1)
        await list_runs(bench)
        await listed_as(bench, "►", "app")
        assert "in this app" in bench.shown("#about")


async def test_the_list_follows_what_others_do(words_file: Path, corpus: Corpus):
    run = trained(corpus)
    async with workbench(words_file) as bench:
        await list_runs(bench)
        run.rename("another name")
        await listed_as(bench, "another name")
        shutil.rmtree(run.folder)
        await bench.until(lambda: "no runs yet" in bench.shown("#none"))
        assert listed(bench) == []
        second = trained(corpus)
        await listed_as(bench, second.name)
        await go_to(bench, second)


async def test_what_is_no_run_is_left_out(words_file: Path, corpus: Corpus):
    run = trained(corpus)
    (default_root() / "stranger").mkdir()
    (default_root() / "file").write_text("")
    broken = trained(corpus)
    (broken.folder / "run.json").write_text("{")
    async with workbench(words_file) as bench:
        await list_runs(bench)
        (row,) = listed(bench)
        assert run.name in row


async def test_nothing_in_a_folder_is_obeyed(words_file: Path):
    corpus = replace(OTHER, name=HOSTILE)
    run = trained(corpus, QUICK.with_(name=HOSTILE))
    replace(run, name=HOSTILE).write()
    async with workbench(words_file, size=(200, 40)) as bench:
        await list_runs(bench)
        await bench.press("d")
        await bench.screen(Question)
        await bench.press("escape", "e")
        await bench.screen(Form)
        await bench.press("escape")
        assert "\x1b" not in bench.shown()
        assert "\u202e" not in bench.shown()
        assert "[red]b[/]" in bench.shown("#list")
        await bench.press("enter")
        await bench.phase(Phase.FINISHED)
        assert "[red]b[/]" in bench.shown("#headline")
        assert "\x1b" not in bench.shown()
        assert "[red]b[/]" in bench.shown("#training")
        await bench.press("2", "e")  # the recipe of that name can be edited
        await bench.screen(Form)


# The filter


async def test_the_filter_shows_what_matches_as_it_is_typed(words_file: Path, corpus: Corpus):
    trained(corpus, name="alpha")
    trained(OTHER, QUICK.with_(n=3), name="beta")
    async with workbench(words_file) as bench:
        await list_runs(bench)
        await bench.press("/")
        for text, count in (("b", 1), ("e", 1), ("t", 1)):
            await bench.press(text)
            assert len(listed(bench)) == count
        await bench.press("escape")
        assert len(listed(bench)) == 2
        for wanted, names in {
            "NUMBERS": ["beta"],
            "n=3": ["beta"],
            "finished converge": ["beta", "alpha"],
            "alpha finished": ["alpha"],
            "alpha beta": [],
        }.items():
            await bench.press("/")
            await bench.fill("#filter", wanted)
            await bench.press("enter")
            assert [row.split()[1] for row in listed(bench)] == names or wanted.startswith("fin")
            assert len(listed(bench)) == len(names)
        assert "alpha beta" in bench.shown("#none")
        assert not bench.app.screen.query_one(Find).has_class("-open")


# Renaming


async def test_a_run_gets_another_name(words_file: Path, corpus: Corpus):
    run = trained(corpus)
    async with workbench(words_file) as bench:
        await list_runs(bench)
        await bench.press("e")
        await bench.screen(Form)
        await bench.fill("#name", "  the [best]  one ")
        await bench.press("enter")
        await listed_as(bench, "the [best] one")
        assert Run.open(run.folder).name == "the [best] one"


async def test_a_name_that_cannot_be_is_refused(words_file: Path, corpus: Corpus):
    run = trained(corpus)
    async with workbench(words_file) as bench:
        await list_runs(bench)
        await bench.press("e")
        await bench.screen(Form)
        await bench.fill("#name", "x" * 61)
        await bench.press("enter")
        note = await bench.notification()
        assert "1 to 60 characters" in note.message
        assert Run.open(run.folder).name == run.name


async def test_the_open_run_is_called_by_its_new_name(words_file: Path):
    async with workbench(words_file, recipe=ENDLESS) as bench:
        await bench.press("2", "space")
        await bench.steps(1)
        await list_runs(bench)
        await bench.press("e")
        await bench.screen(Form)
        await bench.fill("#name", "mine")
        await bench.press("enter")
        await bench.until(lambda: bench.app.snapshot.name == "mine")
        await bench.press("escape")
        assert "mine" in bench.shown("#training")


# Deleting


async def test_a_run_is_deleted_after_a_question_only(words_file: Path, corpus: Corpus):
    run = trained(corpus)
    async with workbench(words_file) as bench:
        await list_runs(bench)
        for answer in ("enter", "escape", "n"):
            await bench.press("d")
            await bench.screen(Question)
            shown = bench.shown()
            assert run.name in shown
            assert "101 steps" in shown
            await bench.press(answer)
            await bench.screen(RunsScreen)
            await bench.workers()
            assert run.folder.is_dir()
        await bench.press("delete")
        await bench.screen(Question)
        await bench.press("y")
        await bench.until(lambda: not run.folder.exists())
        await bench.until(lambda: "no runs yet" in bench.shown("#none"))


async def test_marked_runs_are_deleted_together(words_file: Path, corpus: Corpus):
    one, two, three = (trained(corpus, name=name) for name in ("one", "two", "three"))
    async with workbench(words_file) as bench:
        await list_runs(bench)
        for run in (one, three):
            await go_to(bench, run)
            await bench.press("m")
        assert [row.split()[0] for row in listed(bench)].count("●") == 2
        await go_to(bench, two)
        await bench.press("d")
        await bench.screen(Question)
        shown = bench.shown()
        assert "one" in shown
        assert "three" in shown
        await bench.press("right", "enter")
        await bench.until(lambda: not one.folder.exists() and not three.folder.exists())
        assert two.folder.is_dir()


async def test_a_run_that_another_process_trains_is_not_deleted(words_file: Path, corpus: Corpus):
    with trainer(corpus) as (_, run):
        async with workbench(words_file) as bench:
            await list_runs(bench)
            await bench.press("d")
            await bench.screen(Question)
            await bench.press("y")
            note = await bench.notification()
            assert "stop it first" in note.message
            assert run.folder.is_dir()


async def test_the_run_that_is_open_ends_when_it_is_deleted(words_file: Path):
    async with workbench(words_file, recipe=ENDLESS) as bench:
        await bench.press("space")
        await bench.steps(1)
        folder = bench.app.session.snapshot.folder
        assert folder is not None
        await list_runs(bench)
        await bench.press("d")
        await bench.screen(Question)
        assert "open here ends" in bench.shown()
        await bench.press("y")
        await bench.until(lambda: not folder.exists())
        await bench.phase(Phase.IDLE)
        await bench.press("escape", "space")
        await bench.steps(1)


# Comparing


async def test_runs_stand_side_by_side_with_what_differs_marked(words_file: Path, corpus: Corpus):
    one = trained(corpus, name="one")
    two = trained(corpus, QUICK.with_(learning_rate=0.25), name="two")
    async with workbench(words_file) as bench:
        await list_runs(bench)
        await bench.press("c")
        assert "m" in (await bench.notification()).message  # of one run there is nothing to compare
        await bench.press("home", "m", "m", "c")
        await bench.screen(CompareScreen)
        table = bench.app.screen.query_one(DataTable)
        order = [run for run in all_runs(default_root()) if run.folder in (one.folder, two.folder)]
        expected = [
            ["≠" if line.differs else "", line.name, *line.values] for line in compared(order)
        ]
        assert cells(table) == expected[1:]
        rows = {row[1]: row for row in cells(table)}
        assert rows["learning rate"][0] == "≠"
        assert rows["optimiser"][0] == ""
        await bench.press("escape")
        assert isinstance(bench.app.screen, RunsScreen)


async def test_a_run_is_compared_with_the_open_one(words_file: Path, corpus: Corpus):
    trained(corpus, name="before")
    async with workbench(words_file) as bench:
        await bench.train()
        await list_runs(bench)
        await bench.until(lambda: len(listed(bench)) == 2)
        await bench.press("/")
        await bench.fill("#filter", "before")
        await bench.press("enter", "c")
        await bench.screen(CompareScreen)
        labels = [str(each.label) for each in bench.app.screen.query_one(DataTable).ordered_columns]
        assert labels[2:] == ["before", bench.app.session.snapshot.name]


# Opening


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
