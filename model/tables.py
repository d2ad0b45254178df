"""The tables that one can look at: contexts x outcomes, by counting, of a network, and between."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from model.counts import CountModel
from model.language_model import LanguageModel


class Network(LanguageModel, Protocol):
    """A language model whose probabilities are a softmax."""

    def logits(self, contexts: Tensor) -> Tensor:
        """What the softmax is taken of, after each of `contexts` (B, n-1). (B, V)"""
        ...


@dataclass(frozen=True)
class View:
    """One way to look at contexts x outcomes."""

    name: str
    about: str
    rows: Callable[[CountModel, Network, Tensor], Tensor]
    """The rows of the contexts `ids` (B,). (B, V)"""
    of_network: bool = False
    """Whether there is nothing to see without a network."""
    signed: bool = False
    """Whether zero is in the middle."""


def _counts(counts: CountModel, network: Network, ids: Tensor) -> Tensor:
    return counts.ngrams.rows(ids).double()


def _log_p(counts: CountModel, network: Network, ids: Tensor) -> Tensor:
    return counts.log_probs(counts.ngrams.contexts.tokens(ids))


def _p(counts: CountModel, network: Network, ids: Tensor) -> Tensor:
    return _log_p(counts, network, ids).exp()


def _logits(counts: CountModel, network: Network, ids: Tensor) -> Tensor:
    return network.logits(counts.ngrams.contexts.tokens(ids)).double()


def _network_p(counts: CountModel, network: Network, ids: Tensor) -> Tensor:
    return network.log_probs(counts.ngrams.contexts.tokens(ids)).double().exp()


def _gradient(counts: CountModel, network: Network, ids: Tensor) -> Tensor:
    """dloss/dlogits, summed over the examples of each context: (row sum * q - N) / sum(N)."""
    observed = counts.ngrams.rows(ids).double() / counts.ngrams.total
    expected = observed.sum(1, keepdim=True) * _network_p(counts, network, ids)
    return expected - observed


def _difference(counts: CountModel, network: Network, ids: Tensor) -> Tensor:
    return _network_p(counts, network, ids) - _p(counts, network, ids)


VIEWS = (
    View("N", "how often the outcome follows", _counts),
    View("P", "probability by counting", _p),
    View("log P", "its logarithm, in nats", _log_p),
    View("W", "the network's weights, as logits", _logits, of_network=True, signed=True),
    View("network P", "probability in the network, softmax(W)", _network_p, of_network=True),
    View("gradient", "expected minus observed, dloss/dW", _gradient, of_network=True, signed=True),
    View("difference", "network P minus P", _difference, of_network=True, signed=True),
)


@dataclass(frozen=True)
class Difference:
    """A cell in which two models disagree."""

    context: int
    """The id of the context."""
    outcome: int
    """The token."""
    first: float
    """Its probability in the first model."""
    second: float
    """Its probability in the second."""


def largest_differences(counts: CountModel, network: LanguageModel, most: int) -> list[Difference]:
    """The cells in which the probabilities of `counts` and `network` differ most, largest first."""
    ngrams = counts.ngrams
    size = len(ngrams.alphabet)
    found: list[Difference] = []
    for ids in ngrams.blocks():
        contexts = ngrams.contexts.tokens(ids)
        first = counts.log_probs(contexts).exp_().flatten()
        second = network.log_probs(contexts).cpu().double().exp_().flatten()
        top = (second - first).abs_().topk(min(most, len(first))).indices
        cells = zip(top.tolist(), first[top].tolist(), second[top].tolist(), strict=True)
        found += [Difference(int(ids[0]) + cell // size, cell % size, p, q) for cell, p, q in cells]
        found.sort(key=lambda one: (-abs(one.second - one.first), one.context, one.outcome))
        del found[most:]
    return found
