"""The chart: lines, bars, references and marks, drawn by plotext.

plotext lays out axes and braille; what stays ours is what makes a live chart cheap to send: limits
that rarely move, and a picture of which only what changed is sent.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from textual.geometry import Size
from textual.reactive import reactive

from tui.characters import CLASS as ASCII
from tui.widgets.axes import Limits, Ticks, linear_ticks, log_ticks, measured, steady, widened
from tui.widgets.picture import Picture, Row, hint

AXIS, REFERENCE, BAR = "chart--axis", "chart--reference", "chart--bar"
LABEL = "chart--label"  # texts that are ours, not plotext's
FAINT, MARK = "chart--faint", "chart--mark"
LINES = tuple(f"chart--line-{number}" for number in range(1, 7))
ROLES = (AXIS, REFERENCE, BAR, FAINT, *LINES)  # a role's place here is its colour number in plotext


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
    """A curve through points in the order of their xs; a label puts it in the legend.

    A `marked` one bears its mark at its points, where there is room; `points` are marks alone;
    `dots` are as small as they can be, and behind what else there is.
    """

    label: str = ""
    style: Literal["line", "marked", "points", "dots"] = "line"
    mark: str = ""
    """One character that tells it from other lines; "" for one of the chart's own."""


@dataclass(frozen=True)
class Bars(Points):
    """Bars from zero to ys, centred on xs."""


@dataclass(frozen=True)
class Reference:
    """A dotted line across the plot at height y, with its label written on it."""

    y: float
    label: str = ""


@dataclass(frozen=True)
class Mark:
    """A broken line from top to bottom at x, with its label beside it where there is room."""

    x: float
    label: str = ""


Series = Line | Bars | Reference | Mark


class Chart(Picture):
    """A chart of whatever `show` was last given.

    An axis can be logarithmic; values that are not positive have no place on it and are left out.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {*ROLES, LABEL, MARK}
    DEFAULT_CSS = """
    Chart {
        & > .chart--axis, & > .chart--mark { color: $text-muted; }
        & > .chart--faint { color: $text-disabled; }
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
    """Whether y is logarithmic."""

    empty: reactive[str] = reactive("", init=False, repaint=False)
    """What is said without data."""

    def __init__(
        self,
        *,
        empty: str = "no data yet",
        log_x: bool = False,
        name: str | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """Make a chart that says `empty` without data. With `log_x`, x is logarithmic."""
        super().__init__(name=name, id=id, classes=classes)
        self.set_reactive(Chart.empty, empty)
        self._log_x = log_x
        self._series: tuple[Series, ...] = ()
        self._x_range: Limits | None = None
        self._x_limits: Limits | None = None  # of log10(x) on the logarithmic scale
        self._y_limits: Limits | None = None  # of log10(y) on the logarithmic scale
        self._columns = 0  # of the plot itself, at the right of the picture; 0 if there is none

    def show(self, *series: Series, x_range: Limits | None = None) -> None:
        """Show these series and nothing else; points outside `x_range` are left out."""
        if (series, x_range) != (self._series, self._x_range):
            self._series, self._x_range = series, x_range
            self.redraw()

    def watch_log_scale(self) -> None:
        """Draw anew: the limits of one scale mean nothing on the other."""
        self._y_limits = None
        self.redraw()

    def watch_empty(self) -> None:
        """Say it, if there is no data."""
        self.redraw()

    def picture(self, size: Size) -> list[Row]:
        """Return the series as size.height rows of size.width cells."""
        self._columns = 0
        curves = [self._plain(one) for one in self._series if isinstance(one, Line | Bars)]
        drawn = [curve for curve in curves if curve.xs]
        if not drawn:
            self._x_limits = self._y_limits = None
            return hint(self.empty, size)
        references = [
            replace(one, y=y)
            for one in self._series
            if isinstance(one, Reference) and (y := measured(one.y, self.log_scale)) is not None
        ]

        xs = [x for curve in drawn for x in reach(curve)]
        ys = [y for one in drawn for y in one.ys] + [one.y for one in references]
        bars = any(isinstance(curve, Bars) for curve in drawn)
        if bars and not self.log_scale:
            ys.append(0.0)
        x_range = self._measured_x_range() or ((min(xs), max(xs)) if bars else None)
        self._x_limits = widened(*x_range) if x_range else steady(self._x_limits, min(xs), max(xs))
        self._y_limits = steady(self._y_limits, min(ys), max(ys))

        ticks = log_ticks if self.log_scale else linear_ticks
        y_ticks = ticks(*self._y_limits, min(8, size.height // 2 - 1))
        columns = size.width - 1 - max(map(len, y_ticks.values()))
        if columns < 8 or size.height < 4:
            return hint("no room", size)
        self._columns = columns
        x_ticks = self._x_ticks(self._x_limits, min(10, columns // 8), drawn)
        from tui.widgets.plot import Plot

        plot = Plot(
            size,
            columns,
            self._x_limits,
            self._y_limits,
            x_ticks,
            y_ticks,
            bar_floor=self._y_limits[0] if self.log_scale else 0.0,
            ascii=self.app.has_class(ASCII),  # without braille
        )
        return plot.draw(curves, references, self._marks(self._x_limits))

    def _marks(self, limits: Limits) -> list[Mark]:
        """The marks that have a place on the x axis."""
        marks = [one for one in self._series if isinstance(one, Mark)]
        places = [(measured(one.x, self._log_x), one) for one in marks]
        low, high = limits
        return [replace(one, x=x) for x, one in places if x is not None and low <= x <= high]

    def _x_ticks(self, limits: Limits, parts: int, curves: Sequence[Line | Bars]) -> Ticks:
        if self._log_x:
            return log_ticks(*limits, parts)
        counts = all(float(x).is_integer() for curve in curves for x in curve.xs)
        return linear_ticks(*limits, parts, 1 if counts else 0)

    def _measured_x_range(self) -> Limits | None:
        if self._x_range is None:
            return None
        low, high = (measured(x, self._log_x) for x in self._x_range)
        return None if low is None or high is None else (low, high)

    def _plain(self, curve: Line | Bars) -> Line | Bars:
        """Keep the points that have a place in the plot, as measured along its axes."""
        low, high = self._x_range or (-math.inf, math.inf)
        places = [
            (measured(x, self._log_x), measured(y, self.log_scale))
            for x, y in zip(curve.xs, curve.ys, strict=True)
            if low <= x <= high
        ]
        points = [(x, y) for x, y in places if x is not None and y is not None]
        return replace(curve, xs=[x for x, _ in points], ys=[y for _, y in points])


def spacing(bars: Bars) -> float:
    """Return the distance from one bar to the next, or 1 for a single bar."""
    width = max(bars.xs) - min(bars.xs)
    return width / (len(bars.xs) - 1) if width else 1.0


def reach(curve: Line | Bars) -> Limits:
    """Return the smallest and the largest x that a curve covers."""
    half = spacing(curve) / 2 if isinstance(curve, Bars) else 0.0
    return min(curve.xs) - half, max(curve.xs) + half
