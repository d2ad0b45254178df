"""The count model: the notebook's N and P, and the floor that no network can cross."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from model.alphabet import Alphabet
from model.ngrams import Ngrams


@dataclass(frozen=True, eq=False)
class CountModel:
    """Probabilities that are frequencies, `P = N / row sums`. A `LanguageModel`."""

    ngrams: Ngrams

    @property
    def alphabet(self) -> Alphabet:
        """The characters of the corpus that was counted."""
        return self.ngrams.alphabet

    @property
    def context_length(self) -> int:
        """n - 1."""
        return self.ngrams.n - 1

    @cached_property
    def P(self) -> Tensor:  # noqa: N802
        """The notebook's table of probabilities, 64-bit; each row sums to 1. (contexts, V)"""
        return self.ngrams.N.double() / self.ngrams.row_sums.unsqueeze(1)

    def log_probs(self, contexts: Tensor) -> Tensor:
        """The logarithms of the rows of P for `contexts` (B, n-1). (B, V)"""
        ids = self.ngrams.contexts.ids(contexts)
        return self.P[ids].log_().masked_fill_((ids < 0).unsqueeze(1), -torch.inf)

    @cached_property
    def floor(self) -> float:
        """The model's NLL on the corpus that it was counted from, in nats per token.

        The sum of -log P over all examples, grouped by (context, outcome). By Gibbs' inequality
        no model that sees the same contexts reaches less on this corpus.
        """
        counts = self.ngrams.counts.double()
        probabilities = counts / self.ngrams.row_sums[self.ngrams.context_ids]
        return (0.0 - float(counts @ probabilities.log())) / self.ngrams.total
