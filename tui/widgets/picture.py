"""Pictures made of cells, of which only those that changed are sent to the terminal."""

from itertools import groupby
from operator import itemgetter
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from model.alphabet import visible

Cell = tuple[str, str]  # a character and its role; the right half of a wide character is ""
Row = list[Cell]

EMPTY = "picture--empty"


class Picture(Widget):
    """What `picture` returns; a role in it is the name of a component class, "" for none."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {EMPTY}
    DEFAULT_CSS = """
    Picture > .picture--empty { color: $text-muted; }
    """

    def __init__(
        self, *, name: str | None = None, id: str | None = None, classes: str | None = None
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._shown = False
        self._stale = False
        """Whether it has changed while nobody could see it."""
        self._restyled = False
        self._drawn_at: Size | None = None
        self._rows: list[Row] = []
        self._strips: dict[int, Strip] = {}
        """Of the rows that were asked for."""
        self._looks: dict[str, Style] = {}
        """Of the roles in them."""

    def picture(self, size: Size) -> list[Row]:
        """Return size.height rows of size.width cells: none filled, unless a widget draws."""
        return hint("", size)

    def style(self, role: str) -> Style:
        """Return the look of the cells in a role that is not empty."""
        return self.get_component_rich_style(role)

    def redraw(self) -> None:
        """Draw, if anybody can see it, and refresh the cells that differ from before."""
        if not self._shown:
            self._stale = True
        elif self._drawn_at != self.size:
            self.refresh()  # the whole; render_line draws
        else:
            before = self._rows
            self._take_picture()
            for y, (old, new) in enumerate(zip(before, self._rows, strict=True)):
                if old != new:
                    changed = [x for x, (a, b) in enumerate(zip(old, new, strict=True)) if a != b]
                    self.refresh(Region(changed[0], y, changed[-1] + 1 - changed[0], 1))

    def on_show(self) -> None:
        """Draw what came while nobody could see it."""
        self._shown = True
        if self._stale:
            self.redraw()

    def on_hide(self) -> None:
        """Stop drawing."""
        self._shown = False

    def notify_style_update(self) -> None:
        """Look whether the colours are others; Textual itself repaints the widget."""
        super().notify_style_update()
        self._restyled = True

    def render_line(self, y: int) -> Strip:
        """Return row y of the picture, coloured when it is first asked for."""
        if self._drawn_at != self.size:
            self._take_picture()
        if self._restyled:
            self._restyle()
        if y not in self._strips:
            self._strips[y] = self._coloured(self._rows[y])
        return self._strips[y]

    def _take_picture(self) -> None:
        """Draw all rows, and keep the colours of those that stay as they are."""
        same = self._drawn_at == self.size
        before, self._rows = self._rows, self.picture(self.size)
        strips = self._strips if same else {}
        self._strips = {y: one for y, one in strips.items() if before[y] == self._rows[y]}
        self._drawn_at, self._stale = self.size, False

    def _restyle(self) -> None:
        """Forget the colours if they are others: the focus alone changes many a style, not them."""
        self._restyled = False
        looks = {role: self._style_of(role) for role in self._looks}
        if looks != self._looks:
            self._looks, self._strips = looks, {}

    def _style_of(self, role: str) -> Style:
        return self.style(role) if role else self.visual_style.rich_style

    def _coloured(self, row: Row) -> Strip:
        """Give each run of cells the style of its role."""
        segments: list[Segment] = []
        for role, run in groupby(row, key=itemgetter(1)):
            if role not in self._looks:
                self._looks[role] = self._style_of(role)
            text = "".join(character for character, _ in run)
            segments.append(Segment(text, self._looks[role]))
        return Strip(segments)


def cut(text: str, width: int) -> str:
    """Return as much of a text as fits; a mark that has no width of its own always does."""
    return text if cell_len(text) <= width else set_cell_size(text, width)


def ending(text: str, width: int) -> str:
    """As much of the end of a text as fits: of a context, the newest tokens say most."""
    if cell_len(text) <= width:
        return text
    kept = len(text)
    while kept and cell_len(text[-kept:]) >= width:
        kept -= 1
    return f"…{text[len(text) - kept :]}"


def write(row: Row, column: int, text: str, role: str) -> None:
    """Write text over a row, as far as there is room."""
    for character in visible(text):
        width = cell_len(character)
        if not width and 0 < column <= len(row):  # it is shown in the cell before
            row[column - 1] = (row[column - 1][0] + character, role)
            continue
        if column + width > len(row):
            return
        row[column : column + width] = [(character, role), ("", role)][:width]
        column += width


def hint(text: str, size: Size) -> list[Row]:
    """Return an empty picture that says why it is empty."""
    rows: list[Row] = [[(" ", "")] * size.width for _ in range(size.height)]
    if rows:
        write(rows[size.height // 2], max(0, (size.width - cell_len(text)) // 2), text, EMPTY)
    return rows
