"""What a step minimises, with its gradient: by backpropagation, on a few words at a time."""

import torch
from torch import Tensor

from model import devices
from model.batches import Words
from model.nets.network import Network


class MiniBatches:
    """The loss on words that are drawn anew for each step. An `Objective`.

    Args:
        network: on the device of the words; its weights become parts of one vector, `weights`.
        words: what to draw from, with replacement.
        generator: on the CPU; what draws the words and, there, what is dropped out.
        size: the number of words in a batch.
    """

    def __init__(
        self, network: Network, words: Words, generator: torch.Generator, size: int
    ) -> None:
        self._network, self._words, self._generator = network, words, generator
        self.weights, self._gradient = network.flatten()
        if self.weights.device.type == "cpu":
            network.dropout.generator = generator
        self.resize(size)

    def resize(self, size: int) -> None:
        """Draw so many words from the next batch on."""
        self._size = size
        # Each word meets each weight some times; a thread more pays late, as steps are short.
        devices.fit_threads(len(self.weights) * size // 16)

    def __call__(self, weights: Tensor) -> tuple[Tensor, Tensor]:
        """The mean loss () of a batch, and its gradient (P,), at the network's `weights` (P,)."""
        indices = torch.randint(len(self._words), (self._size,), generator=self._generator)
        self._gradient.zero_()
        loss = self._network.loss(self._words.batch(indices))
        loss.backward()
        return loss.detach(), self._gradient
