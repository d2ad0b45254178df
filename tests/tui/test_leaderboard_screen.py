"""The leaderboard: rows as they are ready, their order, the test words, files, and how it looks."""

import csv
import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Event
from types import SimpleNamespace

import pytest
from runs_on_disk import trained
from textual.pilot import Pilot
from textual.widgets import Input
from workbench import QUICK, WORDS, Bench, remember, workbench

import tui.app
from model import leaderboard
from model.corpus import Corpus, load
from model.files import replace_file
from model.leaderboard import judged
from model.leaderboard_table import Entry
from model.runs import STATUS, Run, all_runs, default_root
from tui.app import MakemoreApp
from tui.screens.forms import Form
from tui.screens.help import HelpScreen
from tui.screens.leaderboard import JudgingFailed, LeaderboardScreen, ModelsJudged
from tui.widgets.board import Board

RARE = ("zoelia", "mirabel", "eleanora", "ameliette", "zoraya", "abiella")
ON_TRAIN = QUICK.with_(data="train")
COUNT_MODELS = 25
HOSTILE = "a [red]b[/] \x1b[2J\u202ec|d"


@pytest.fixture
def names(tmp_path: Path) -> Path:
    """A file of words most of which stand in it three times."""
    path = tmp_path / "names.txt"
    path.write_text("".join(f"{word}\n" for word in (*WORDS * 3, *RARE)))
    return path


@pytest.fixture
def corpus(names: Path) -> Corpus:
    return load(str(names))


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A file of so many words that judging them takes a while."""
    path = tmp_path / "many.txt"
    words = itertools.product("abcdefghij", repeat=4)
    path.write_text("".join(f"{''.join(word)}\n" for word in words))
    return path


async def show(bench: Bench) -> None:
    """Open the leaderboard, and wait until every model is judged."""
    await bench.press("L")
    await bench.screen(LeaderboardScreen)
    await ended(bench)


async def ended(bench: Bench, number: int = 1) -> None:
    def times() -> int:
        return sum(message.ended for message in bench.posted(ModelsJudged))

    await bench.until(lambda: times() == number, "the end of the judging")


def board(bench: Bench) -> Board:
    return bench.app.screen.query_one(Board)


def rows(bench: Bench) -> list[list[str]]:
    """The words of each row that is seen, the head's first."""
    return [line.split() for line in bench.shown("#board").splitlines() if line.strip()]


def subtitle(bench: Bench) -> str:
    return str(bench.app.screen.query_one("#leaderboard").border_subtitle)


async def go_to(bench: Bench, name: str) -> Entry:
    """Put the cursor on a model."""
    await bench.press("home")
    for _ in range(COUNT_MODELS + 10):
        current = board(bench).current
        if current is not None and current.name == name:
            return current
        await bench.press("down")
    raise AssertionError(f"{name} is not there")


# What it shows


async def test_the_rows_are_those_of_the_command_line_the_best_on_dev_first(
    names: Path, corpus: Corpus
):
    trained(corpus, ON_TRAIN, "mine")
    expected = [each.entry for each in judged(corpus, all_runs(default_root())) if each.entry]
    expected.sort(key=lambda entry: (entry.dev is None, entry.dev))
    async with workbench(names, size=(120, 40)) as bench:
        await show(bench)
        head, *shown = rows(bench)
        assert head == ["model", "kind", "n", "parameters", "train", "dev▲", "test", "unseen",
                        "seconds", "words/s"]  # fmt: skip
        assert len(shown) == len(expected) == COUNT_MODELS + 2
        for row, entry in zip(shown, expected, strict=True):
            figures = (entry.train, entry.dev, None, entry.unseen)
            texts = ["—" if x is None else "∞" if x > 1e9 else f"{x:.4f}" for x in figures]
            assert row[-6:-2] == texts
            assert entry.name.split()[0] == row[0]
        assert "nats per token" in subtitle(bench)


async def test_rows_are_there_before_all_are_judged(many: Path):
    async with workbench(many) as bench:
        await bench.press("L")
        await bench.until(lambda: any(row[0] == "add-k" for row in rows(bench)), "a row")
        assert "judging █" in subtitle(bench)
        assert "%" in subtitle(bench)
        shares = [message.share for message in bench.posted(ModelsJudged)]
        assert 0 < shares[0] <= shares[-1] < 1


async def test_a_narrow_screen_leaves_the_least_columns_out_and_tells_them_below(names: Path):
    async with workbench(names, size=(80, 24)) as bench:
        await show(bench)
        assert rows(bench)[0] == ["model", "n", "parameters", "train", "dev▲", "test", "unseen"]
        await go_to(bench, "add-k")
        about = bench.shown("#about")
        for text in ("add-k · counts n=", "parameters", "s to train", "words/s", "k=", "on dev"):
            assert text in about


async def test_a_run_that_has_learnt_all_words_says_why_it_has_no_figures(
    names: Path, corpus: Corpus
):
    trained(corpus, name="all")
    async with workbench(names) as bench:
        await show(bench)
        await go_to(bench, "all")
        (row,) = (row for row in rows(bench) if row[0] == "all")
        assert row[-3:] == ["—", "—", "—"]
        assert "learnt from all words" in bench.shown("#about")


async def test_names_are_shown_as_they_are_and_obeyed_by_nobody(names: Path, corpus: Corpus):
    trained(corpus, ON_TRAIN, HOSTILE)
    async with workbench(names, size=(120, 40)) as bench:
        await show(bench)
        await go_to(bench, " ".join(HOSTILE.split()))
        for part in ("#board", "#about"):
            assert "a [red]b[/] ␛[2J\\u202ec|d" in bench.shown(part)


async def test_too_few_words_are_said_to_be_too_few(tmp_path: Path):
    path = tmp_path / "few.txt"
    path.write_text("emma\nava\n")
    async with workbench(path) as bench:
        await bench.press("L")
        await bench.screen(LeaderboardScreen)
        await bench.until(lambda: "too few" in bench.shown("#none"), "the reason")
        await bench.press("s", "r", "e", "enter")
        assert isinstance(bench.app.screen, LeaderboardScreen)
        await bench.press("escape")
        assert not isinstance(bench.app.screen, LeaderboardScreen)


# Its order


async def test_keys_choose_the_column_and_the_direction(names: Path):
    async with workbench(names) as bench:
        await show(bench)
        trains = [float(row[-4]) for row in rows(bench)[1:]]
        await bench.press("S")
        assert rows(bench)[0][3] == "train▲"
        assert [float(row[-4]) for row in rows(bench)[1:]] != trains
        low = [float(row[-4]) for row in rows(bench)[1:]]
        assert low == sorted(low)
        await bench.press("r")
        assert rows(bench)[0][3] == "train▼"
        high = [float(row[-4]) for row in rows(bench)[1:]]
        assert high == sorted(high, reverse=True)
        await bench.press("s", "s", "s", "s")
        assert rows(bench)[0][0] == "model▲"
        assert [row[0] for row in rows(bench)[1:6]] == ["absolute"] * 5


async def test_the_head_that_is_clicked_is_sorted_by_and_then_the_other_way(names: Path):
    async with workbench(names, size=(120, 40)) as bench:
        await show(bench)
        place = bench.shown("#board").splitlines()[0].index("parameters") + 3
        await bench.pilot.click("#board", offset=(place, 0))
        assert rows(bench)[0][3] == "parameters▲"
        await bench.pilot.click("#board", offset=(place, 0))
        assert rows(bench)[0][3] == "parameters▼"
        sizes = [int(row[-7].replace(",", "")) for row in rows(bench)[1:]]
        assert sizes == sorted(sizes, reverse=True)
        await bench.pilot.click("#board", offset=(place, 5))
        assert rows(bench)[0][3] == "parameters▼"


async def test_the_quickest_stands_first_when_sorted_by_speed(names: Path):
    async with workbench(names, size=(120, 40)) as bench:
        await show(bench)
        await bench.press("S", "S", "S", "S", "S", "S")
        assert rows(bench)[0][-1] == "words/s▼"
        speeds = [int(row[-1].replace(",", "")) for row in rows(bench)[1:]]
        assert speeds == sorted(speeds, reverse=True)


# The test words


async def test_test_is_closed_until_it_is_opened(names: Path, corpus: Corpus):
    expected = {(e.name, e.n): e for _, e in judged(corpus, test=True) if e}
    async with workbench(names, size=(120, 40)) as bench:
        await show(bench)
        assert {row[-4] for row in rows(bench)[1:]} == {"—"}
        assert "dev words that are not in train" in subtitle(bench)
        await bench.press("t")
        await ended(bench, 2)
        assert "test words that are not in train" in subtitle(bench)
        for row in rows(bench)[1:]:
            entry = expected[row[0], int(row[2])]
            figures = (entry.test, entry.unseen)
            assert row[-4:-2] == ["∞" if x == float("inf") else f"{x:.4f}" for x in figures]
        await bench.press("t")
        await bench.workers()
        assert sum(message.ended for message in bench.posted(ModelsJudged)) == 2


async def test_opening_test_before_all_are_judged_begins_anew(names: Path):
    async with workbench(names, size=(120, 40)) as bench:
        await bench.press("L")
        await bench.message(ModelsJudged)
        await bench.press("t")
        late = Entry("late", "counts", 2)
        bench.app.screen.post_message(ModelsJudged(1, 0.5, late))
        bench.app.screen.post_message(JudgingFailed(1, "too late"))
        await ended(bench)
        assert not bench.notifications
        assert len(rows(bench)) == 1 + COUNT_MODELS
        assert "—" not in {row[-4] for row in rows(bench)[1:]}


# What is done with it


@pytest.mark.parametrize("name", ["board.md", "board.csv"])
async def test_what_is_shown_is_written_to_a_file(name: str, names: Path, tmp_path: Path):
    path = tmp_path / name
    async with workbench(names, size=(120, 40)) as bench:
        await show(bench)
        await bench.press("r", "e")
        await bench.screen(Form)
        await bench.fill("#path", str(path))
        await bench.press("enter")
        note = await bench.notification()
        assert f"25 models written to {path}" in note.message
        shown = [row[0] for row in rows(bench)[1:]]
    if name.endswith("csv"):
        assert [row["name"] for row in csv.DictReader(path.open(newline=""))] == shown
    else:
        lines = path.read_text().splitlines()
        assert [line.split("|")[1].strip().replace("\\", "") for line in lines[2:]] == shown


async def test_a_file_of_another_kind_or_one_that_is_there_is_refused(names: Path):
    async with workbench(names) as bench:
        await show(bench)
        await bench.press("e")
        await bench.screen(Form)
        for path, reason in ((names, "already"), (names.with_name("board.txt"), ".md")):
            await bench.fill("#path", str(path))
            await bench.press("enter")
            assert isinstance(bench.app.screen, Form)
            assert reason in bench.shown("#path-error")


async def test_enter_opens_a_run_and_nothing_else(names: Path, corpus: Corpus):
    run = trained(corpus, ON_TRAIN, "mine")
    async with workbench(names) as bench:
        await show(bench)
        await go_to(bench, "add-k")
        await bench.press("enter")
        assert "is no run" in (await bench.notification()).message
        await go_to(bench, "mine")
        await bench.press("enter")
        await bench.until(lambda: bench.app.snapshot.folder == run.folder, "the run")
        assert not isinstance(bench.app.screen, LeaderboardScreen)


async def test_leaving_ends_the_judging(many: Path, monkeypatch: pytest.MonkeyPatch):
    shares: list[float] = []
    closed = Event()

    def watched(*arguments, **options):
        try:
            for progress in judged(*arguments, **options):
                shares.append(progress.share)
                yield progress
        finally:
            closed.set()

    monkeypatch.setattr(leaderboard, "judged", watched)
    async with workbench(many) as bench:
        await bench.press("L")
        await bench.message(ModelsJudged)
        await bench.press("escape")
        await bench.until(closed.is_set, "the end of the judging")
        assert shares[-1] < 0.9
        assert not isinstance(bench.app.screen, LeaderboardScreen)
        assert not bench.notifications


async def test_the_help_explains_the_figures_and_the_keys(names: Path):
    async with workbench(names, size=(120, 40)) as bench:
        await show(bench)
        await bench.press("?")
        await bench.screen(HelpScreen)
        shown = " ".join(bench.shown().split())
        for text in ("unseen", "mixture", "Reverse", "Look at the test words"):
            assert text in shown


async def test_without_a_corpus_there_is_nothing_to_judge(tmp_path: Path):
    async with workbench(tmp_path / "missing.txt", wait=False) as bench:
        await bench.until(lambda: bench.notifications, "the reason")
        await bench.press("L")
        await bench.until(lambda: "nothing to learn" in bench.notifications[-1].message, "a word")
        assert not isinstance(bench.app.screen, LeaderboardScreen)


# How it looks


def timed(run: Run) -> None:
    """Let it have taken as long as on any other machine."""
    status = replace(run.status, seconds=12.5)
    replace_file(run.folder / STATUS, json.dumps(status.stored).encode())


@pytest.mark.parametrize(
    ("size", "colour"),
    [((80, 24), True), ((120, 40), True), ((80, 24), False)],
    ids=["80x24", "120x40", "80x24-mono"],
)
def test_looks(
    size: tuple[int, int],
    colour: bool,
    names: Path,
    corpus: Corpus,
    monkeypatch: pytest.MonkeyPatch,
    snap_compare: Callable[..., bool],
):
    if not colour:
        monkeypatch.setenv("NO_COLOR", "1")
    clock = itertools.count(0.0, 0.0123)
    monkeypatch.setattr(leaderboard, "time", SimpleNamespace(perf_counter=clock.__next__))
    monkeypatch.setattr(tui.app, "FRAMES_PER_SECOND", 0.001)
    for recipe, name in ((ON_TRAIN, "my first network"), (QUICK, "of all words")):
        timed(trained(corpus, recipe, name))
    remember()
    app = MakemoreApp(str(names))
    app.animation_level = "none"

    async def prepare(pilot: Pilot) -> None:
        bench = Bench(app)
        bench.pilot = pilot
        await bench.counted()
        await bench.press("L")
        await bench.screen(LeaderboardScreen)
        await bench.until(lambda: "nats per token" in subtitle(bench), "the end of the judging")
        await bench.press("end")
        for field in app.screen.query(Input):
            field.cursor_blink = False

    try:
        assert snap_compare(app, terminal_size=size, run_before=prepare)
    finally:
        app.local.close()
        app.local.join()
