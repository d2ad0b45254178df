"""Judging a network while it learns, on words that it learns from and on words held out."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from model.batches import Words
from model.errors import MakemoreError
from model.nets.network import Network
from model.splits import Split

TIMES = 20
"""A run's length is cut into as many parts; after each the network is judged."""
DEV, STEP = "dev", "step"


class Validation:
    """The NLL on all words of train and dev, and the weights that were best on dev."""

    def __init__(self, parts: Split, device: torch.device) -> None:
        self._train, self._dev = (Words(part, device) for part in (parts.train, parts.dev))
        self._unseen = Words(parts.unseen(parts.dev), device)
        self.best: dict[str, Tensor] = {}
        """The network's weights by name, and the dev NLL and the step that they belong to."""

    def judge(self, network: Network, step: int) -> tuple[float | None, float | None, float | None]:
        """The NLL on train, on dev and on the words of dev that do not occur in train.

        In nats per token; None where something is impossible, or there are no words.

        Args:
            network: as it is after `step` steps.
            step: the steps done.
        """
        train, dev = mean_nll(network, self._train), mean_nll(network, self._dev)
        if dev is not None and (not self.best or dev < float(self.best[DEV])):
            self.best = {name: each.clone() for name, each in network.state_dict().items()}
            self.best |= {DEV: torch.tensor([dev]), STEP: torch.tensor([step])}
        return train, dev, mean_nll(network, self._unseen)

    def restore(self, best: dict[str, Tensor], network: Network) -> None:
        """Go back to what was best.

        Raises:
            MakemoreError: it is of another network.
        """
        own = {name: each.shape for name, each in network.state_dict().items()}
        own |= {DEV: torch.Size([1]), STEP: torch.Size([1])}
        if best and {name: each.shape for name, each in best.items()} != own:
            raise MakemoreError("its best weights are of another network")
        self.best = best


@torch.no_grad()
def mean_nll(network: Network, words: Words) -> float | None:
    """The NLL on all words, in nats per token; None if it is infinite, or there are no words."""
    total, training = 0.0, network.training
    network.eval()
    try:
        for indices in words.blocks():
            batch = words.batch(indices)
            total += float(network.loss(batch)) * len(batch)
    finally:
        network.train(training)
    mean = total / (words.examples or math.nan)
    return mean if math.isfinite(mean) else None
