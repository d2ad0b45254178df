"""The list of the runs on disk: what it shows, and what is done from it."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from runs_on_disk import go_to, list_runs, listed, listed_as, trained, trainer
from textual.widgets import DataTable
from workbench import ENDLESS, QUICK, cells, workbench

from model.corpus import Corpus, parse
from model.run_table import compared, figures
from model.runs import Run, all_runs, default_root
from model.session import Phase
from tui.screens.compare import CompareScreen
from tui.screens.forms import Form
from tui.screens.question import Question
from tui.screens.runs import RunsScreen
from tui.widgets.find import Find

OTHER = parse(b"one\ntwo\nthree\n", "numbers.txt")
HOSTILE = "a [red]b[/] \x1b[2J\u202ec"

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
        assert labels[2:] == ["A before", f"B {bench.app.session.snapshot.name}"]
