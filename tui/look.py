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
    """The network of a run as it was after some step, beside what it learns from."""

    ngrams: Ngrams
    network: Network
    step: int
    """Steps done."""
    run: int

    @cached_property
    def gaps(self) -> Tensor:
        """What each context adds to the gap between loss and floor, in nats. (contexts,)"""
        from model.evaluation import gap_by_context

        return gap_by_context(self.network, self.ngrams)

    @cached_property
    def gap(self) -> float:
        """Loss minus floor, in nats."""
        return float(self.gaps.sum())

    @cached_property
    def ranking(self) -> Tensor:
        """The ids of the contexts, the one with the largest gap first. (contexts,)"""
        return self.gaps.argsort(descending=True, stable=True)
