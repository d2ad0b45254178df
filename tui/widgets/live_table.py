"""A table that may change many times a second.

Only its visible lines are made, and of those only the ones that differ are sent to the terminal.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, ClassVar

from textual.binding import BindingType
from textual.content import Content
from textual.events import Click
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.style import Style

from tui.keys import hidden

HEAD, CURSOR = "live-table--head", "live-table--cursor"
GAP = 1

Cell = str | Content | None
"""None where the cell before it needs the room."""


@dataclass(frozen=True)
class Column:
    """A column of a fixed width."""

    head: str
    """One line or several."""
    width: int
    right: bool = False
    """Whether its cells stand at their right."""


class LiveTable(ScrollView, can_focus=True):
    """Rows under a head, with a cursor that stays on its row while others come and go."""

    @dataclass
    class Said(Message):
        """What all of its messages have in common."""

        table: LiveTable

        @property
        def control(self) -> LiveTable:
            """The table."""
            return self.table

    @dataclass
    class Chosen(Said):
        """A row was chosen."""

        key: Any
        """The row's; where it stands may be another place by now."""

    class Moved(Said):
        """The cursor is on another row."""

    class Resized(Said):
        """There is another width to fill."""

    BINDINGS: ClassVar[list[BindingType]] = [
        hidden("enter", "choose", "Choose", "The row under the cursor"),
        hidden("up,k", "move(-1)", "Up", "Or k"),
        hidden("down,j", "move(1)", "Down", "Or j"),
        hidden("pageup", "page(-1)", "Page up", "A screen of rows"),
        hidden("pagedown", "page(1)", "Page down", "A screen of rows"),
        hidden("home", "move(-1000000000)", "First row", "Of all"),
        hidden("end", "move(1000000000)", "Last row", "Of all"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {HEAD, CURSOR}
    DEFAULT_CSS = """
    LiveTable { overflow-x: hidden; scrollbar-gutter: stable; }
    LiveTable > .live-table--head { color: $text-muted; text-style: bold; }
    LiveTable > .live-table--cursor {
        background: $block-cursor-blurred-background;
        color: $block-cursor-blurred-foreground;
        text-style: $block-cursor-blurred-text-style;
    }
    LiveTable:ansi > .live-table--cursor { text-style: underline; }
    LiveTable:nocolor:focus > .live-table--cursor { text-style: reverse; }
    LiveTable:focus > .live-table--cursor {
        background: $block-cursor-background;
        color: $block-cursor-foreground;
        text-style: $block-cursor-text-style;
    }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.cursor = 0
        self._columns: tuple[Column, ...] = ()
        self._heads: list[Content] = []
        self._keys: Sequence[Hashable] = ()
        self._cells: Callable[[int], Sequence[Cell]] = lambda _: ()
        self._lines: dict[int, Content] = {}
        self._drawn_for = 0
        """The width that the heads and lines were made for."""

    def show(
        self,
        columns: Sequence[Column],
        keys: Sequence[Hashable],
        cells: Callable[[int], Sequence[Cell]],
    ) -> None:
        """Show other rows.

        Args:
            columns: what stands above them.
            keys: what tells each row from the others, so that the cursor can follow its row. On
                the first row the cursor stays there.
            cells: what is in a row; asked for those that are seen.
        """
        before, self._lines = self._lines, {}
        other = (tuple(columns), len(keys)) != (self._columns, len(self._keys))
        key = self._keys[self.cursor] if 0 < self.cursor < len(self._keys) else None
        self._columns, self._keys, self._cells = tuple(columns), keys, cells
        if other:
            self._heads = self._make_heads()
            self.virtual_size = Size(self.size.width, len(self._heads) + len(keys))
            self.refresh()
        if key is not None:
            row = keys.index(key) if key in keys else min(self.cursor, len(keys) - 1)
            if row != self.cursor:
                self.move_to(max(0, row))
        if not other:
            for row in self._seen():
                if row not in before or not before[row].is_same(self._line(row)):
                    self._refresh_row(row)

    @property
    def height_of_all(self) -> int:
        """The lines that the head and all rows need."""
        return len(self._heads) + len(self._keys)

    def move_to(self, row: int) -> None:
        """Put the cursor on a row that there is."""
        if not 0 <= row < max(1, len(self._keys)):
            return
        before, self.cursor = self.cursor, row
        self._refresh_row(before)
        self._refresh_row(row)
        room = max(1, self.size.height - len(self._heads))
        top = min(max(self.scroll_offset.y, row - room + 1), row)
        self.scroll_to(y=top, animate=False, immediate=True, force=True)
        self.post_message(self.Moved(self))

    def action_move(self, by: int) -> None:
        """Move the cursor as far as there are rows."""
        self.move_to(min(max(0, self.cursor + by), len(self._keys) - 1))

    def action_page(self, by: int) -> None:
        """Move the cursor by a screen."""
        self.action_move(by * max(1, self.size.height - len(self._heads) - 1))

    def action_choose(self) -> None:
        """Choose the row under the cursor."""
        if self.cursor < len(self._keys):
            self.post_message(self.Chosen(self, self._keys[self.cursor]))

    def on_resize(self) -> None:
        """Say that there is another width."""
        self.post_message(self.Resized(self))

    def on_click(self, event: Click) -> None:
        """Put the cursor on the row that was clicked; choose the one that it is on."""
        row = event.y - len(self._heads) + self.scroll_offset.y
        if event.y < len(self._heads) or row >= len(self._keys):
            return
        if row == self.cursor:
            self.action_choose()
        else:
            self.move_to(row)

    def render_line(self, y: int) -> Strip:
        """The head, and below it the rows that are scrolled to."""
        if self._drawn_for != self.size.width:
            self._drawn_for = self.size.width
            self._lines, self._heads = {}, self._make_heads()
        style = self.visual_style
        line = Content()
        row = self.scroll_offset.y + y - len(self._heads)
        if y < len(self._heads):
            line = self._heads[y]
            style += self._component_style(HEAD)
        elif row < len(self._keys):
            line = self._line(row)
            if row == self.cursor:
                # Over the colours of its cells, which are made for another ground.
                line = line.stylize(self._component_style(CURSOR) + Style(dim=False))
        segments = line.render_segments(style)
        return Strip(segments).adjust_cell_length(self.size.width, style.rich_style)

    def _component_style(self, name: str) -> Style:
        return Style.from_styles(self.get_component_styles(name))

    def _seen(self) -> range:
        first = self.scroll_offset.y
        return range(first, min(len(self._keys), first + self.size.height - len(self._heads)))

    def _refresh_row(self, row: int) -> None:
        self.refresh_lines(len(self._heads) + row)

    def _line(self, row: int) -> Content:
        if row not in self._lines:
            self._lines[row] = self._joined(self._cells(row))
        return self._lines[row]

    @property
    def _fitting(self) -> int:
        """The columns that there is room for: a text may be cut, half a number is another one."""
        columns = self._columns
        ends = list(accumulate(column.width + GAP for column in columns))
        least = [
            end - GAP if one.right else end - one.width
            for one, end in zip(columns, ends, strict=True)
        ]
        room = self.scrollable_content_region.width  # the scrollbar's own place is none
        return next((n for n, end in enumerate(least) if end > room), len(columns))

    def _make_heads(self) -> list[Content]:
        heads = [column.head.split("\n") for column in self._columns]
        count = max(map(len, heads), default=0)
        padded = [[""] * (count - len(head)) + head for head in heads]
        return [self._joined(line) for line in zip(*padded, strict=True)]

    def _joined(self, cells: Sequence[Cell]) -> Content:
        parts: list[Content] = []
        place, end = 0, self._fitting
        while place < end:
            column, cell = self._columns[place], cells[place]
            width, place = column.width, place + 1
            while place < min(end, len(cells)) and cells[place] is None:
                width, place = width + GAP + self._columns[place].width, place + 1
            spanning = width > column.width
            parts.append(fitted(cell or "", width, right=column.right and not spanning))
        return Content(" " * GAP).join(parts)


def fitted(cell: str | Content, width: int, *, right: bool = False) -> Content:
    """What is in a cell, padded or cut to a width."""
    content = (Content(cell) if isinstance(cell, str) else cell).truncate(width, ellipsis=True)
    missing = width - content.cell_length
    return content.pad_left(missing) if right else content.pad_right(missing)
