"""One row of the table as bars: counting against the network, outcome by outcome."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from textual.binding import BindingType
from textual.geometry import Size
from textual.message import Message

from tui.keys import hidden
from tui.widgets.bars import share_bar
from tui.widgets.picture import Picture, Row, cut, hint, write
from tui.widgets.shades import figure

HEAD, BAR, MARK, HERE = "row-bars--head", "row-bars--bar", "row-bars--mark", "row-bars--here"
FIGURE = 5  # columns
WITH_FIGURES = 24  # columns from which figures stand beside the bars


@dataclass(frozen=True)
class Distributions:
    """What two models say after one context."""

    labels: Sequence[str]
    """Of the outcomes."""
    counts: Sequence[float]
    """Probabilities by counting."""
    network: Sequence[float] | None
    """Those of the network, where there is one."""
    outcome: int
    """The one under the cursor."""


class RowBars(Picture, can_focus=True):
    """Bars for counting, and a mark on each of them for the network."""

    @dataclass
    class Moved(Message):
        """The cursor was moved by so many outcomes."""

        by: int

    BINDINGS: ClassVar[list[BindingType]] = [
        hidden("up,k", "move(-1)", "Outcome above", "Or k", id="row.up"),
        hidden("down,j", "move(1)", "Outcome below", "Or j", id="row.down"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {HEAD, BAR, MARK, HERE}
    DEFAULT_CSS = """
    RowBars > .row-bars--head { color: $text-muted; }
    RowBars > .row-bars--bar { color: $text-primary; }
    RowBars > .row-bars--mark { color: $text-warning; text-style: bold; }
    RowBars > .row-bars--here { color: $text-accent; text-style: bold reverse; }
    """

    _row: Distributions | None = None

    def show(self, row: Distributions | None) -> None:
        """Show a row, or none."""
        if row != self._row:
            self._row = row
            self.redraw()

    def action_move(self, by: int) -> None:
        """Ask for another outcome."""
        self.post_message(self.Moved(by))

    def picture(self, size: Size) -> list[Row]:
        """Return a legend and the outcomes around the one under the cursor."""
        data = self._row
        if data is None or size.height < 3:
            return hint("", size)
        rows: list[Row] = [[(" ", "")] * size.width for _ in range(size.height)]
        write(rows[0], 0, "█", BAR)
        write(rows[0], 2, "counts", HEAD)
        if data.network is not None:
            write(rows[0], 9, "◆", MARK)
            write(rows[0], 11, "network" if size.width >= 18 else "net", HEAD)
        room = size.height - 1
        top = min(max(0, data.outcome - room // 2), max(0, len(data.labels) - room))
        highest = max(*data.counts, *(data.network or ()), 1e-12)
        width = max(2, *(cell_len(label) for label in data.labels[top : top + room]))
        for y, outcome in enumerate(range(top, min(top + room, len(data.labels))), 1):
            self._write(rows[y], data, outcome, min(width, size.width // 3), highest)
        return rows

    def _write(self, row: Row, data: Distributions, outcome: int, width: int, high: float) -> None:
        label = data.labels[outcome]
        label = cut(label, width)
        write(row, width - cell_len(label), label, HERE if outcome == data.outcome else HEAD)
        start, end = width + 1, len(row)
        p, q = data.counts[outcome], data.network[outcome] if data.network is not None else None
        if len(row) >= WITH_FIGURES:
            end -= 2 * (FIGURE + 1)
            write(row, end + 1, figure(p, FIGURE).rjust(FIGURE), HEAD)
            if q is not None:
                write(row, end + 2 + FIGURE, figure(q, FIGURE).rjust(FIGURE), MARK)
        length = end - start
        write(row, start, share_bar(p / high, length), BAR)
        if q is not None:
            write(row, start + min(length - 1, int(length * q / high)), "◆", MARK)
