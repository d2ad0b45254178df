"""The notebook's network: one layer, one-hot contexts in, probabilities of the outcome out.

`softmax(one_hot(x) @ W)` merely picks a row of W. The network can therefore say anything about each
context by itself, and nothing about how contexts resemble each other: it is the count model's table
on another road, with log P for W.
"""

from collections.abc import Callable
from copy import copy

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from model.alphabet import Alphabet
from model.ngrams import Ngrams

Objective = Callable[[Tensor], tuple[Tensor, Tensor]]
"""From W (contexts, V) to the mean loss () and its gradient (contexts, V)."""


class OneLayer:
    """W of contexts x outcomes and a softmax. A `LanguageModel`.

    Args:
        ngrams: whose contexts are the rows of W, and whose outcomes the columns.
        seed: of the standard normal distribution that W starts from; drawn on the CPU, so that a
            seed means the same on every device.
        device: where W lives.
    """

    def __init__(self, ngrams: Ngrams, seed: int = 0, device: torch.device | str = "cpu") -> None:
        self.alphabet: Alphabet = ngrams.alphabet
        self.context_length = ngrams.n - 1
        self.contexts = ngrams.contexts
        generator = torch.Generator().manual_seed(seed)
        shape = (len(ngrams.contexts), len(ngrams.alphabet))
        self.W = torch.randn(shape, generator=generator).to(device)

    def logits(self, contexts: Tensor) -> Tensor:
        """The rows of W for `contexts` (B, n-1); -inf for one that was never seen. (B, V)"""
        ids = self.contexts.ids(contexts).to(self.W.device)
        return self.W[ids].masked_fill_((ids < 0).unsqueeze(1), -torch.inf)

    def log_probs(self, contexts: Tensor) -> Tensor:
        """log softmax(W) of the rows for `contexts` (B, n-1). (B, V)"""
        return self.logits(contexts).log_softmax(1).nan_to_num_(nan=-torch.inf, neginf=-torch.inf)

    def state_dict(self) -> dict[str, Tensor]:
        """The weights, the tensors themselves."""
        return {"W": self.W}

    def frozen(self) -> "OneLayer":
        """A copy on the CPU that further training does not change."""
        frozen = copy(self)
        frozen.W = self.W.to("cpu", copy=True)
        return frozen


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
