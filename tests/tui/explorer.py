"""Reading the explorer in tests: what its table, its figures and its frame show."""

import re
from collections import Counter
from collections.abc import Sequence

from workbench import Bench, is_seen, rows

from model.tables import VIEWS
from tui.panes.explorer import ExplorerPane
from tui.screens.where_from import WhereFromScreen
from tui.widgets.heat_map import HeatMap

Pairs = Counter[tuple[str, str]]


def pairs(words: Sequence[str], n: int) -> Pairs:
    """The counts of context and outcome, "." the boundary, by a plain loop."""
    return Counter(
        (padded[place - n + 1 : place], padded[place])
        for word in words
        for padded in ["." * (n - 1) + word + "."]
        for place in range(n - 1, len(padded))
    )


def row_sums(counts: Pairs) -> Counter[str]:
    """How often each context occurs."""
    sums: Counter[str] = Counter()
    for (context, _), number in counts.items():
        sums[context] += number
    return sums


def table(bench: Bench) -> HeatMap:
    return bench.app.query_one(HeatMap)


def place(bench: Bench) -> tuple[str, str]:
    """The context and the outcome under the cursor, as the figures below the table name them."""
    context, outcome = bench.shown("#cell").splitlines()[0].split("   ")[0].split(" → ")
    return context, outcome.strip()


def figures(bench: Bench) -> str:
    return " ".join(bench.shown("#cell").split())


def labels(bench: Bench) -> list[str]:
    """The contexts of the rows that are seen."""
    return [row.split()[0] for row in rows(table(bench))[1:-1] if row.strip()]


def cursor(bench: Bench) -> str:
    """What the cell under the cursor shows."""
    lines = rows(table(bench))[1:-1]
    [found] = [match for line in lines for match in re.findall(r"\[([^]]*)\]", line)]
    return found.strip()


def title(bench: Bench) -> str:
    return rows(bench.app.query_one(ExplorerPane))[0]


async def looked(bench: Bench, step: int) -> None:
    """Wait until the network is seen as it is after a step, or later."""

    def seen() -> bool:
        look = bench.app.look
        if look is None or look.gaps is None or look.gaps.step < step:
            return False
        steps = re.findall(r"· step ([\d,]+)", bench.shown("#view"))
        shown = is_seen(bench.app.query_one(ExplorerPane))
        return not shown or (bool(steps) and int(steps[0].replace(",", "")) >= step)

    await bench.until(seen, f"look {step}")


async def words_found(bench: Bench) -> list[list[str]]:
    """Wait for the words behind a count: how often each stands in the corpus, and the word."""
    await bench.screen(WhereFromScreen)
    await bench.until(lambda: "searching" not in bench.shown("#sum"), "the words")
    shown = [row.strip().split(maxsplit=1) for row in rows(bench.app.screen.query_one("#found"))]
    return [row for row in shown[1:] if row]


async def show_view(bench: Bench, name: str) -> None:
    """Press V until a view is shown."""
    for _ in VIEWS:
        if bench.shown("#view").startswith(f"{name}:"):
            return
        await bench.press("V")
    raise AssertionError(name)
