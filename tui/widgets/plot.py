"""One picture of a chart, laid out by plotext; imported when the first chart is drawn."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotext
from rich.cells import cell_len
from textual.geometry import Size

from model.alphabet import visible
from tui.widgets.axes import Limits, Ticks
from tui.widgets.chart import (
    AXIS,
    BAR,
    FAINT,
    LABEL,
    LINES,
    MARK,
    REFERENCE,
    ROLES,
    Bars,
    Line,
    Mark,
    Reference,
    spacing,
)
from tui.widgets.picture import Cell, Row, write

MARKS = "*+xo%@"  # of lines without a mark of their own
MARK_EVERY = 8  # columns
MARK_ROOM = 3  # columns from one marked point to the next
FIRST = ROLES.index(LINES[0])  # the colour number of the first line; the others' follow it
TO_ASCII = str.maketrans("│─┤┬└", "|-++`")
COLOUR = re.compile(r"\x1b\[(?:38;5;(\d+)m(?:\x1b\[48;[\d;]*m)?|[\d;]*m)")

# plotext's classes have no public name; figures of our own leave its global one alone.
Figure: Any = type(plotext.figure)
UNLIMITED: Any = type(plotext.terminal)().limit(False, False)


@dataclass(frozen=True)
class Plot:
    """One picture in the making: its size in cells, its axes, and what draws on them."""

    size: Size
    columns: int  # of the plot itself, right of the y axis
    x_limits: Limits
    y_limits: Limits
    x_ticks: Ticks
    y_ticks: Ticks
    bar_floor: float
    ascii: bool

    def draw(
        self,
        curves: Sequence[Line | Bars],
        references: Sequence[Reference],
        marks: Sequence[Mark] = (),
    ) -> list[Row]:
        """Return the rows of the picture: bars behind references behind lines, texts on top."""
        faint = [one for one in curves if isinstance(one, Line) and one.style == "dots"]
        every = [one for one in curves if isinstance(one, Line) and one.style != "dots"]
        # A line keeps its number where another has no points.
        lines = {number: line for number, line in enumerate(every, start=FIRST) if line.xs}

        figure = self._frame()
        for one in curves:
            if isinstance(one, Bars) and one.xs:
                self._draw_bars(figure, one)
        for reference in references:
            self._draw_reference(figure, reference.y)
        for line in faint:
            self._draw_line(figure, line, ROLES.index(FAINT))
        for number, line in lines.items():
            self._draw_line(figure, line, number)

        told = len(lines) > 1 or any(line.mark for line in lines.values())
        marked = lines if told else {}
        texts = figure.build().string().strip("\n").split("\n")
        rows, owners = map(list, zip(*map(self._cells, texts), strict=True))
        for number, line in marked.items():
            if line.style == "line":
                self._mark_line(rows, owners, line, number)
            self._mark_points(rows, line, number)
        for mark in marks:
            self._draw_mark(rows, mark)
        for reference in references:
            self._write_label(rows, reference)
        self._write_legend(rows, lines, told)
        for mark in marks:
            self._label_mark(rows, mark)
        return rows

    def _frame(self) -> Any:
        """Return a plotext figure with the two axes and nothing else."""
        figure = Figure(parent=UNLIMITED)
        figure.plot_size(*self.size)
        figure.theme("colorless")
        figure.axes(False)
        figure.axes(True, axis="x", side="lower", pixel=pixel(AXIS))
        figure.axes(True, axis="y", side="left", pixel=pixel(AXIS))
        for axis, limits, ticks in (
            ("x", self.x_limits, self.x_ticks),
            ("y", self.y_limits, self.y_ticks),
        ):
            ruler = figure.ruler(axis)
            ruler.pixel(pixel(AXIS))
            ruler.lim(*limits)
            ruler.alignment(lim="edge")
            ruler.ticks(list(ticks), list(ticks.values()))
        return figure

    def _draw_bars(self, figure: Any, bars: Bars) -> None:
        """Draw a stem in every half column that a bar covers, as high as the highest bar there."""
        left, right = self.x_limits
        scale = 2 * self.columns / (right - left)
        half = spacing(bars) / 2 * (0.8 if 3 * len(bars.xs) <= self.columns else 1)
        tops: dict[int, float] = {}
        for x, y in zip(bars.xs, bars.ys, strict=True):
            first = int((x - half - left) * scale + 0.5)
            last = max(first, int((x + half - left) * scale - 0.5))
            for stem in range(max(first, 0), min(last, 2 * self.columns - 1) + 1):
                tops[stem] = max(tops.get(stem, y), y, key=lambda y: abs(y - self.bar_floor))
        xs = [left + (stem + 0.5) / scale for stem in tops]
        marker = plotext.marker("#" if self.ascii else "hd", pixel(BAR))
        stems = figure.signal(xs, list(tops.values()), marker=marker)
        stems.fill(figure.signal(xs, [self.bar_floor] * len(xs), marker=marker))
        figure.draw(stems.density("full", scope="fill"))

    def _draw_reference(self, figure: Any, y: float) -> None:
        """Draw one dot a column: sparser than any curve, and as exact in height."""
        low, high = self.x_limits
        step = (high - low) / self.columns
        xs = [low + step * (column + 0.25) for column in range(self.columns)]
        marker = plotext.marker("." if self.ascii else "braille", pixel(REFERENCE))
        figure.draw(figure.signal(xs, [y] * self.columns, marker=marker))

    def _draw_line(self, figure: Any, line: Line, number: int) -> None:
        symbol = "braille"
        if line.style == "points" or (self.ascii and line.style != "dots"):
            symbol = mark_of(line, number)
        elif self.ascii:
            symbol = "."
        signal = figure.signal(
            line.xs, line.ys, marker=plotext.marker(symbol, plotext.pixel(number))
        )
        figure.draw(signal.lines(line.style in ("line", "marked")))

    def _cells(self, text: str) -> tuple[Row, list[int]]:
        """Turn a row of plotext's output into cells, and the colour numbers that these had.

        These numbers tell our roles, and the lines from each other.
        """
        row: Row = []
        numbers: list[int] = []
        pieces = COLOUR.split(text.translate(TO_ASCII) if self.ascii else text)
        for piece, colour in zip(pieces[::2], [None, *pieces[1::2]], strict=True):
            number = int(colour) if colour else -1
            role = role_of(number) if colour else ""
            row += [(character, role if character != " " else "") for character in piece]
            numbers += [number] * len(piece)
        return row, numbers

    def _mark_line(self, rows: list[Row], owners: list[list[int]], line: Line, number: int) -> None:
        """Let a line bear its mark every few columns, to be told without colour."""
        mark = mark_of(line, number), role_of(number)
        first = MARK_EVERY * ((number - FIRST) % len(LINES)) // len(LINES)
        for column in range(first, self.size.width, MARK_EVERY):
            own = (row for row, owner in enumerate(owners) if owner[column] == number)
            cells = [row for row in own if rows[row][column][1]]
            if cells:  # one of a steep stretch, too
                rows[cells[len(cells) // 2]][column] = mark

    def _mark_points(self, rows: list[Row], line: Line, number: int) -> None:
        """Mark the points of a `marked` line, and the end of one that has a letter."""
        mark = mark_of(line, number), role_of(number)
        places = [self._place(x, y) for x, y in zip(line.xs, line.ys, strict=True)]
        if line.style == "marked":
            last = -MARK_ROOM
            for row, column in places:
                if column >= last + MARK_ROOM:
                    rows[row][column] = mark
                    last = column
        elif line.style == "line" and line.mark:
            # Lines that end at the same place have their letters one beside the other.
            free = (place for place in reversed(places) if not is_letter(rows[place[0]][place[1]]))
            row, column = next(free, places[-1])
            rows[row][column] = mark

    def _place(self, x: float, y: float) -> tuple[int, int]:
        """The row and the column of a point."""
        (left, right), (low, high) = self.x_limits, self.y_limits
        height = self.size.height - 2
        row = min(max(0, int((high - y) / (high - low) * height)), height - 1)
        column = min(max(0, int((x - left) / (right - left) * self.columns)), self.columns - 1)
        return row, self.size.width - self.columns + column

    def _write_legend(self, rows: list[Row], lines: Mapping[int, Line], told: bool) -> None:
        legend = [
            (f"{mark_of(line, number)} {line.label}" if told else line.label, number)
            for number, line in lines.items()
            if line.label
        ]
        for row, (text, number) in zip(rows[: self.size.height // 2 - 1], legend, strict=False):
            room = self.size.width - cell_len(visible(text))
            write(row, max(self.size.width - self.columns, room), text, role_of(number))

    def _draw_mark(self, rows: list[Row], mark: Mark) -> None:
        """Draw a mark behind all else."""
        column = self._place(mark.x, 0)[1]
        for row in rows[: self.size.height - 2]:
            if row[column][0] == " ":
                row[column] = (":" if self.ascii else "┊", MARK)

    def _label_mark(self, rows: list[Row], mark: Mark) -> None:
        """Write a mark's label as high as there is room beside it; perhaps there is none."""
        column, width = self._place(mark.x, 0)[1], cell_len(visible(mark.label))
        for row in rows[: self.size.height - 2]:
            for left in (column + 1, column - width):
                cells = row[left : left + width]
                free = all(character == " " for character, _ in cells)
                if left >= self.size.width - self.columns and len(cells) == width and free:
                    write(row, left, mark.label, MARK)
                    return

    def _write_label(self, rows: list[Row], reference: Reference) -> None:
        """Write a reference's label on its line or beside it, if possible where no curve runs."""
        last = self.size.height - 3
        own = self._place(self.x_limits[0], reference.y)[0]
        width = cell_len(visible(reference.label))
        left = self.size.width - self.columns + 1
        right = max(left, self.size.width - 1 - width)
        spots = [
            (rows[y], column)
            for y in (own, own + 1, own - 1)
            for column in (left, right)
            if 0 <= y <= last
        ]
        roles = [{role for _, role in row[column : column + width]} for row, column in spots]
        free = next(
            (
                spot
                for spot, over in zip(spots, roles, strict=True)
                if over <= {"", REFERENCE, MARK}
            ),
            None,
        )
        readable = next(
            (spot for spot, over in zip(spots, roles, strict=True) if LABEL not in over), spots[0]
        )
        write(*(free or readable), reference.label, LABEL)


def role_of(number: int) -> str:
    """Return the role of the cells that have this colour number in plotext's output."""
    return ROLES[number] if number < FIRST else LINES[(number - FIRST) % len(LINES)]


def mark_of(line: Line, number: int) -> str:
    """Return the character that tells a line from others without colour."""
    return line.mark or MARKS[(number - FIRST) % len(MARKS)]


def is_letter(cell: Cell) -> bool:
    """Whether a cell of the plot bears a line's mark rather than a part of the line."""
    return " " < cell[0] < "\x7f"


def pixel(role: str) -> Any:
    """Return the colour by which plotext's output tells the cells of this role."""
    return plotext.pixel(ROLES.index(role))
