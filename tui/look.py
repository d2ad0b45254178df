"""A look inside the network while it learns."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
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
    gaps: Gaps | None = None
    """Those that are known, perhaps of an earlier step: with many contexts they take seconds."""

    @property
    def finite(self) -> bool:
        """Whether the network has anything to say: one that diverges does not."""
        from torch import arange

        weights = (bool(each.isfinite().all()) for each in self.network.parameters())
        first = self.ngrams.contexts.tokens(arange(1))
        return all(weights) and bool(self.network.log_probs(first).isfinite().all())

    def weigh(self, learnt: Ngrams | None) -> Gaps | None:
        """The gaps of the network as it is; None where they are no numbers.

        Args:
            learnt: of the words that it learns from, where these are not all.
        """
        from torch import arange, float64, zeros

        from model.evaluation import gap_by_context

        if learnt is None:
            gaps = gap_by_context(self.network, self.ngrams)
        else:
            contexts = learnt.contexts
            ids = self.ngrams.contexts.ids(contexts.tokens(arange(len(contexts))))
            gaps = zeros(len(self.ngrams.contexts), dtype=float64)
            gaps.index_add_(0, ids, gap_by_context(self.network, learnt))
        total = float(gaps.sum())
        if not isfinite(total):
            return None
        return Gaps(self.step, gaps, gaps.argsort(descending=True, stable=True), total)


def same_network(one: Look | None, other: Look | None) -> bool:
    """Whether two looks are of one network, be it that the gaps of one are not known yet."""
    return (one and one.network) is (other and other.network)


@dataclass(frozen=True, eq=False)
class Gaps:
    """What each context adds to the gap between loss and floor."""

    step: int
    """Steps done."""
    by_context: Tensor
    """In nats. (contexts,)"""
    ranking: Tensor
    """The ids of the contexts, the one with the largest gap first. (contexts,)"""
    total: float
    """Loss minus floor, in nats."""
