"""The leaderboard's table: one model a row, the columns that there is room for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from textual.events import Click

from model.leaderboard_table import FIELDS, Entry
from tui.widgets.live_table import GAP, Cell, Column, LiveTable

WIDTHS = {
    "name": 15,
    "kind": 12,
    "n": 3,
    "parameters": 11,
    "train": 7,
    "dev": 7,
    "test": 7,
    "unseen": 7,
    "seconds": 9,
    "words_per_second": 9,
}
"""Of the columns; the first takes what the others leave."""
ROOMY = 100  # columns
LEAST = ("kind", "seconds", "words_per_second")
"""What is left out where there is less room."""
LEAST_OF_ALL = ("parameters", "train", "test")
"""And where there is hardly any, in this order."""


class Board(LiveTable):
    """Entries in the order of one figure, which the mouse may choose at the head."""

    @dataclass
    class HeadClicked(LiveTable.Said):
        """The head of a column was clicked."""

        field: str

    _fields: Sequence[str] = ()
    _entries: Sequence[Entry] = ()

    @property
    def current(self) -> Entry | None:
        """The entry under the cursor."""
        return self._entries[self.cursor] if self.cursor < len(self._entries) else None

    @property
    def fields(self) -> list[str]:
        """What there is room for."""
        fields = [name for name in WIDTHS if self.size.width >= ROOMY or name not in LEAST]
        for least in LEAST_OF_ALL:
            room = self.scrollable_content_region.width
            if sum(WIDTHS[name] + GAP for name in fields) > room + GAP:
                fields.remove(least)
        return fields

    def list(self, entries: Sequence[Entry], keys: Sequence[int], by: str, sign: str) -> None:
        """Show entries.

        Args:
            entries: in their order.
            keys: what tells each from the others.
            by: the field that they are sorted by.
            sign: that its head gets.
        """
        self._entries, self._fields = entries, self.fields
        widths = WIDTHS | {"name": self._name_width}
        columns = [
            Column(FIELDS[name].head + sign * (name == by), widths[name], FIELDS[name].right)
            for name in self._fields
        ]

        def cells(row: int) -> list[Cell]:
            return [FIELDS[name].of(entries[row]) for name in self._fields]

        self.show(columns, keys, cells)

    @property
    def _name_width(self) -> int:
        """The columns that the other fields leave."""
        others = sum(GAP + WIDTHS[name] for name in self._fields[1:])
        return max(WIDTHS["name"], self.scrollable_content_region.width - others)

    def on_click(self, event: Click) -> None:
        """Say which head was clicked."""
        if event.y > 0:
            return
        widths = [self._name_width, *(WIDTHS[name] for name in self._fields[1:])]
        ends = accumulate(width + GAP for width in widths)
        for name, end in zip(self._fields, ends, strict=True):
            if event.x < end:
                self.post_message(self.HeadClicked(self, name))
                return
