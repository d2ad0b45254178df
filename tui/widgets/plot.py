"""One picture of a chart, laid out by plotext; imported when the first chart is drawn."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import plotext
from rich.cells import cell_len
from textual.geometry import Size

from model.alphabet import visible
from tui.widgets.axes import Limits, Ticks
from tui.widgets.chart import (
    AXIS,
    BAR,
    LABEL,
    LINES,
    REFERENCE,
    ROLES,
    Bars,
    Line,
    Reference,
    spacing,
)
from tui.widgets.picture import Row, write

MARKS = dict(zip(LINES, "*+xo%@", strict=True))
MARK_EVERY = 8  # columns
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

    def draw(self, curves: Sequence[Line | Bars], references: Sequence[Reference]) -> list[Row]:
        """Return the rows of the picture: bars behind references behind lines, texts on top."""
        bars = [curve for curve in curves if isinstance(curve, Bars) and curve.xs]
        # A line keeps its role where another has no points.
        every = [curve for curve in curves if isinstance(curve, Line)]
        lines = [(line, role) for line, role in zip(every, cycle(LINES), strict=False) if line.xs]

        figure = self._frame()
        for one in bars:
            self._draw_bars(figure, one)
        for reference in references:
            self._draw_reference(figure, reference.y)
        for line, role in lines:
            self._draw_line(figure, line, role)

        marked = len(lines) > 1
        texts = figure.build().string().strip("\n").split("\n")
        rows = [self._cells(text, marked) for text in texts]
        for reference in references:
            self._write_label(rows, reference)
        legend = [
            (f"{MARKS[role]} {line.label}" if marked else line.label, role)
            for line, role in lines
            if line.label
        ]
        for row, (text, role) in zip(rows[: self.size.height // 2 - 1], legend, strict=False):
            room = self.size.width - cell_len(visible(text))
            write(row, max(self.size.width - self.columns, room), text, role)
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

    def _draw_line(self, figure: Any, line: Line, role: str) -> None:
        connected = line.style == "line"
        symbol = "braille" if connected and not self.ascii else MARKS[role]
        signal = figure.signal(line.xs, line.ys, marker=plotext.marker(symbol, pixel(role)))
        figure.draw(signal.lines(connected))

    def _cells(self, text: str, marked: bool) -> Row:
        """Turn a row of plotext's output into cells; its colour numbers are our roles.

        When `marked`, every line bears its mark every few columns, to be told without colour.
        """
        row: Row = []
        pieces = COLOUR.split(text.translate(TO_ASCII) if self.ascii else text)
        for piece, colour in zip(pieces[::2], [None, *pieces[1::2]], strict=True):
            role = ROLES[int(colour)] if colour else ""
            row += [(character, role if character != " " else "") for character in piece]
        if marked:
            for number, role in enumerate(LINES):
                for column in range(MARK_EVERY * number // len(LINES), len(row), MARK_EVERY):
                    if row[column][1] == role:
                        row[column] = (MARKS[role], role)
        return row

    def _write_label(self, rows: list[Row], reference: Reference) -> None:
        """Write a reference's label on its line or beside it, if possible where no curve runs."""
        low, high = self.y_limits
        last = self.size.height - 3
        own = min(int((high - reference.y) / (high - low) * (last + 1)), last)
        width = cell_len(visible(reference.label))
        left = self.size.width - self.columns + 1
        right = max(left, self.size.width - 1 - width)
        spots = [
            (rows[y], column)
            for y in (own, own + 1, own - 1)
            for column in (left, right)
            if 0 <= y <= last
        ]
        free = (
            (row, column)
            for row, column in spots
            if all(role in ("", REFERENCE) for _, role in row[column : column + width])
        )
        write(*next(free, spots[0]), reference.label, LABEL)


def pixel(role: str) -> Any:
    """Return the colour by which plotext's output tells the cells of this role."""
    return plotext.pixel(ROLES.index(role))
