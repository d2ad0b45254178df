"""Looking at every layer of a network in one step of training."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor
from torch.overrides import TorchFunctionMode

from model.layers import Activations, Weights
from model.nets.network import Network

BINS = 12  # of a histogram
NEAR = 0.03
"""From its limits, a saturated activation."""


def weights_of(network: Network, before: Tensor) -> tuple[Weights, ...]:
    """Each tensor of weights after a step.

    Args:
        network: whose gradients are those of the step.
        before: the weights before the step, one after the other. (P,)
    """
    parameters = dict(network.named_parameters())
    parts = before.split([each.numel() for each in parameters.values()])
    return tuple(
        Weights(
            name,
            tuple(now.shape),
            std := _std(now),
            _log_ratio(_std(now.grad), std),
            _log_ratio(_std(now.detach().flatten() - then), std),
        )
        for (name, now), then in zip(parameters.items(), parts, strict=True)
    )


@contextmanager
def watched(network: Network) -> Generator[list[tuple[str, str, Tensor]]]:
    """While this lasts, collect (layer, function, values) of every non-linear function called."""
    seen: list[tuple[str, str, Tensor]] = []
    inside = [""]
    with ExitStack() as hooks:
        for name, module in network.named_modules():

            def enter(*_: Any, name: str = name) -> None:
                inside.append(name)

            def leave(*_: Any) -> None:
                inside.pop()

            hooks.callback(module.register_forward_pre_hook(enter).remove)
            hooks.callback(module.register_forward_hook(leave).remove)
        hooks.enter_context(_Watch(inside, seen))
        yield seen


class _Watch(TorchFunctionMode):
    def __init__(self, inside: list[str], seen: list[tuple[str, str, Tensor]]) -> None:
        super().__init__()
        self._inside, self._seen = inside, seen

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if func in SATURATED:
            self._seen.append((self._inside[-1], func.__name__, result.detach()))
        return result


def _is_extreme(h: Tensor) -> Tensor:
    return h.abs() > 1 - NEAR


def _is_shut_or_open(h: Tensor) -> Tensor:
    return (h - 0.5).abs() > 0.5 - NEAR


def _is_dead(h: Tensor) -> Tensor:
    return h == 0


def _is_next_to_dead(h: Tensor) -> Tensor:
    return h.abs() < NEAR


SATURATED: dict[Any, Callable[[Tensor], Tensor]] = {
    torch.tanh: _is_extreme,
    torch.sigmoid: _is_shut_or_open,
    F.relu: _is_dead,
    F.gelu: _is_next_to_dead,
}
"""For each function, where it lets next to no gradient through."""
_BY_NAME = {function.__name__: test for function, test in SATURATED.items()}


def activations_of(seen: list[tuple[str, str, Tensor]]) -> tuple[Activations, ...]:
    """What was collected, by layer and function."""
    layers: dict[tuple[str, str], list[Tensor]] = {}
    for layer, function, values in seen:
        layers.setdefault((layer, function), []).append(values.flatten())
    return tuple(
        _activations(f"{layer} {function}".strip(), torch.cat(values).float(), function)
        for (layer, function), values in layers.items()
    )


def _activations(name: str, values: Tensor, function: str) -> Activations:
    unit, largest = _scaled(values)
    low, high = unit.aminmax()
    places = ((unit - low) / (high - low).clamp(min=1e-12) * BINS).long().clamp_(max=BINS - 1)
    shares = places.bincount(minlength=BINS) / len(unit)
    saturated = float(_BY_NAME[function](unit * largest).float().mean())
    mean, std = largest * float(unit.mean()), largest * _root_mean_square(unit)
    return Activations(name, mean, std, saturated, tuple(shares.tolist()))


def _std(values: Tensor | None) -> float:
    """How large the values are; the root of their mean square says it of one value, too."""
    if values is None:
        return 0.0
    unit, largest = _scaled(values)
    return largest * _root_mean_square(unit)


def _root_mean_square(values: Tensor) -> float:
    return float(values.square().mean().sqrt())


def _scaled(values: Tensor) -> tuple[Tensor, float]:
    """The values, from -1 to 1, and their scale: of a network that diverges no sum overflows."""
    # Where they are no numbers, the step itself says so.
    values = values.detach().float().nan_to_num()
    largest = values.abs().max().clamp(min=1e-30)
    return values / largest, float(largest)


def _log_ratio(one: float, other: float) -> float | None:
    ratio = one / other if other else 0.0
    return math.log10(ratio) if ratio and math.isfinite(ratio) else None
