"""Counts and network side by side, and how that is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.content import Content

from tui.look import Look
from tui.messages import COUNTS, NETWORK, Drawing
from tui.widgets.live_table import GAP, Column, fitted

if TYPE_CHECKING:
    from model.counts import CountModel
    from model.sampling import Parting, Turn
    from model.tables import Difference

TURN = 14  # columns of an outcome and its share
WIDEST_WORD = 32
WIDEST_BAR = 40
WIDEST_CONTEXT = 14
LEAST_PAIR = 4  # columns of the pairs that are always there


@dataclass(frozen=True, eq=False)
class Comparison:
    """Both models side by side, as they were after some step."""

    drawing: Drawing
    counts: CountModel
    look: Look
    partings: list[Parting | None]
    """Of each pair of words; None for the same word."""
    differences: list[Difference]
    """Between the two tables, the largest first."""
    times: list[int]
    """How often the context of each difference occurs."""
    seconds: float
    """That it took."""


def pair_columns(found: Comparison, width: int) -> list[Column]:
    """The columns of the pairs, in a table of so many."""
    contexts = [each.context for each in found.partings if each is not None]
    after = _width_of("after", contexts)
    number = max(3, len(f"{len(found.partings)}"))
    turns = [turn for each in found.partings if each is not None for turn in each.turns]
    turn = max([TURN, *(cell_len(share(turn)) for turn in turns)])
    fixed = number + after + 6 + 2 * turn + 6 * GAP
    word = min(WIDEST_WORD, max(8, (width - fixed) // 2))
    columns = [
        Column("#", number, right=True),
        Column(COUNTS, word),
        Column(NETWORK, word),
        Column("after", after),
        Column("u", 6),
        Column("counts draw", turn),
        Column("network draws", turn),
    ]
    while len(columns) > LEAST_PAIR and sum(each.width + GAP for each in columns) - GAP > width:
        columns.pop()  # what is drawn is told below as well
    return columns


def share(turn: Turn) -> str:
    """What is drawn, and the share of [0, 1) that it is drawn for."""
    if turn.outcome is None:
        return "never seen"
    gap = " " * (2 - cell_len(turn.outcome))
    return f"{turn.outcome}{gap}{_short(turn.low)}–{_short(turn.high)}"


def picture(number: int, parting: Parting, width: int) -> Content:
    """Both shares along [0, 1), and u in them."""
    names = [
        "ends: never seen" if turn.outcome is None else f"draws {turn.outcome}"
        for turn in parting.turns
    ]
    margin = max(len(NETWORK) + 1 + max(map(cell_len, names)) + 2, 18)
    room = max(10, width - margin)
    lines = [Content(f"{number + 1}: after {parting.context} both get u = {parting.uniform:.4f}")]
    for model, name, turn in zip((COUNTS, NETWORK), names, parting.turns, strict=True):
        head = fitted(f"{model:<{len(NETWORK)}} {name}", margin)
        lines.append(head + _line(turn, parting.uniform, room))
    return Content("\n").join(lines)


def _line(turn: Turn, uniform: float, room: int) -> Content:
    u = min(int(uniform * room), room - 1)
    first, last = (u, u) if turn.outcome is None else (int(turn.low * room), int(turn.high * room))
    before, after = "─" * min(first, u), "─" * (room - max(last, u + 1))
    left, right = "█" * (u - len(before)), "█" * (room - u - 1 - len(after))
    return Content.assemble(
        (before, "dim"), (left, "$text-primary"), ("┃", "bold"), (right, "$text-primary"),
        (after, "dim"),
    )  # fmt: skip


def cell_columns(labels: list[str], outcomes: list[str], width: int) -> list[Column]:
    """The columns of the differences, in a table of so many."""
    context, char = _width_of("context", labels), _width_of("char", outcomes)
    fixed = context + char + 4 * 9 + 8 + 6 * GAP
    return [
        Column("context", context),
        Column("char", char),
        Column("counts P", 9, right=True),
        Column("network P", 9, right=True),
        Column("difference", 10, right=True),
        Column("occurs", 8, right=True),
        Column("", min(WIDEST_BAR, max(3, width - fixed))),
    ]


def _width_of(head: str, labels: list[str]) -> int:
    return min(max([len(head), *map(cell_len, labels)]), WIDEST_CONTEXT)


def _short(number: float) -> str:
    return f"{number:.3f}".removeprefix("0")
