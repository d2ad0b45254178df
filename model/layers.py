"""How the layers of a network fare in one step of training: what the lectures look at.

- An activation that is *saturated*, a tanh near -1 or 1, say, lets no gradient through.
- The *gradient-to-weight* ratio compares layers: those that lie far apart learn at different paces.
- The *update-to-weight* ratio says how fast a layer learns: about 10^-3 is a good pace, 10^-2 is
  hasty, 10^-4 slow (Karpathy, makemore part 3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

GOOD_UPDATE = -3.0
"""The log10 of the update-to-weight ratio that is a good pace."""


@dataclass(frozen=True)
class Weights:
    """One tensor of weights, and how a step changed it. Ratios are of standard deviations."""

    name: str
    shape: tuple[int, ...]
    std: float
    gradient: float | None
    """log10 of the gradient-to-weight ratio; None where there is none."""
    update: float | None
    """log10 of the update-to-weight ratio."""


@dataclass(frozen=True)
class Activations:
    """What came out of the non-linear functions of one kind in one layer."""

    name: str
    mean: float
    std: float
    saturated: float
    """The share that lets next to no gradient through."""
    histogram: tuple[float, ...]
    """Shares, from the lowest value to the highest. (bins,)"""


@dataclass(frozen=True)
class Layers:
    """All of them, from the input to the output."""

    weights: tuple[Weights, ...] = ()
    activations: tuple[Activations, ...] = ()

    @classmethod
    def of(cls, stored: Any) -> Layers:
        """The layers that JSON holds, as `dataclasses.asdict` made it.

        Raises:
            ValueError, TypeError, LookupError: it holds something else.
        """
        weights = [
            Weights(
                _text(each["name"]),
                _sizes(each["shape"]),
                _number(each["std"]),
                _ratio(each["gradient"]),
                _ratio(each["update"]),
            )
            for each in stored["weights"]
        ]
        activations = [
            Activations(
                _text(each["name"]),
                _number(each["mean"]),
                _number(each["std"]),
                _number(each["saturated"]),
                tuple(_number(share) for share in each["histogram"]),
            )
            for each in stored["activations"]
        ]
        return cls(tuple(weights), tuple(activations))


LARGEST = 1e300


def _text(value: Any) -> str:
    if type(value) is not str:
        raise ValueError("no usable name")
    return value


def _sizes(values: Any) -> tuple[int, ...]:
    if not all(type(value) is int for value in values):
        raise ValueError("no usable shape")
    return tuple(values)


def _number(value: Any) -> float:
    if type(value) not in (int, float) or not abs(value) < LARGEST:
        raise ValueError("no usable number")
    return float(value)


def _ratio(value: Any) -> float | None:
    return None if value is None else _number(value)
