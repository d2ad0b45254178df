"""A table as a heat-map with a cursor, of which only what is visible is looked up and drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.style import Style
from textual.binding import BindingType
from textual.events import Click, Key, MouseScrollDown, MouseScrollUp
from textual.geometry import Size
from textual.message import Message

from tui.characters import CLASS as ASCII
from tui.colours import few_colours
from tui.keys import hidden
from tui.widgets.picture import EMPTY, Picture, Row, cut, ending, hint, write
from tui.widgets.shades import Scale, colour, figure, shading

HEAD, HERE = "heat-map--head", "heat-map--here"
STEP, CURSOR = "step ", "cursor "  # roles that go on with the number of a step
NARROWEST, WIDEST = 2, 6  # columns of a cell
WITH_FIGURES = 5
WHEEL = 3  # rows


Numbers = Callable[[slice], list[list[float]]]
"""From some columns to the numbers in them, row by row."""


@dataclass(frozen=True, eq=False)
class Table:
    """What a heat-map shows."""

    name: str
    """Of what is shown; tables of different names share no scale."""
    columns: Sequence[str]
    """Their labels."""
    length: int
    """The number of rows."""
    block: Callable[[int, int], tuple[list[str], Numbers]]
    """From the first and behind the last row of a block to the rows' labels and numbers."""
    scale: Scale
    follow: bool
    """Whether the scale follows the numbers that are visible, and keeps its kind alone."""


class HeatMap(Picture, can_focus=True):
    """Rows x columns as shades, with a head, a legend, and a cursor that updates do not move."""

    class Moved(Message):
        """The cursor was moved."""

    class Chosen(Message):
        """The cell under the cursor was chosen."""

    @dataclass
    class Typed(Message):
        """One of the characters was typed that the heat-map takes for a place to go to."""

        character: str

    BINDINGS: ClassVar[list[BindingType]] = [
        hidden(
            "enter",
            "choose",
            "Where from",
            "The words counted here",
            id="table.words",
            display="enter",
        ),
        hidden("up,k", "move(-1, 0)", "Up", "Or k", id="table.up"),
        hidden("down,j", "move(1, 0)", "Down", "Or j", id="table.down"),
        hidden("left,h", "move(0, -1)", "Left", "Or h", id="table.left"),
        hidden("right,l", "move(0, 1)", "Right", "Or l", id="table.right"),
        hidden("pageup", "page(-1)", "Page up", "A screen of rows", id="table.page-up"),
        hidden("pagedown", "page(1)", "Page down", "A screen of rows", id="table.page-down"),
        hidden("home", "move(0, -1000000)", "First outcome", "Of the row", id="table.first"),
        hidden("end", "move(0, 1000000)", "Last outcome", "Of the row", id="table.last"),
        hidden("ctrl+home", "move(-1000000000, 0)", "First row", "Of all", id="table.top"),
        hidden("ctrl+end", "move(1000000000, 0)", "Last row", "Of all", id="table.bottom"),
    ]
    MOVES = frozenset("hjkl")
    COMPONENT_CLASSES: ClassVar[set[str]] = {HEAD, HERE}
    DEFAULT_CSS = """
    HeatMap > .heat-map--head { color: $text-muted; }
    HeatMap > .heat-map--here { color: $text-accent; text-style: bold reverse; }
    """

    characters: frozenset[str] = frozenset()
    """What can be typed to go somewhere, but for `MOVES`."""

    def __init__(self, *, empty: str, id: str | None = None, classes: str | None = None) -> None:
        """Make a heat-map that says `empty` without a table."""
        super().__init__(id=id, classes=classes)
        self.empty = empty
        self._table: Table | None = None
        self.row = self.column = 0
        self._top = self._left = 0
        self._label_width = 2
        self._block: tuple[Table, int, int, list[str], Numbers] | None = None
        self._scale: tuple[str, Scale] | None = None

    @property
    def in_colour(self) -> bool:
        """Whether the terminal has enough colours for every step."""
        return not (few_colours(self.app.console) or self.app.no_color)

    def show(self, table: Table | None, empty: str = "") -> None:
        """Show a table, at the place of the one before; without one, say `empty`."""
        self.empty = empty or self.empty
        self._table = table
        self._keep_inside()
        self.redraw()

    def go_to(self, row: int, column: int) -> None:
        """Put the cursor somewhere, and say so."""
        self.row, self.column = row, column
        self._keep_inside()
        self.redraw()
        self.post_message(self.Moved())

    def action_move(self, rows: int, columns: int) -> None:
        """Move the cursor as far as the table goes."""
        self.go_to(self.row + rows, self.column + columns)

    def action_page(self, by: int) -> None:
        """Move the cursor by a screen."""
        self.action_move(by * max(1, self._visible_rows - 1), 0)

    def action_choose(self) -> None:
        """Say that the cell was chosen."""
        if self._table is not None:
            self.post_message(self.Chosen())

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Whether a key goes somewhere in the table, and does not do what it does elsewhere."""
        return character is not None and character in self.characters - self.MOVES

    def on_key(self, event: Key) -> None:
        """Take a character that was typed."""
        character = event.character
        if character is not None and self.check_consume_key(event.key, character):
            event.stop()
            event.prevent_default()
            self.post_message(self.Typed(character))

    def on_click(self, event: Click) -> None:
        """Put the cursor where it was clicked."""
        x, y = event.x - self._label_width - 1, event.y - 1
        if self._table is not None and x >= 0 and 0 <= y < self._visible_rows:
            self.go_to(self._top + y, self._left + x // self._cell_width)

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """Go down."""
        event.stop()
        self.action_move(WHEEL, 0)

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """Go up."""
        event.stop()
        self.action_move(-WHEEL, 0)

    def on_resize(self) -> None:
        """Keep the cursor on the screen."""
        self._keep_inside()

    @property
    def _visible_rows(self) -> int:
        return max(1, self.size.height - 2)

    @property
    def _cell_width(self) -> int:
        columns = len(self._table.columns) if self._table else 1
        room = (self.size.width - self._label_width - 1) // max(1, columns)
        return min(WIDEST, max(NARROWEST, room))

    def _keep_inside(self) -> None:
        """Put the cursor inside the table, and the cursor's cell inside what is visible."""
        table = self._table
        if table is None or not self.size.area:
            return
        self.row = min(max(self.row, 0), table.length - 1)
        self.column = min(max(self.column, 0), len(table.columns) - 1)
        rows = self._visible_rows
        self._top = min(max(self._top, self.row - rows + 1), self.row, max(0, table.length - rows))
        # A longer label leaves fewer columns, and is known only when its row is visible.
        width = max(map(cell_len, self._visible(table)[0]), default=2)
        self._label_width = min(max(width, 2), max(2, self.size.width // 3))
        columns = max(1, (self.size.width - self._label_width - 1) // self._cell_width)
        furthest = max(0, len(table.columns) - columns)
        self._left = min(max(self._left, self.column - columns + 1), self.column, furthest)

    def _visible(self, table: Table) -> tuple[list[str], Numbers]:
        """The labels and numbers of the visible rows, looked up once."""
        top, rows = self._top, self._visible_rows
        if self._block is None or self._block[:3] != (table, top, rows):
            block = table.block(top, min(top + rows, table.length))
            self._block = (table, top, rows, *block)
        return self._block[3:]

    def picture(self, size: Size) -> list[Row]:
        """Return the head, the visible rows and the legend."""
        table = self._table
        if table is None:
            return hint(self.empty, size)
        if size.height < 4 or size.width < self._label_width + 8:
            return hint("no room", size)
        labels, numbers = self._visible(table)
        cell = self._cell_width
        columns = range(self._left, len(table.columns))
        columns = columns[: (size.width - self._label_width - 1) // cell]
        shown = numbers(slice(columns.start, columns.stop))
        scale = table.scale
        if table.follow:
            before = self._scale[1] if self._scale and self._scale[0] == table.name else None
            scale = scale.fitted((number for row in shown for number in row), before)
            self._scale = table.name, scale
        rows: list[Row] = [[(" ", "")] * size.width for _ in range(size.height)]
        for place, column in enumerate(columns):
            x = self._label_width + 1 + place * cell
            label = cut(table.columns[column], cell)
            write(rows[0], x, label, HERE if column == self.column else HEAD)
        for y, (label, cells) in enumerate(zip(labels, shown, strict=True), 1):
            here = self._top + y - 1 == self.row
            label = ending(label, self._label_width)
            write(rows[y], self._label_width - cell_len(label), label, HERE if here else HEAD)
            for place, number in enumerate(cells):
                x = self._label_width + 1 + place * cell
                cursor = here and columns[place] == self.column
                rows[y][x : x + cell] = self._cell(number, scale, cell, cursor)
        self._write_legend(rows[-1], scale, table)
        return rows

    def _cell(self, number: float, scale: Scale, width: int, cursor: bool) -> Row:
        step = scale.step(number)
        text, role = "", (CURSOR if cursor else STEP) + f"{step} {scale.signed}"
        if not self.in_colour:
            text = (shading(step, signed=scale.signed) * 3)[:width]
        elif step == 0:
            text, role = "·", CURSOR + "0" if cursor else EMPTY
        if width >= WITH_FIGURES and step and self.in_colour:
            text = figure(number, width - 2).rjust(width - 1)
            text = text if text.strip("-.0 ") else ""
        text = text.ljust(width)
        if cursor:
            text = f"[{text[1:-1]}]"
        return [(character, role) for character in text]

    def _write_legend(self, row: Row, scale: Scale, table: Table) -> None:
        place = f" row {self.row + 1:,} of {table.length:,}"
        x = self._label_width + 1
        low = f"{scale.low:g} "
        write(row, x, low, HEAD)
        x += len(low)
        for step in scale.steps:
            cells = self._cell_of_legend(step, scale)[: max(0, len(row) - x)]
            row[x : x + len(cells)] = cells
            x += len(cells)
        root = ("sqrt " if self.app.has_class(ASCII) else "√ ") * scale.root
        how = "follows the data" if table.follow else "fixed"
        text = f" {scale.high:g}  {root}scale, {how}"
        room = len(row) - x - len(place)
        write(row, x, text if len(text) <= room else f" {scale.high:g}", HEAD)
        write(row, max(0, len(row) - len(place)), place, HEAD)

    def _cell_of_legend(self, step: int, scale: Scale) -> Row:
        text = "  " if self.in_colour else shading(step, signed=scale.signed)
        role = STEP + f"{step} {scale.signed}" if step else EMPTY
        return [(character, role) for character in ("· " if step == 0 else text)]

    def style(self, role: str) -> Style:
        """Return the look of a step, or of a part of the frame."""
        base = self.visual_style.rich_style
        kind, _, rest = role.partition(" ")
        if kind not in (STEP.strip(), CURSOR.strip()):
            return super().style(role)
        step, _, signed = rest.partition(" ")
        look = base
        if int(step) and self.in_colour:
            dark = self.app.current_theme.dark
            look = base + colour(int(step), signed=signed == "True", dark=dark)
        return look + Style(bold=True) if kind == CURSOR.strip() else look
