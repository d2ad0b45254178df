"""The back-off model: what a longer context does not know, a shorter one says.

It is what the ARPA format holds: for every n-gram that occurs its log probability, and for every
context a weight, by which the probability of whatever never followed it is that after the context
without its oldest token (Katz, 1987, "Estimation of Probabilities from Sparse Data for the Language
Model Component of a Speech Recognizer"):

    log p(w | h) = log probability of "h w"                where "h w" occurs
                   log weight of h + log p(w | shorter h)  elsewhere

A context that never occurs weighs 1, so that none is without an opinion.

Contexts are numbered length by length. The empty context has id 0, and the code (id of the context
without its oldest token) * V + (oldest token) stands for a longer one; its rank among all codes is
its id. A word's context begins at the boundary before the word, of which there is only one: in the
contexts that a `LanguageModel` is asked about, what stands before the last boundary says nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from model.alphabet import Alphabet


@dataclass(frozen=True, eq=False)
class Level:
    """What a model knows after contexts of one length."""

    contexts: Tensor
    """The codes of the contexts, sorted. (contexts,)"""
    weights: Tensor
    """The natural logarithm of each context's weight, 64-bit. (contexts,)"""
    codes: Tensor
    """(context id) * V + outcome of every n-gram, sorted. (n-grams,)"""
    log_probs: Tensor
    """The natural logarithm of each n-gram's probability, 64-bit. (n-grams,)"""


@dataclass(frozen=True, eq=False)
class BackoffModel:
    """Log probabilities of n-grams and weights of contexts. A `LanguageModel`.

    `levels[k]` is about contexts of k tokens. With every context, the context without its oldest
    token is there too.
    """

    alphabet: Alphabet
    levels: tuple[Level, ...]

    @property
    def context_length(self) -> int:
        """n - 1."""
        return len(self.levels) - 1

    @property
    def n(self) -> int:
        """The order."""
        return len(self.levels)

    def log_probs(self, contexts: Tensor) -> Tensor:
        """The natural logarithm of each outcome's probability after `contexts` (B, n-1). (B, V)"""
        size = len(self.alphabet)
        rows = torch.full((len(contexts), size), -torch.inf, dtype=torch.float64)
        for level, ids in zip(self.levels, self.ids(contexts), strict=True):
            known = (ids >= 0).nonzero().squeeze(1)
            ids = ids[known]
            weights = torch.zeros(len(rows), dtype=torch.float64)
            rows += weights.index_put_((known,), level.weights[ids]).unsqueeze(1)
            starts = torch.searchsorted(level.codes, ids * size)
            lengths = torch.searchsorted(level.codes, ids * size + size) - starts
            # The places of all n-grams of these contexts: start, start + 1, ... of each in turn.
            shifts = starts - lengths.cumsum(0) + lengths
            places = torch.arange(int(lengths.sum())) + shifts.repeat_interleave(lengths)
            cells = known.repeat_interleave(lengths), level.codes[places] % size
            rows.index_put_(cells, level.log_probs[places])
        # In another program's file, weights above 1 may lead to more than a probability of 1.
        return rows.clamp_(max=0.0)

    def ids(self, contexts: Tensor) -> Iterator[Tensor]:
        """The ids of the last 0, 1, 2, ... tokens of each of `contexts` (B, length). (B,) each

        -1 where these tokens are no context of the model, or one of them is -1.
        """
        ids = contexts.new_zeros(len(contexts))
        yield ids
        for level, tokens in zip(self.levels[1:], reversed(contexts.unbind(1)), strict=False):
            codes = ids * len(self.alphabet) + tokens
            ids = find(level.contexts, codes.masked_fill_(tokens < 0, -1))
            yield ids

    def tokens(self, length: int) -> Tensor:
        """The tokens of all contexts of one length, by id, the oldest first. (contexts, length)"""
        ids = torch.arange(len(self.levels[length].contexts))
        columns: list[Tensor] = []
        for level in reversed(self.levels[1 : length + 1]):
            codes = level.contexts[ids]
            columns.append(codes % len(self.alphabet))
            ids = codes // len(self.alphabet)
        return torch.stack(columns, 1) if columns else ids.new_empty((len(ids), 0))


def find(codes: Tensor, wanted: Tensor) -> Tensor:
    """The place of each of `wanted` among the sorted `codes`, -1 where it is not there."""
    if not len(codes):
        return torch.full_like(wanted, -1)
    places = torch.searchsorted(codes, wanted).clamp_(max=len(codes) - 1)
    return places.masked_fill_(codes[places] != wanted, -1)
