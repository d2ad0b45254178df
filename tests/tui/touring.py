"""Taking the tour in tests: entering a stop, and seeing whether what it says holds."""

from itertools import pairwise

import pytest
from explorer import figures, place
from workbench import Bench, is_seen, rows

from model.recipe import RECIPES
from model.session import Phase
from tui.panes.dataset import DatasetPane
from tui.panes.every import PANES
from tui.panes.explorer import ExplorerPane
from tui.panes.generator import GeneratorPane
from tui.panes.roads import RoadsPane
from tui.panes.training import TrainingPane
from tui.tour import STOPS

OF_NETWORK = {6: "W", 7: "network P", 9: "gradient"}
NUMBERS = range(1, len(STOPS) + 1)
SHOWN = {
    DatasetPane: [1],
    ExplorerPane: [2, 3, 4, *OF_NETWORK],
    GeneratorPane: [5, 8],
    TrainingPane: [10, 11, 12],
    RoadsPane: [13],
}


def panel(bench: Bench) -> str:
    """What the panel of the tour shows, frame included; nothing where it is closed."""
    [found] = bench.app.screen_stack[0].query("Tour")
    return "\n".join([*rows(found), *rows(found.query_one("Static"))]) if is_seen(found) else ""


def watch_panes(bench: Bench) -> None:
    """Let the app fail if it never comes to rest between two panes."""
    seen: list[int] = []

    def check(pane: int) -> None:
        seen.append(pane)
        assert len(seen) < 40, seen

    bench.app.watch(bench.app, "pane", check, init=False)


async def enter(bench: Bench, number: int) -> None:
    """Enter a stop by its command."""
    commands = bench.app.get_system_commands(bench.app.screen)
    [command] = [one for one in commands if one.title.startswith(f"Tour {number}:")]
    command.callback()
    await bench.until(lambda: f"Tour {number}/{len(STOPS)}" in panel(bench), f"stop {number}")


async def holds(bench: Bench, number: int) -> None:
    """See that a stop shows the pane that it speaks of, and what it says of it."""
    app, words = bench.app, bench.app.corpus.words
    [pane] = [pane for pane, numbers in SHOWN.items() if number in numbers]
    await bench.until(lambda: app.counts and app.pane == PANES.index(pane), f"{number}: {pane}")
    assert len(app.screen_stack) == 1
    await bench.until(lambda: is_seen(app.query_one(pane)), f"{number}: {pane} on the screen")
    assert app.query_one(pane).region.height > 5
    assert app.counts.ngrams.n == bench.n == 2
    if pane is ExplorerPane:
        view = OF_NETWORK.get(number, "P" if number == 4 else "N")
        await bench.until(lambda: bench.shown("#view").startswith(f"{view}:"), view)
        context, _ = place(bench)
        text = ".".join(words) + "."
        after = [outcome for one, outcome in pairwise(text) if one == context]
        assert len(after) == max(text.count(one) for one in set(text) - {"."})
        most = max(map(after.count, after))
        assert f"count {most:,} of {len(after):,}" in figures(bench)
    if number in OF_NETWORK:
        await bench.until(lambda: "step 0" in bench.shown("#view"), "the untrained network")
        assert "network P" in figures(bench)
    if pane is GeneratorPane:
        source = "counts" if number == 5 else "network"
        generator = app.query_one(GeneratorPane)
        await bench.until(
            lambda: generator.drawing and [*generator.drawing.samples] == [source], source
        )
    if number >= 6:
        name = "converge" if number >= 12 else "notebook"
        recipe = RECIPES[name].with_(device=app.recipe.device)
        await bench.until(lambda: app.session.snapshot.recipe == recipe, f"a run of {name}")
        assert app.recipe == recipe
    if number in (6, 7, 8, 9):
        await bench.phase(Phase.PAUSED)
        assert app.session.snapshot.step == 0
    if number == 10:
        await bench.steps(2)
        assert app.session.speed == 10
        await bench.until(lambda: "10" in bench.shown("#pace"), "the pace")
        assert app.session.snapshot.phase is Phase.RUNNING
    if number >= 11:
        await bench.phase(Phase.FINISHED)
        assert app.snapshot.step == 501
    if number >= 12:
        assert app.snapshot.loss == pytest.approx(app.counts.floor, abs=0.002)
    if number == 13:
        await bench.until(lambda: "step 501" in bench.shown("#compared"), "the comparison")
        assert "100 identical, 0 part" in bench.shown("#compared")
