import pytest
import torch
from torch import Tensor

from model.optimisers import Adam, GradientDescent, Optimiser

RATES = [100.0, 10.0, 1.0, 0.1, 0.01]


def start() -> Tensor:
    return torch.randn((4, 5), generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def gradients() -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randn((4, 5), generator=generator, dtype=torch.float64) for _ in RATES]


def ours(W: Tensor, optimiser: Optimiser) -> Tensor:
    for rate, gradient in zip(RATES, gradients(), strict=True):
        optimiser.update(gradient, torch.tensor([rate], dtype=torch.float64))
    return W


def torchs(W: Tensor, optimiser: torch.optim.Optimizer) -> Tensor:
    for rate, gradient in zip(RATES, gradients(), strict=True):
        optimiser.param_groups[0]["lr"] = rate
        W.grad = gradient
        optimiser.step()
    return W


@pytest.mark.parametrize("momentum", [0, 0.9, 1])
def test_gradient_descent_is_torchs(momentum: float):
    W, expected = start(), start().requires_grad_()
    ours(W, GradientDescent(W, momentum))
    torchs(expected, torch.optim.SGD([expected], lr=1, momentum=momentum))
    assert float((W - expected.detach()).abs().max()) < 1e-9


def test_momentum_1_adds_up_the_gradients_as_the_notebook_does():
    W, expected, sum_of_gradients = start(), start(), torch.zeros((4, 5), dtype=torch.float64)
    ours(W, GradientDescent(W, 1))
    for rate, gradient in zip(RATES, gradients(), strict=True):
        sum_of_gradients += gradient
        expected += -rate * sum_of_gradients
    assert float((W - expected.detach()).abs().max()) < 1e-9


def test_adam_is_torchs():
    W, expected = start(), start().requires_grad_()
    ours(W, Adam(W))
    torchs(expected, torch.optim.Adam([expected], lr=1))
    assert float((W - expected.detach()).abs().max()) < 1e-9
