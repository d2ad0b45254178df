"""The curves of several runs on one chart, beside their figures or in their place."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from runs_on_disk import go_to, list_runs, listed, trained, trainer
from textual.widgets import DataTable
from workbench import ENDLESS, QUICK, Bench, is_seen, workbench

from model.corpus import Corpus
from model.runs import HISTORY, Run
from model.session import Phase
from tui.screens.compare import CompareScreen
from tui.screens.runs import RunsScreen
from tui.widgets.curves import Curves

SIZES = [(80, 24), (80, 50), (120, 40)]
HOSTILE = "[red]x[/] \x1b[2J"


async def compare(bench: Bench, *runs: Run) -> None:
    """Mark runs and put them side by side, with the chart in sight and in focus."""
    await list_runs(bench)
    await bench.until(lambda: len(listed(bench)) >= len(runs), "the runs")
    for run in runs:
        await go_to(bench, run)
        await bench.press("m")
    await bench.press("c")
    await bench.screen(CompareScreen)
    if not is_seen(chart(bench)):
        await bench.press("c")
    chart(bench).focus()
    await bench.until(lambda: "reading" not in bench.shown("#curves"), "the histories")


def chart(bench: Bench) -> Curves:
    return bench.app.screen.query_one(Curves)


def readout(bench: Bench) -> str:
    return bench.shown("#curves").splitlines()[0].strip()


@pytest.mark.parametrize("size", SIZES)
async def test_each_run_has_a_letter_over_its_column_and_on_its_curve(
    size: tuple[int, int], words_file: Path, corpus: Corpus
):
    runs = [trained(corpus, QUICK.with_(seed=seed), f"seed {seed}") for seed in range(7)]
    async with workbench(words_file, size=size) as bench:
        await compare(bench, *runs)
        table = bench.app.screen.query_one(DataTable)
        heads = [str(column.label) for column in table.ordered_columns][2:]
        expected = [f"{letter} seed {6 - n}" for n, letter in enumerate("ABCDEFG")]
        assert heads == expected  # the newest first
        shown = bench.shown("#curves")
        for head in expected[:6]:
            assert head in shown
        assert all(shown.count(letter) > 1 for letter in "ABCDEFG")


@pytest.mark.parametrize("size", SIZES)
async def test_c_shows_the_curves_and_the_figures_again(
    size: tuple[int, int], words_file: Path, corpus: Corpus
):
    runs = [trained(corpus, name="one"), trained(corpus, name="two")]
    async with workbench(words_file, size=size) as bench:
        await list_runs(bench)
        for run in runs:
            await go_to(bench, run)
            await bench.press("m")
        await bench.press("c")
        await bench.screen(CompareScreen)
        table = bench.app.screen.query_one(DataTable)
        both = size != (80, 24)
        assert is_seen(table)
        assert is_seen(chart(bench)) is both
        await bench.press("c")
        assert not is_seen(table)
        assert is_seen(chart(bench))
        assert bench.app.focused is chart(bench)
        await bench.press("c")
        assert is_seen(table)
        assert is_seen(chart(bench)) is both
        assert bench.app.focused is table


async def test_runs_of_different_lengths_share_the_axis(words_file: Path, corpus: Corpus):
    short = trained(corpus, QUICK.with_(steps=60), "short")
    long = trained(corpus, QUICK.with_(steps=601), "long")
    async with workbench(words_file) as bench:
        await compare(bench, short, long)
        last = float(long.history()[-1])
        await bench.until(lambda: f"step 600 · A {last:.5f} · B –" in readout(bench))
        await bench.press("home")
        losses = [float(run.history()[0]) for run in (long, short)]
        assert readout(bench) == f"step 0 · A {losses[0]:.5f} · B {losses[1]:.5f}"
        assert bench.shown("#curves").splitlines()[-1].split()[-1] == "600"


async def test_what_can_be_done_with_one_curve_can_be_done_with_several(
    words_file: Path, corpus: Corpus
):
    one, two = trained(corpus, name="one"), trained(corpus, QUICK.with_(seed=9), "two")
    async with workbench(words_file) as bench:
        await compare(bench, one, two)
        pictures = [bench.shown("#curves")]
        for key, words in {"l": "log scale", "m": "smoothed 0.9", "up": "follows the end"}.items():
            await bench.press(key)
            pictures.append(bench.shown("#curves"))
            assert words in bench.shown("#compare").splitlines()[0]
        assert len(set(pictures)) == 4
        assert "cursor" in bench.shown("#compare").splitlines()[-1]
        await bench.press("left", "escape")
        assert isinstance(bench.app.screen, CompareScreen)
        assert "zoomed" not in bench.shown("#compare").splitlines()[0]
        await bench.press("escape")
        assert isinstance(bench.app.screen, RunsScreen)


async def test_the_curve_and_the_figures_of_a_live_run_go_on(words_file: Path, corpus: Corpus):
    done = trained(corpus, name="done")
    with trainer(corpus, speed=300) as (session, run):
        async with workbench(words_file, size=(120, 40)) as bench:
            await compare(bench, done, run)
            assert session.snapshot.phase is Phase.RUNNING
            session.pause()
            await bench.until(lambda: session.snapshot.phase is Phase.PAUSED, "the pause")
            before = session.snapshot.step
            await bench.until(lambda: re.search(rf"step {before - 1:,} · A \d", readout(bench)))
            session.resume()
            await bench.until(lambda: session.snapshot.step > before + 100, "more steps")
            session.pause()
            await bench.until(lambda: session.snapshot.phase is Phase.PAUSED, "the pause")
            last = session.snapshot.step
            await bench.until(lambda: f"step {last - 1:,} · A" in readout(bench), "the new end")
            cells = bench.app.screen.query_one(DataTable)
            await bench.until(
                lambda: any("paused" in map(str, cells.get_row_at(row)) for row in range(6))
            )


async def test_the_open_run_is_drawn_as_it_is_and_not_as_it_was_kept(
    words_file: Path, corpus: Corpus
):
    done = trained(corpus, name="done")
    async with workbench(words_file, recipe=ENDLESS) as bench:
        await bench.press("space")
        await bench.steps(150)
        folder = bench.app.session.snapshot.folder
        assert folder is not None
        await compare(bench, done, Run.open(folder))
        step = bench.app.session.snapshot.step

        def read() -> int:
            match = re.match(r"step ([\d,]+) · A \d", readout(bench))
            return int(match[1].replace(",", "")) if match else 0

        await bench.until(lambda: read() >= step, "what was not kept yet")


async def test_what_is_zoomed_stays_while_a_run_goes_on(words_file: Path, corpus: Corpus):
    done = trained(corpus, QUICK.with_(steps=2000), "done")
    with trainer(corpus, speed=2000) as (session, run):
        async with workbench(words_file) as bench:
            await compare(bench, done, run)
            await bench.press("home", *["up"] * 6)
            await bench.until(lambda: "A 2" in readout(bench) or "A 3" in readout(bench))
            axis = bench.shown("#curves").splitlines()[-1]
            step = session.snapshot.step
            await bench.until(lambda: session.snapshot.step > step + 2500, "more steps")
            session.pause()
            await bench.until(lambda: chart(bench)._view.last > 2500, "a longer curve")
            assert bench.shown("#curves").splitlines()[-1] == axis


# What is not as it should be


WHEN = ("before", "while it is shown")


def deleted(run: Run) -> None:
    shutil.rmtree(run.folder)


def without_steps(run: Run) -> None:
    (run.folder / HISTORY).unlink()


def torn(run: Run) -> None:
    path = run.folder / HISTORY
    path.write_bytes(path.read_bytes()[:-200])


def no_numbers(run: Run) -> None:
    lines = (run.folder / HISTORY).read_text().splitlines()
    lines[50] = "49\t0.1\tnan"
    lines[60] = "59\t0.1\tinf"
    (run.folder / HISTORY).write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("damage", "words", "when"),
    [
        (deleted, "its folder is gone", "while it is shown"),
        *((without_steps, "it has no losses", when) for when in WHEN),
        *((torn, "its history is torn after", when) for when in WHEN),
        *((no_numbers, "no number at step 49", when) for when in WHEN),
    ],
)
async def test_a_line_says_what_is_wrong_with_a_curve(
    damage: Callable[[Run], None], words: str, when: str, words_file: Path, corpus: Corpus
):
    good, bad = trained(corpus, name="good"), trained(corpus, name=HOSTILE.replace("\x1b", ""))
    async with workbench(words_file) as bench:
        if when == "before":
            damage(bad)
        await compare(bench, good, bad)
        if when != "before":
            damage(bad)
        await bench.until(lambda: f"A: {words}" in " ".join(bench.shown("#notes").split()), words)
        last = float(good.history()[-1])
        await bench.press("end")
        assert f"B {last:.5f}" in readout(bench)
        await bench.press("c", "c", "m", "l", "up", "left", "escape")
        assert isinstance(bench.app.screen, CompareScreen)


async def test_a_run_that_diverged_ends_where_it_did(words_file: Path, corpus: Corpus):
    good = trained(corpus, name="good")
    recipe = QUICK.with_(learning_rate=1e39)
    async with workbench(words_file, recipe=recipe) as bench:
        await bench.press("space")
        await bench.phase(Phase.FAILED)
        folder = bench.app.session.snapshot.folder
        assert folder is not None
        await compare(bench, good, Run.open(folder))
        await bench.until(lambda: "A: it failed at step" in bench.shown("#notes"), "the failure")
