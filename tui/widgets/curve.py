"""A curve that can be read: a value at every step of a run, or at some."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class Curve:
    """A value at every step, or at some."""

    key: Hashable
    """Tells it from other curves, those of the next run as well."""
    values: Tensor
    """Of all that is done so far. (steps,)"""
    label: str = ""
    mark: str = ""
    """As in `Line`."""
    steps: Sequence[int] | None = None
    """Of the values, in their order; None for 0, 1, 2 and so on."""

    @property
    def last(self) -> int:
        """The last step that there is a value of; -1 for none."""
        if self.steps is None:
            return len(self.values) - 1
        return self.steps[-1] if len(self.steps) else -1

    def near(self, step: int) -> tuple[int, float] | None:
        """The step with a value that is nearest to a step, and the value; None beyond the end."""
        if self.last < 0 or (self.steps is None and step > self.last):
            return None
        if self.steps is None:
            return step, float(self.values[step])
        after = min(bisect_left(self.steps, step), len(self.steps) - 1)
        before = max(0, after - 1)
        place = before if step - self.steps[before] < self.steps[after] - step else after
        return self.steps[place], float(self.values[place])
