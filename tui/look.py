"""A look inside the network while it learns."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from model.nets.network import Network
    from model.ngrams import Ngrams


@dataclass(frozen=True, eq=False)
class Look:
    """The network of a run as it was after some step, beside the counts of the corpus."""

    ngrams: Ngrams
    network: Network
    step: int
    """Steps done."""
    run: int
    learnt: Ngrams | None = None
    """Of the words that it learns from, where these are not all."""

    @property
    def finite(self) -> bool:
        """Whether the network has anything to say: one that diverges does not."""
        from torch import arange

        weights = (bool(each.isfinite().all()) for each in self.network.parameters())
        first = self.ngrams.contexts.tokens(arange(1))
        return all(weights) and bool(self.network.log_probs(first).isfinite().all())

    @property
    def weighed(self) -> bool:
        """Whether the gaps are known; with many contexts it takes seconds to find them out."""
        return "gaps" in vars(self)

    @cached_property
    def gaps(self) -> Tensor:
        """What each context adds to the gap between loss and floor, in nats. (contexts,)"""
        from torch import arange, float64, zeros

        from model.evaluation import gap_by_context

        if self.learnt is None:
            return gap_by_context(self.network, self.ngrams)
        contexts = self.learnt.contexts
        ids = self.ngrams.contexts.ids(contexts.tokens(arange(len(contexts))))
        gaps = zeros(len(self.ngrams.contexts), dtype=float64)
        return gaps.index_add_(0, ids, gap_by_context(self.network, self.learnt))

    @cached_property
    def gap(self) -> float:
        """Loss minus floor, in nats."""
        return float(self.gaps.sum())

    @cached_property
    def ranking(self) -> Tensor:
        """The ids of the contexts, the one with the largest gap first. (contexts,)"""
        return self.gaps.argsort(descending=True, stable=True)
