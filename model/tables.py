"""The tables that one can look at: contexts x outcomes, by counting, of a network, and between."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, cast

import torch
from torch import Tensor

from model.alphabet import BOUNDARY, Alphabet
from model.counts import CountModel
from model.language_model import LanguageModel
from model.ngrams import Ngrams
from model.scoring import rank


class Network(LanguageModel, Protocol):
    """A language model whose probabilities are a softmax."""

    def scores(self, contexts: Tensor) -> Tensor:
        """What the softmax is taken of, after each of `contexts` (B, n-1). (B, V)"""
        ...


@dataclass(frozen=True)
class View:
    """One way to look at contexts x outcomes."""

    name: str
    about: str
    formula: Callable[[CountModel, Network, Tensor], Tensor]
    of_network: bool = False
    """Whether there is nothing to see without a network."""
    signed: bool = False
    """Whether zero is in the middle."""

    def rows(self, counts: CountModel, network: Network | None, ids: Tensor) -> Tensor:
        """The rows of the contexts `ids` (B,); a network is needed for its own views. (B, V)"""
        assert network is not None or not self.of_network
        return self.formula(counts, cast(Network, network), ids)


def _counts(counts: CountModel, network: Network, ids: Tensor) -> Tensor:
    return counts.ngrams.rows(ids).double()


def _log_p(counts: CountModel, network: Network, ids: Tensor) -> Tensor:
    return counts.log_probs(counts.ngrams.contexts.tokens(ids))


def _p(counts: CountModel, network: Network, ids: Tensor) -> Tensor:
    return _log_p(counts, network, ids).exp()


def _logits(counts: CountModel, network: Network, ids: Tensor) -> Tensor:
    return network.scores(counts.ngrams.contexts.tokens(ids)).cpu().double()


def _network_p(counts: CountModel, network: Network, ids: Tensor) -> Tensor:
    return network.log_probs(counts.ngrams.contexts.tokens(ids)).cpu().double().exp()


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
    View(
        "W",
        "logits; in the one-layer network, its W",
        _logits,
        of_network=True,
        signed=True,
    ),
    View(
        "network P",
        "probability in the network",
        _network_p,
        of_network=True,
    ),
    View(
        "gradient",
        "expected minus observed",
        _gradient,
        of_network=True,
        signed=True,
    ),
    View("difference", "network P minus P", _difference, of_network=True, signed=True),
)


@dataclass(frozen=True, eq=False)
class Cell:
    """What there is to know of one context and one outcome."""

    count: int
    row_count: int
    """How often the context occurs."""
    row: Tensor
    """P of the counts after the context, 64-bit. (V,)"""
    network_row: Tensor | None
    """P of the network, where there is one. (V,)"""
    outcome: int

    @property
    def p(self) -> float:
        """By counting."""
        return float(self.row[self.outcome])

    @property
    def rank(self) -> int | None:
        """Among the outcomes; None where P is 0."""
        return rank(self.row.log(), self.outcome)

    @property
    def q(self) -> float | None:
        """In the network."""
        return float(self.network_row[self.outcome]) if self.network_row is not None else None

    @property
    def network_rank(self) -> int | None:
        """Among the outcomes; None where the network's P is 0."""
        return rank(self.network_row.log(), self.outcome) if self.network_row is not None else None


def cell_of(counts: CountModel, network: LanguageModel | None, context: int, outcome: int) -> Cell:
    """The cell of a context's id and an outcome's token."""
    ids = torch.tensor([context])
    tokens = counts.ngrams.contexts.tokens(ids)
    N = counts.ngrams.rows(ids)[0]
    return Cell(
        count=int(N[outcome]),
        row_count=int(N.sum()),
        row=counts.log_probs(tokens)[0].exp(),
        network_row=network.log_probs(tokens)[0].cpu().double().exp() if network else None,
        outcome=outcome,
    )


def context_after(ngrams: Ngrams, context: int, token: int) -> int | None:
    """The id of the context that a model is in after the context `context` and then `token`.

    Where that never occurs: of the contexts that end in as many of these tokens as possible and
    begin at a word's beginning, or else of all that end in `token`, the first; None without any.
    """
    contexts = ngrams.contexts
    length = ngrams.n - 1
    tail = [*ngrams.context_tokens(context), token][-length:]
    if token == BOUNDARY:
        return 0
    for kept in range(length, 0, -1):
        tokens = [BOUNDARY] * (length - kept) + tail[length - kept :]
        found = int(contexts.ids(torch.tensor([tokens])))
        if found >= 0:
            return found
    ends = (contexts.tokens(torch.arange(len(contexts)))[:, -1] == token).nonzero()
    return int(ends[0]) if len(ends) else None


def find_contexts(ngrams: Ngrams, text: str) -> Tensor:
    r"""The ids of the contexts that hold `text`, those that end in it first. (found,)

    Args:
        ngrams: whose contexts are searched.
        text: characters as contexts are shown, so that "." is the boundary and "\." a full stop.

    Raises:
        MakemoreError: a character is not in the alphabet.
    """
    wanted = torch.tensor(_tokens(ngrams.alphabet, text))
    tokens = ngrams.contexts.tokens(torch.arange(len(ngrams.contexts)))
    room = tokens.shape[1] - len(wanted)
    if not text or room < 0:
        return torch.empty(0, dtype=torch.int64)
    places = [(tokens[:, at : at + len(wanted)] == wanted).all(1) for at in range(room, -1, -1)]
    seen = torch.zeros(len(tokens), dtype=torch.bool)
    found: list[Tensor] = []
    for here in places:
        found.append((here & ~seen).nonzero().squeeze(1))
        seen |= here
    return torch.cat(found)


def _tokens(alphabet: Alphabet, text: str) -> list[int]:
    tokens: list[int] = []
    characters = iter(text)
    for character in characters:
        if character == ".":
            tokens.append(BOUNDARY)
        else:
            if character == "\\":  # what follows stands for itself
                character = next(characters, "\\")
            elif character == "␣" and character not in alphabet:
                character = " "
            tokens += alphabet.encode(character)
    return tokens


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
