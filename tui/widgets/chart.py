"""The chart: lines, bars and references, drawn by plotext and sent to the terminal cell by cell.

plotext lays out axes and braille; what stays ours is what makes a live chart cheap to send: limits
that rarely move, and a comparison of each picture with the one before.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, ClassVar, Literal

import plotext
from rich.cells import cell_len
from rich.segment import Segment
from textual.geometry import Region, Size
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

Limits = tuple[float, float]
Ticks = dict[float, str]  # position on the axis -> what is written there
Cell = tuple[str, str]  # a character and its role; the right half of a wide character is ""
Row = list[Cell]

AXIS, REFERENCE, BAR = "chart--axis", "chart--reference", "chart--bar"
LABEL, EMPTY = "chart--label", "chart--empty"  # texts that are ours, not plotext's
LINES = tuple(f"chart--line-{number}" for number in range(1, 7))
ROLES = (AXIS, REFERENCE, BAR, *LINES)  # a role's place here is its colour number in plotext
MARKS = dict(zip(LINES, "*+xo%@", strict=True))
MARK_EVERY = 8  # columns
TO_ASCII = str.maketrans("│─┤┬└", "|-++`")
COLOUR = re.compile(r"\x1b\[(?:38;5;(\d+)m(?:\x1b\[48;[\d;]*m)?|[\d;]*m)")
LARGEST = 1e150  # what is larger is left out: limits around it might not be finite

# plotext's classes have no public name; figures of our own leave its global one alone.
Figure: Any = type(plotext.figure)
UNLIMITED: Any = type(plotext.terminal)().limit(False, False)


@dataclass(frozen=True)
class Points:
    """Points (xs, ys), stored as tuples so that a caller's list can grow on."""

    xs: Sequence[float]
    ys: Sequence[float]

    def __post_init__(self) -> None:
        if len(self.xs) != len(self.ys):
            raise ValueError(f"{len(self.xs)} xs but {len(self.ys)} ys")
        object.__setattr__(self, "xs", tuple(self.xs))
        object.__setattr__(self, "ys", tuple(self.ys))


@dataclass(frozen=True)
class Line(Points):
    """A curve through points in the order of their xs; a label puts it in the legend."""

    label: str = ""
    style: Literal["line", "points"] = "line"


@dataclass(frozen=True)
class Bars(Points):
    """Bars from zero to ys, centred on xs."""


@dataclass(frozen=True)
class Reference:
    """A dotted line across the plot at height y, with its label written on it."""

    y: float
    label: str = ""


Series = Line | Bars | Reference


class Chart(Widget):
    """A chart of whatever `show` was last given; only the cells that changed are sent."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {*ROLES, LABEL, EMPTY}
    DEFAULT_CSS = """
    Chart {
        & > .chart--axis, & > .chart--empty { color: $text-muted; }
        & > .chart--reference, & > .chart--label { color: $text-warning; }
        & > .chart--bar, & > .chart--line-1 { color: $text-primary; }
        & > .chart--line-2 { color: $text-success; }
        & > .chart--line-3 { color: $text-error; }
        & > .chart--line-4 { color: $text-accent; }
        & > .chart--line-5 { color: $text-secondary; }
        & > .chart--line-6 { color: $foreground; }
    }
    """

    log_scale: reactive[bool] = reactive(False, init=False, repaint=False)
    """Whether y is logarithmic; values that are not positive are then left out."""

    def __init__(
        self,
        *,
        empty: str = "no data yet",
        ascii: bool = False,
        name: str | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """Make a chart that says `empty` without data; `ascii` is for fonts without braille."""
        super().__init__(name=name, id=id, classes=classes)
        self._empty = empty
        self._ascii = ascii
        self._series: tuple[Series, ...] = ()
        self._x_range: Limits | None = None
        self._x_limits: Limits | None = None
        self._y_limits: Limits | None = None  # of log10(y) on the logarithmic scale
        self._shown = False
        self._drawn_at: Size | None = None
        self._rows: list[Row] = []
        self._strips: dict[int, Strip] = {}

    def show(self, *series: Series, x_range: Limits | None = None) -> None:
        """Show these series and nothing else; points outside `x_range` are left out."""
        if (series, x_range) != (self._series, self._x_range):
            self._series, self._x_range = series, x_range
            self._redraw()

    def watch_log_scale(self) -> None:
        """Draw anew: the limits of one scale mean nothing on the other."""
        self._y_limits = None
        self._redraw()

    def on_show(self) -> None:
        """Draw what came while nobody could see it."""
        self._shown = True
        self._redraw()

    def on_hide(self) -> None:
        """Stop drawing; what `show` is given is still kept."""
        self._shown = False

    def notify_style_update(self) -> None:
        """Forget the colours; Textual itself repaints the widget after a change of style."""
        super().notify_style_update()
        self._strips = {}

    def render_line(self, y: int) -> Strip:
        """Return row y of the picture, coloured when it is first asked for."""
        if self._drawn_at != self.size:
            self._rows, self._strips, self._drawn_at = self._picture(self.size), {}, self.size
        if y not in self._strips:
            self._strips[y] = self._coloured(self._rows[y])
        return self._strips[y]

    def _coloured(self, row: Row) -> Strip:
        """Give each run of cells the style of its role."""
        return Strip(
            Segment(
                "".join(character for character, _ in run),
                self.get_component_rich_style(role) if role else self.visual_style.rich_style,
            )
            for role, run in groupby(row, key=lambda cell: cell[1])
        )

    def _redraw(self) -> None:
        """Draw, if anybody can see it, and refresh the cells that differ from before."""
        if not self._shown:
            self._drawn_at = None
            return
        if self._drawn_at != self.size:
            self.refresh()  # the whole; render_line draws
            return
        before, self._rows = self._rows, self._picture(self.size)
        for y, (old, new) in enumerate(zip(before, self._rows, strict=True)):
            if old != new:
                self._strips.pop(y, None)
                changed = [x for x, (a, b) in enumerate(zip(old, new, strict=True)) if a != b]
                self.refresh(Region(changed[0], y, changed[-1] + 1 - changed[0], 1))

    def _picture(self, size: Size) -> list[Row]:
        """Return the series as size.height rows of size.width cells."""
        curves = [self._plain(one) for one in self._series if not isinstance(one, Reference)]
        curves = [curve for curve in curves if curve.xs]
        if not curves:
            self._x_limits = self._y_limits = None
            return hint(self._empty, size)
        references = [
            replace(one, y=y)
            for one in self._series
            if isinstance(one, Reference) and (y := self._on_axis(one.y)) is not None
        ]

        xs = [x for curve in curves for x in reach(curve)]
        ys = [y for one in curves for y in one.ys] + [one.y for one in references]
        bars = any(isinstance(curve, Bars) for curve in curves)
        if bars and not self.log_scale:
            ys.append(0.0)
        x_range = self._x_range or ((min(xs), max(xs)) if bars else None)
        self._x_limits = widened(*x_range) if x_range else steady(self._x_limits, min(xs), max(xs))
        self._y_limits = steady(self._y_limits, min(ys), max(ys))

        ticks = log_ticks if self.log_scale else linear_ticks
        y_ticks = ticks(*self._y_limits, min(8, size.height // 2 - 1))
        columns = size.width - 1 - max(map(len, y_ticks.values()))
        if columns < 8 or size.height < 4:
            return hint("no room", size)
        counts = all(float(x).is_integer() for curve in curves for x in curve.xs)
        x_ticks = linear_ticks(*self._x_limits, min(10, columns // 8), 1 if counts else 0)
        plot = Plot(
            size,
            columns,
            self._x_limits,
            self._y_limits,
            x_ticks,
            y_ticks,
            bar_floor=self._y_limits[0] if self.log_scale else 0.0,
            ascii=self._ascii,
        )
        return plot.draw(curves, references)

    def _plain(self, curve: Line | Bars) -> Line | Bars:
        """Keep the points that have a place in the plot, with y as measured along its axis."""
        low, high = self._x_range or (-LARGEST, LARGEST)
        points = [
            (x, place)
            for x, y in zip(curve.xs, curve.ys, strict=True)
            if low <= x <= high and (place := self._on_axis(y)) is not None
        ]
        return replace(curve, xs=[x for x, _ in points], ys=[y for _, y in points])

    def _on_axis(self, y: float) -> float | None:
        """Return y as measured along the axis, or None when it has no place there."""
        if not abs(y) <= LARGEST:  # so that NaN is refused as well
            return None
        if not self.log_scale:
            return y
        return math.log10(y) if y > 0 else None


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
        bars = [curve for curve in curves if isinstance(curve, Bars)]
        lines = [curve for curve in curves if isinstance(curve, Line)]
        roles = [LINES[number % len(LINES)] for number in range(len(lines))]

        figure = self._frame()
        for one in bars:
            self._draw_bars(figure, one)
        for reference in references:
            self._draw_reference(figure, reference.y)
        for line, role in zip(lines, roles, strict=True):
            self._draw_line(figure, line, role)

        marked = len(lines) > 1
        texts = figure.build().string().strip("\n").split("\n")
        rows = [self._cells(text, marked) for text in texts]
        for reference in references:
            self._write_label(rows, reference)
        legend = [
            (f"{MARKS[role]} {line.label}" if marked else line.label, role)
            for line, role in zip(lines, roles, strict=True)
            if line.label
        ]
        for row, (text, role) in zip(rows[: self.size.height // 2 - 1], legend, strict=False):
            room = self.size.width - cell_len(printable(text))
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
        xs, ys = decimate(line.xs, line.ys, self.columns, self.x_limits)
        connected = line.style == "line"
        symbol = "braille" if connected and not self.ascii else MARKS[role]
        signal = figure.signal(xs, ys, marker=plotext.marker(symbol, pixel(role)))
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
        width = cell_len(printable(reference.label))
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


def write(row: Row, column: int, text: str, role: str) -> None:
    """Write text over a row, as far as there is room."""
    for character in printable(text):
        width = cell_len(character)
        if column + width > len(row):
            return
        row[column : column + width] = [(character, role), ("", role)][:width]
        column += width


def printable(text: str) -> str:
    r"""Spell out what would move the cursor or take no room of its own, as in `\x1b`."""
    return "".join(
        character
        if character.isprintable() and cell_len(character)
        else character.encode("unicode_escape").decode()
        for character in text
    )


def hint(text: str, size: Size) -> list[Row]:
    """Return an empty picture that says why it is empty."""
    rows: list[Row] = [[(" ", "")] * size.width for _ in range(size.height)]
    if rows:
        write(rows[size.height // 2], max(0, (size.width - cell_len(text)) // 2), text, EMPTY)
    return rows


def decimate(
    xs: Sequence[float], ys: Sequence[float], columns: int, x_range: Limits | None = None
) -> tuple[Sequence[float], Sequence[float]]:
    """Thin points to at most 2 * columns that draw the same curve that many columns wide.

    Kept are the first and the last point, and the lowest and the highest of each of columns - 1
    buckets of x_range (by default, of the xs). With a fixed range the buckets stay where they are
    while points are added, so that what is already drawn does not flicker.
    """
    if len(xs) <= 2 * columns:
        return xs, ys
    left, right = x_range or (min(xs), max(xs))
    scale = (columns - 1) / ((right - left) or 1)
    buckets: dict[int, tuple[int, int]] = {}
    for i in range(1, len(xs) - 1) if columns > 1 else ():
        bucket = min(int((xs[i] - left) * scale), columns - 2)
        low, high = buckets.get(bucket, (i, i))
        buckets[bucket] = (i if ys[i] < ys[low] else low, i if ys[i] > ys[high] else high)
    kept = sorted({0, len(xs) - 1, *(i for pair in buckets.values() for i in pair)})
    return [xs[i] for i in kept], [ys[i] for i in kept]


def spacing(bars: Bars) -> float:
    """Return the distance from one bar to the next, or 1 for a single bar."""
    width = max(bars.xs) - min(bars.xs)
    return width / (len(bars.xs) - 1) if width else 1.0


def reach(curve: Line | Bars) -> Limits:
    """Return the smallest and the largest x that a curve covers."""
    half = spacing(curve) / 2 if isinstance(curve, Bars) else 0.0
    return min(curve.xs) - half, max(curve.xs) + half


def widened(low: float, high: float) -> Limits:
    """Return limits with room between them, also around a single value."""
    size = max(abs(low), abs(high))
    if high - low > max(1e-9 * size, 1 / LARGEST):
        return low, high
    room = size / 10 if size > 1 / LARGEST else 1.0
    return low - room, high + room


def steady(limits: Limits | None, low: float, high: float) -> Limits:
    """Return round limits around [low, high], the present ones as long as they suit.

    A limit that is passed moves on by a large round step, the other stays. Both are chosen anew
    when the data would fill less than a third of the plot.
    """
    low, high = widened(low, high)
    if limits:
        least, most = min(low, limits[0]), max(high, limits[1])
        if high - low >= (most - least) / 3:
            step = round_step((most - least) / 4)
            return (
                limits[0] if low >= limits[0] else round_down(low, step),
                limits[1] if high <= limits[1] else -round_down(-high, step),
            )
    step = round_step((high - low) / 10)
    return round_down(low, step), -round_down(-high, step)


def round_down(value: float, step: float) -> float:
    """Return the multiple of step below value, or value itself where it is one but for rounding."""
    return math.floor(round(value / step, 9)) * step


def round_step(least: float) -> float:
    """Return the smallest of 1, 2, 5 times a power of ten that is at least `least`."""
    power = 10.0 ** math.floor(math.log10(least))
    return next((power * m for m in (1, 2, 5) if power * m >= least), power * 10)


def linear_ticks(low: float, high: float, parts: int, least: float = 0) -> Ticks:
    """Return about `parts` ticks at multiples of a round step, `least` or wider."""
    step = max(least, round_step((high - low) / max(parts, 3)))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    decimals = max(0, -math.floor(math.log10(step)))
    plain = decimals <= 6 and max(abs(low), abs(high)) < 1e9
    spec = f".{decimals}f" if plain else ".10g"
    return {number * step: f"{number * step:{spec}}" for number in range(first, last + 1)}


def log_ticks(low: float, high: float, parts: int) -> Ticks:
    """Return ticks for a logarithmic axis between 10**low and 10**high."""
    if high - low < 1:
        return {math.log10(y): text for y, text in linear_ticks(10**low, 10**high, parts).items()}
    return {e: f"{10.0**e:g}" for e in linear_ticks(low, high, parts, 1)}
