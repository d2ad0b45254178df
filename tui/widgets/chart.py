"""The chart: lines, bars and references, drawn by plotext and sent to the terminal cell by cell.

plotext lays out axes and braille; what stays ours is what makes a live chart cheap to send: limits
that rarely move, and a comparison of each picture with the one before.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import ClassVar, Literal

from rich.cells import cell_len
from rich.segment import Segment
from textual.geometry import Region, Size
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from model.alphabet import visible
from tui.widgets.axes import LARGEST, Limits, linear_ticks, log_ticks, steady, widened

Cell = tuple[str, str]  # a character and its role; the right half of a wide character is ""
Row = list[Cell]

AXIS, REFERENCE, BAR = "chart--axis", "chart--reference", "chart--bar"
LABEL, EMPTY = "chart--label", "chart--empty"  # texts that are ours, not plotext's
LINES = tuple(f"chart--line-{number}" for number in range(1, 7))
ROLES = (AXIS, REFERENCE, BAR, *LINES)  # a role's place here is its colour number in plotext


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
        from tui.widgets.plot import Plot

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


def write(row: Row, column: int, text: str, role: str) -> None:
    """Write text over a row, as far as there is room."""
    for character in visible(text):
        width = cell_len(character)
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


def spacing(bars: Bars) -> float:
    """Return the distance from one bar to the next, or 1 for a single bar."""
    width = max(bars.xs) - min(bars.xs)
    return width / (len(bars.xs) - 1) if width else 1.0


def reach(curve: Line | Bars) -> Limits:
    """Return the smallest and the largest x that a curve covers."""
    half = spacing(curve) / 2 if isinstance(curve, Bars) else 0.0
    return min(curve.xs) - half, max(curve.xs) + half
