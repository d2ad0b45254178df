"""The notebook's network: one layer, one-hot contexts in, probabilities of the outcome out.

`softmax(one_hot(x) @ W)` merely picks a row of W. The network can therefore say anything about each
context by itself, and nothing about how contexts resemble each other: it is the count model's table
on another road, with log P for W.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Self

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from model.nets.network import Window
from model.ngrams import Ngrams

if TYPE_CHECKING:
    from model.recipe import Recipe

Objective = Callable[[Tensor], tuple[Tensor, Tensor]]
"""From W (contexts, V) to the mean loss () and its gradient (contexts, V)."""


class OneLayer(Window):
    """W of contexts x outcomes and a softmax. A `LanguageModel`.

    Args:
        ngrams: whose contexts are the rows of W, and whose outcomes the columns.
        seed: of the standard normal distribution that W starts from; drawn on the CPU, so that a
            seed means the same on every device.
        device: where W lives.
    """

    UNCHANGED = ("alphabet", "contexts")

    def __init__(self, ngrams: Ngrams, seed: int = 0, device: torch.device | str = "cpu") -> None:
        super().__init__(ngrams.alphabet, ngrams.n - 1)
        self.contexts = ngrams.contexts
        generator = torch.Generator().manual_seed(seed)
        shape = (len(ngrams.contexts), len(ngrams.alphabet))
        weights = torch.randn(shape, generator=generator).to(device)
        self.W = nn.Parameter(weights, requires_grad=False)  # a full batch needs no autograd

    @classmethod
    def of(cls, ngrams: Ngrams, recipe: Recipe) -> Self:
        """The network that a recipe asks for, with the weights that its seed draws, on the CPU."""
        return cls(ngrams, recipe.seed)

    @classmethod
    def count_weights(cls, ngrams: Ngrams, recipe: Recipe) -> int:
        """How many weights the network that a recipe asks for would have."""
        return len(ngrams.contexts) * len(ngrams.alphabet)

    def forward(self, contexts: Tensor) -> Tensor:
        """The rows of W for `contexts` (E, n-1); -inf for one that was never seen. (E, V)"""
        ids = self.contexts.ids(contexts.cpu()).to(self.W.device)
        return self.W[ids].masked_fill((ids < 0).unsqueeze(1), -torch.inf)

    @torch.no_grad()
    def log_probs(self, contexts: Tensor) -> Tensor:
        """log softmax(W) of the rows for `contexts` (B, n-1). (B, V)"""
        return super().log_probs(contexts).nan_to_num_(nan=-torch.inf, neginf=-torch.inf)


def one_hot_objective(xs: Tensor, ys: Tensor) -> Objective:
    """The notebook's way: a one-hot row for each example, and backpropagation.

    Args:
        xs: the context of each example. (examples,)
        ys: the outcome of each example. (examples,)
    """

    def objective(W: Tensor) -> tuple[Tensor, Tensor]:
        W = W.detach().requires_grad_()
        xs_enc = F.one_hot(xs, num_classes=len(W)).to(W.dtype)  # (examples, contexts)
        logits = xs_enc @ W  # (examples, V)
        probs = logits.softmax(1)
        loss = -probs[torch.arange(len(xs), device=W.device), ys].log().mean()
        (gradient,) = torch.autograd.grad(loss, W)
        return loss.detach(), gradient

    return objective


def count_objective(N: Tensor) -> Objective:
    """The exact shortcut: the same loss and gradient from the table of counts alone.

    Examples that agree in context and outcome have the same loss, so the mean over examples is a
    sum over the table, weighted with the frequencies f = N / sum(N):

        loss = -sum(f * log p),  p = softmax(W) by row
        dloss/dW = (row sums of f) * p - f, "expected minus observed"

    Args:
        N: the counts, in the precision and on the device to compute with. (contexts, V)
    """
    observed = N / N.sum()
    row_frequency = observed.sum(1, keepdim=True)

    def objective(W: Tensor) -> tuple[Tensor, Tensor]:
        log_p = W.log_softmax(1)
        loss = -(observed * log_p).sum()
        expected = log_p.exp_().mul_(row_frequency)
        return loss, expected.sub_(observed)

    return objective
