"""Curves as lines of a chart: smoothed, and thinned out to as many points as it has room for."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from tui.widgets.chart import Line
from tui.widgets.curve import Curve

if TYPE_CHECKING:
    from torch import Tensor

    from model.curves import Smoothed, Thinned


class Detail(NamedTuple):
    """What is seen of curves, and how."""

    left: int
    """The first step."""
    right: int
    """The last step."""
    columns: int
    weight: float
    """Of the past in the moving average; 0 for the curves as they are."""

    @property
    def bucket(self) -> int:
        """The steps of which the least and the largest value are drawn."""
        return -(-(self.right - self.left + 1) // self.columns)


class Thinner:
    """Makes lines of curves, and keeps what it did last: of a curve that grows, the end is new.

    Only one thread may use it at a time.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self._thinned: dict[Hashable, Thinned] = {}
        self._averages: dict[Hashable, Smoothed] = {}
        self._done: dict[Hashable, int] = {}
        """How many steps of each curve are in the last lines."""

    def new_steps(self, curves: Sequence[Curve], detail: Detail) -> int:
        """How many steps have to be looked at for the lines."""
        stages = _stages(curves, detail)
        return sum(steps - self._done.get(stage, 0) for stage, steps in stages.items())

    def lines(self, curves: Sequence[Curve], detail: Detail) -> list[Line]:
        """The curves as they are drawn."""
        self._forget_all_but(curves, detail)
        lines = [line for curve in curves for line in self._lines(curve, curves, detail)]
        self._done = _stages(curves, detail)
        return lines

    def average(self, curve: Curve, weight: float) -> Tensor:
        """The moving average of a curve. (steps,)"""
        from model.curves import Smoothed

        smoothed = self._averages.setdefault((curve.key, weight), Smoothed(weight))
        return smoothed.values(curve.values)

    def _forget_all_but(self, curves: Sequence[Curve], detail: Detail) -> None:
        weights, places = (0.0, detail.weight), ((), (detail.left, detail.bucket))
        used = {
            (one.key, weight, *place) for one in curves for weight in weights for place in places
        }
        for cache in (self._thinned, self._averages):
            for key in cache.keys() - used:
                del cache[key]

    def _lines(self, curve: Curve, curves: Sequence[Curve], detail: Detail) -> list[Line]:
        """A curve as it is drawn; the one curve that is smoothed has what it was behind it."""
        if curve.steps is not None:
            return [_some(curve, curve.steps, detail)]
        alone = len(curves) == 1 and not curve.mark
        label = "" if alone else curve.label
        if not detail.weight:
            return [Line(*self._thin(curve, curve.values, detail), label, mark=curve.mark)]
        average = self.average(curve, detail.weight)
        smooth = Line(*self._thin(curve, average, detail), label, mark=curve.mark)
        if several(curves):
            return [smooth]
        plain = self._thin(curve, curve.values, detail._replace(weight=0.0))
        return [Line(*plain, style="dots"), smooth]

    def _thin(self, curve: Curve, values: Tensor, detail: Detail) -> tuple[list[int], list[float]]:
        from model.curves import Thinned

        key = curve.key, detail.weight, detail.left, detail.bucket
        thinned = self._thinned.setdefault(key, Thinned(detail.left, detail.bucket))
        return thinned.points(values, detail.right + 1)


def several(curves: Sequence[Curve]) -> bool:
    """Whether there is more than one curve that can be smoothed."""
    return sum(one.steps is None for one in curves) > 1


def _stages(curves: Sequence[Curve], detail: Detail) -> dict[Hashable, int]:
    """How many steps there are of each curve, at a detail."""
    look = detail.left, detail.bucket, detail.weight
    return {(one.key, look): len(one.values) for one in curves if one.steps is None}


def _some(curve: Curve, steps: Sequence[int], detail: Detail) -> Line:
    from model.curves import envelope

    first, end = bisect_left(steps, detail.left), bisect_right(steps, detail.right)
    values, seen = curve.values[first:end], steps[first:end]
    places, kept = envelope(values, max(1, len(values) // detail.columns))
    return Line([seen[place] for place in places], kept, curve.label, "marked", curve.mark)
