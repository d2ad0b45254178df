"""Curves of one value a step: thinned out for a chart, and smoothed."""

from __future__ import annotations

import torch
from torch import Tensor

BLOCK = 64
"""Steps that are smoothed by one row of a matrix product."""


def envelope(losses: Tensor, width: int) -> tuple[list[int], list[float]]:
    """A curve of losses (steps,) thinned out to the lowest and the highest of every `width` steps.

    What is not finite is kept only where there is nothing else.

    Returns:
        The steps of those losses, in their order, and the losses.
    """
    width = min(width, max(1, len(losses)))  # no wide row for the first steps of a long run
    padding = losses[-1:].expand(-len(losses) % width)
    rows = torch.cat([losses, padding]).view(-1, width)
    lows, highs = rows, rows
    if not rows.sum().isfinite():  # which is far cheaper than to ask of each
        finite = rows.isfinite()
        lows, highs = rows.where(finite, torch.inf), rows.where(finite, -torch.inf)
    within = torch.stack([lows.argmin(1), highs.argmax(1)], 1).sort(1).values
    steps = within + torch.arange(len(rows)).unsqueeze(1) * width
    steps = steps.flatten().clamp_(max=len(losses) - 1).unique_consecutive()
    return steps.tolist(), losses[steps].tolist()


class Thinned:
    """A part of a curve that grows at its end, as the envelope of buckets of steps.

    Each whole bucket is looked at once, so that a long curve costs no more than a short one; and
    buckets stay where they are, so that what is drawn of them does too.
    """

    def __init__(self, first: int, width: int) -> None:
        """Begin at the bucket of `width` steps that holds the step `first`."""
        self._begin = self._done = first - first % width
        self._width = width
        self._steps: list[int] = []
        self._values: list[float] = []

    def points(self, values: Tensor, end: int) -> tuple[list[int], list[float]]:
        """The envelope of a curve (steps,) up to step `end`, which may be beyond what there is."""
        end = max(self._begin, min(end, len(values)))
        whole = end - (end - self._begin) % self._width
        if whole < self._done:  # the curve has gone back
            self._done, self._steps, self._values = self._begin, [], []
        steps, kept = envelope(values[self._done : whole], self._width)
        self._steps += [self._done + step for step in steps]
        self._values += kept
        self._done = whole
        steps, rest = envelope(values[whole:end], self._width)
        return self._steps + [whole + step for step in steps], self._values + rest


class Smoothed:
    """The exponential moving average of a curve that grows at its end.

    m_t = weight * m_(t-1) + (1 - weight) * x_t from m_0 = 0, divided by 1 - weight^t so that the
    first values are not drawn to 0: as in Adam (Kingma and Ba, 2015, section 3) and TensorBoard.
    What is not finite stays as it is, and has no part in the average.
    """

    def __init__(self, weight: float) -> None:
        """Begin with nothing; 0 < weight < 1."""
        self._weight = weight
        powers = weight ** torch.arange(BLOCK + 1, dtype=torch.float64)
        self._decay = powers[1:]
        """What is left of the average before a block, after each of its steps. (BLOCK,)"""
        lags = torch.arange(BLOCK) - torch.arange(BLOCK).unsqueeze(1)
        self._kernel = ((1 - weight) * powers[lags.clamp(min=0)]).triu_()
        """What each step of a block gives to each average in it. (BLOCK, BLOCK)"""
        self._clear()

    def values(self, curve: Tensor) -> Tensor:
        """The average at every step of a curve (steps,), which goes on where it ended last."""
        if len(curve) < self._count:  # it has gone back
            self._clear()
        if len(curve) > len(self._values):
            more = torch.empty(2 * len(curve) - self._count)
            self._values = torch.cat([self._values[: self._count], more])
        new = curve[self._count :]
        self._values[self._count : len(curve)] = self._averaged(new) if len(new) else new
        self._count = len(curve)
        return self._values[: self._count]

    def _clear(self) -> None:
        self._values = torch.empty(0)
        self._count = 0
        self._seen = 0
        """The values that are in the average."""
        self._mean = 0.0
        """Of them, not yet divided."""

    def _averaged(self, new: Tensor) -> Tensor:
        finite = new.isfinite()
        known = new[finite].double()
        count = len(known)
        rows = torch.cat([known, known.new_zeros(-count % BLOCK)]).view(-1, BLOCK)
        means = rows @ self._kernel
        # The matrix product is done within each block; what follows carries it on to the next one.
        before, left = [self._mean], float(self._decay[-1])
        for end in means[:, -1].tolist():
            before.append(left * before[-1] + end)
        carried = torch.tensor(before[:-1], dtype=torch.float64)
        means += carried.unsqueeze(1) * self._decay
        means = means.flatten()[:count]
        if count:
            self._mean = float(means[-1])
        seen = self._seen + torch.arange(1, count + 1, dtype=torch.float64)
        self._seen += count
        result = new.clone()
        result[finite] = (means / (1 - self._weight**seen)).to(new.dtype)
        return result
