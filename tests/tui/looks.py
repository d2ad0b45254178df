"""What the pictures of the screens show, and how one gets there."""

import math
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from runs_on_disk import written
from textual.widgets import Select
from workbench import ENDLESS, QUICK, Bench

from model.layers import Activations, Layers, Weights
from model.recipe import RECIPES
from model.reports import Report, Reports
from model.run_writer import RunWriter
from model.runs import HISTORY, all_runs
from model.session import Phase
from model.status import Status
from model.yardstick import Yardstick
from tui.panes.generator import GeneratorPane
from tui.panes.smoothing import SmoothingPane
from tui.panes.training import TrainingPane
from tui.screens.compare import CompareScreen
from tui.screens.forms import Form
from tui.screens.help import HelpScreen
from tui.screens.layers import LayersScreen
from tui.screens.open_corpus import OpenCorpusScreen
from tui.screens.question import Question
from tui.screens.rate_finder import RateFinderScreen
from tui.screens.recipe_form import RecipeForm
from tui.screens.runs import RunsScreen
from tui.screens.trace import TraceScreen
from tui.screens.where_from import WhereFromScreen

RECIPE = QUICK.with_(steps=501)
RUNS = Path("runs")
NOW = "2026-03-01T12:00:00+00:00"
held: list[RunWriter] = []
"""The locks of runs that are live."""

View = Callable[[Bench], Awaitable[None]]


async def dataset(bench: Bench) -> None:
    """The app as it starts."""


async def trained(bench: Bench) -> None:
    """A finished run."""
    await bench.press("2", "f", "space")
    session = bench.app.session
    await bench.until(lambda: session.snapshot.phase is Phase.FINISHED, "the end of the run")
    await look(bench)
    bench.app.snapshot = replace(session.snapshot, steps_per_second=12_345.0)


async def paused(bench: Bench) -> None:
    """A run after three steps."""
    await bench.press("2", "s", "s", "s")
    session = bench.app.session
    await bench.until(lambda: session.snapshot.step == 3, "three steps")
    await look(bench)
    bench.app.snapshot = replace(session.snapshot, steps_per_second=0.0)


async def look(bench: Bench) -> None:
    """See the network as it is now."""
    app, step = bench.app, bench.app.session.snapshot.step
    await bench.until(
        lambda: app.pull() or (app.look and app.look.gaps and app.look.gaps.step == step), "a look"
    )


async def attached(bench: Bench) -> None:
    """A run that another process trains."""
    await paused(bench)
    running = {"phase": Phase.RUNNING, "process": 4711, "steps_per_second": 12_345.0}
    bench.app.snapshot = replace(bench.app.snapshot, **running)


async def warning(bench: Bench) -> None:
    """A run for which there is no room on the disk."""
    await paused(bench)
    reason = "not saved: No space left on device (/home/ada/.local/share/makemore-tui/runs/"
    reason += "words-n2-1); the run goes on, free some space or see to the folder"
    bench.app.snapshot = replace(bench.app.snapshot, warning=reason)


async def failed(bench: Bench) -> None:
    """A run whose loss is no longer a number."""
    bench.app.recipe = RECIPE.with_(learning_rate=1e39)
    await bench.press("2", "space")
    session = bench.app.session
    await bench.until(lambda: session.snapshot.phase is Phase.FAILED, "the failure")
    bench.app.snapshot = replace(session.snapshot, steps_per_second=0.0)


async def generated(bench: Bench) -> None:
    """Words of both models."""
    await trained(bench)
    await bench.press("3", "c", "c")
    pane = bench.app.query_one(GeneratorPane)
    await bench.until(lambda: pane.drawing and len(pane.drawing.samples) == 2, "words of both")


async def trace(bench: Bench) -> None:
    """How a word was drawn."""
    await generated(bench)
    await bench.press("enter", "down")
    await bench.screen(TraceScreen)


async def recipe_form(bench: Bench) -> None:
    """The recipe, with a mistake in it."""
    await bench.press("e")
    await bench.screen(RecipeForm)
    await bench.fill("#steps", "many")


async def rate_finder(bench: Bench) -> None:
    """A learning rate that was found."""
    await bench.press("e")
    await bench.screen(RecipeForm)
    await bench.press("ctrl+f")
    await bench.screen(RateFinderScreen)
    await bench.until(lambda: "suggested" in bench.shown("#found"), "the rate")


async def draws_form(bench: Bench) -> None:
    """What is drawn, and how."""
    await bench.press("3", "e")
    await bench.screen(Form)


async def open_corpus(bench: Bench) -> None:
    """What can be opened."""
    await bench.press("o")
    await bench.screen(OpenCorpusScreen)
    tree = bench.app.screen.query_one("DirectoryTree")
    await bench.until(lambda: tree.root.children, "the files")


async def help_screen(bench: Bench) -> None:
    """The help of the training pane."""
    await bench.press("2", "?")
    await bench.screen(HelpScreen)


async def explorer(bench: Bench) -> None:
    """The table of counts, the row that ends most words beside it."""
    await paused(bench)
    await bench.press("4", "e", "l", "i")


async def gradient(bench: Bench) -> None:
    """A table with a sign, of many contexts, sorted by gap."""
    await bench.press("]")
    await bench.counted()
    await paused(bench)
    await bench.press("4", "V", "V", "V", "V", "V", "S", "S", "down", "down", "right")


async def find(bench: Bench) -> None:
    """A context is looked for, on a fixed scale."""
    await explorer(bench)
    await bench.press("V", "F", "/", "z")


async def where_from(bench: Bench) -> None:
    """The words behind a count."""
    await explorer(bench)
    await bench.press("enter")
    await bench.screen(WhereFromScreen)
    await bench.until(lambda: "times" in bench.shown("#sum"), "the words")


async def lens(bench: Bench) -> None:
    """A word, one character of which the corpus does not know."""
    await paused(bench)
    await bench.press("5")
    await bench.fill("#word", "emmaqë")


async def roads(bench: Bench) -> None:
    """Both models before they agree."""
    await paused(bench)
    await bench.press("6")
    await bench.until(lambda: "part" in bench.shown("#roads"), "the comparison")


async def smoothing(bench: Bench) -> None:
    """A corpus of forty words, at a k that is better than none."""
    await paused(bench)
    await bench.press("7")
    pane = bench.app.query_one(SmoothingPane)
    await bench.until(lambda: pane.held_out, "the held-out words")
    await bench.press("b", "up", "up")


async def tour(bench: Bench) -> None:
    """The first stop in the explorer."""
    await bench.press("ctrl+t", ">")


async def explorer_help(bench: Bench) -> None:
    """The help of the explorer."""
    await bench.press("4", "?")
    await bench.screen(HelpScreen)


ERROR = "the loss is no longer a number: choose a lower learning rate; the run is back at its "
ERROR += "checkpoint of step 200"
KEPT = [
    (Status(Phase.RUNNING, 250_000, 1.93, 1.76, 41.5, process=4711), ENDLESS, "words-n2-7", 30),
    (Status(Phase.FAILED, 212, None, 1.76, 0.1, ERROR), RECIPE, "too fast", 300),
    (Status(Phase.FINISHED, 501, 1.7559, 1.7559, 0.3), RECIPE, "english-first-names-n2-12", 4_000),
    (Status(Phase.INTERRUPTED, 900_000, 1.1, 1.0, 900.0), ENDLESS.with_(n=3), "over night", 90_000),
    (Status(Phase.PAUSED, 60, 2.5, 1.76, 0.1), RECIPES["notebook"], "the notebook's", 900_000),
    (Status(Phase.STOPPED, 99, 1e9, 0.5, 0.2), RECIPE.with_(n=10, l2=0.1), "diverged", 90_000_000),
]
"""How runs stand, their recipes, their names and their ages in seconds."""


async def runs(bench: Bench) -> None:
    """The runs on disk, one of which is live and one marked."""
    corpus, begun = bench.app.corpus, datetime.fromisoformat(NOW)
    assert corpus is not None
    for status, recipe, name, age in KEPT:
        run = written(
            corpus,
            status,
            root=RUNS,
            recipe=recipe,
            name=name,
            created=begun - timedelta(seconds=age),
        )
        if status.process:
            held.append(RunWriter(run))
    await bench.press("R")
    await bench.screen(RunsScreen)
    await bench.until(lambda: "diverged" in bench.shown("#list"), "the list")
    await bench.press("down", "down", "m", "up", "up")


async def no_runs(bench: Bench) -> None:
    """The list before there is anything in it."""
    await bench.press("R")
    await bench.screen(RunsScreen)
    await bench.until(lambda: "no runs" in bench.shown("#none"), "the list")


async def compare(bench: Bench) -> None:
    """Three runs side by side."""
    await runs(bench)
    with_losses(RUNS)
    await bench.press("m", "end", "up", "m", "c")
    await bench.screen(CompareScreen)
    await bench.until(lambda: "A " in bench.shown("#curves") or bench.app.size.width < 110, "them")


def with_losses(root: Path) -> None:
    """Let the runs have losses, each in a way of its own."""
    for number, run in enumerate(all_runs(root)):
        lines = (
            f"{step}\t0.1\t{1.8 + number / 10 + 2 * math.exp(-step * (number + 1) / 400):.9g}\n"
            for step in range(min(run.status.step, 900))
        )
        (run.folder / HISTORY).write_text("step\tlr\tloss\n" + "".join(lines))


async def curves(bench: Bench) -> None:
    """Their losses, zoomed and with the cursor on a step that two of them have."""
    await runs(bench)
    with_losses(RUNS)
    await bench.press("m", "end", "up", "m", "c")
    await bench.screen(CompareScreen)
    await bench.press("c")
    await bench.until(lambda: "step" in bench.shown("#curves"), "the histories")
    await bench.press(*["left"] * 40, "up")


async def cursor(bench: Bench) -> None:
    """A finished run, smoothed, under the cursor."""
    await trained(bench)
    await bench.press("shift+tab", "shift+tab", "m", *["left"] * 8)


async def marks(bench: Bench) -> None:
    """A run that was judged and changed, and a yardstick."""
    await trained(bench)
    pane, snapshot = bench.app.query_one(TrainingPane), bench.app.snapshot
    judged = [Report(50 * n, 1.0, 2.0, (), 1.8 + 1 / (n + 2), 2.1 + n / 40) for n in range(11)]
    pane.yardstick = Yardstick("kneser-ney", 6, 1.9746)
    bench.app.snapshot = replace(
        snapshot,
        recipe=snapshot.recipe.with_(data="train"),
        changes=((100, "lr 0.01"), (300, "batch 64")),
        reports=Reports(judged),
    )


async def network_form(bench: Bench) -> None:
    """The recipe of a network, and how large it would be."""
    await bench.press("e")
    await bench.screen(RecipeForm)
    bench.app.screen.query_one("#name", Select).value = "transformer"
    await bench.until(lambda: "203,904 weights" in bench.shown("#weights"), "the size")


async def layers(bench: Bench) -> None:
    """How the layers fared in a step."""
    await trained(bench)
    weights = [
        Weights(f"{part}.weight", shape, 0.8 / (n + 1), -3.3 + n / 4, update)
        for n, (part, shape, update) in enumerate(
            [
                ("embedding", (27, 48), -2.9),
                ("input", (768, 48), -2.0),
                ("recurrent", (768, 192), -4.6),
                ("head", (27, 192), None),
            ]
        )
    ]
    histogram = (0.3, 0.1, 0.05, 0.02, 0.02, 0.02, 0.02, 0.02, 0.03, 0.07, 0.1, 0.25)
    activations = [
        Activations("tanh", -0.019, 0.7, 0.342, histogram),
        Activations("sigmoid", 0.509, 0.602, 0.104, histogram[::-1]),
    ]
    found = Layers(tuple(weights), tuple(activations))
    bench.app.snapshot = replace(bench.app.snapshot, layers=found)
    await bench.press("W")
    await bench.screen(LayersScreen)


async def delete(bench: Bench) -> None:
    """The question before a run is deleted."""
    await runs(bench)
    for run in all_runs(RUNS):  # beside which it does not matter how long the corpus's path is
        with (run.folder / "weights").open("wb") as file:
            file.truncate(1_200_000)
    await bench.press("m", "d")
    await bench.screen(Question)


VIEWS = [dataset, paused, trained, failed, generated, trace, recipe_form, draws_form, open_corpus]
VIEWS += [help_screen, explorer, gradient, find, where_from, lens, roads, smoothing, tour]
VIEWS += [explorer_help, attached, warning, runs, no_runs, compare, delete]
VIEWS += [curves, cursor, marks, rate_finder, network_form, layers]
RARE = {paused, failed, draws_form, find, explorer_help, attached, warning, no_runs, delete}
RARE |= {cursor}
"""Pictured in one look only."""
MOST = [view for view in VIEWS if view not in RARE]
WITHOUT_COLOUR = [trained, explorer, gradient, where_from, lens, roads, smoothing, tour]
WITHOUT_COLOUR += [runs, compare, curves, cursor, marks, layers]
WITHOUT_COLOUR += [dataset, generated, trace, recipe_form, open_corpus]
SMALLEST = [dataset, trained, generated, explorer, lens, roads, smoothing, tour, runs, compare]
SMALLEST += [recipe_form, open_corpus, help_screen, trace, layers]
SMALL = [trained, explorer, lens, roads, trace, layers, recipe_form]
HUGE = [trained, explorer, roads]
IN_ASCII = [trained, generated, explorer, gradient, lens, roads, smoothing, runs, open_corpus]
IN_ASCII += [help_screen, layers, trace, marks]
IN_16_COLOURS = [trained, generated, explorer, lens, roads, runs, recipe_form, open_corpus]
WITH_LITTLE = [trained, explorer, gradient]


class Look(NamedTuple):
    """What a view is pictured in."""

    name: str
    size: tuple[int, int] = (80, 24)
    theme: str = "textual-dark"
    environment: tuple[tuple[str, str], ...] = ()


PICTURES = [
    (Look("80x24-dark"), VIEWS),
    (Look("120x40-dark", (120, 40)), MOST),
    (Look("200x50-dark", (200, 50)), MOST),
    (Look("120x40-light", (120, 40), "textual-light"), MOST),
    (Look("80x24-mono", environment=(("NO_COLOR", "1"),)), WITHOUT_COLOUR),
    (Look("40x12-dark", (40, 12)), SMALLEST),
    (Look("60x20-dark", (60, 20)), SMALL),
    (Look("300x100-dark", (300, 100)), HUGE),
    (Look("80x24-ascii", environment=(("LC_ALL", "C"),)), IN_ASCII),
    (Look("80x24-16", environment=(("TERM", "xterm-16color"),)), IN_16_COLOURS),
    (Look("80x24-poor", environment=(("TERM", "linux"), ("NO_COLOR", "1"))), WITH_LITTLE),
]
"""Which views are pictured in which looks."""
