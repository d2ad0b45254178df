"""What a step minimises, with its gradient: by backpropagation, on a few words at a time."""

import torch
from torch import Tensor

from model import devices
from model.batches import Batch, Spread, Words
from model.nets.network import Network


class MiniBatches:
    """The loss on words that are drawn anew for each step. An `Objective`.

    Args:
        network: on the device of the words; its weights become parts of one vector, `weights`.
        words: what to draw from, with replacement.
        generator: on the CPU; what draws the words and, there, what is dropped out.
        size: the number of words in a batch.
        alike: whether all batches are to have the same shapes, if the words allow that, so that a
            step can be captured in a CUDA graph.
    """

    def __init__(
        self,
        network: Network,
        words: Words,
        generator: torch.Generator,
        size: int,
        *,
        alike: bool,
    ) -> None:
        self._network, self._words, self._generator = network, words, generator
        self.weights, self._gradient = network.flatten()
        if self.weights.device.type == "cpu":
            network.dropout.generator = generator
        self._sheet = words.sheet(network.context_length) if alike else None
        self._place = torch.zeros(1, dtype=torch.int64, device=self.weights.device)
        self.resize(size)

    @property
    def alike(self) -> bool:
        """Whether all batches have the same shapes."""
        return self._sheet is not None

    def resize(self, size: int) -> None:
        """Draw so many words from the next batch on."""
        self._size = size
        self._drawn = torch.zeros(0, size, dtype=torch.int64)
        # Each word meets each weight some times; a thread more pays late, as steps are short.
        devices.fit_threads(len(self.weights) * size // 16)

    def __call__(self, weights: Tensor) -> tuple[Tensor, Tensor]:
        """The mean loss () of a batch, and its gradient (P,), at the network's `weights` (P,)."""
        self._gradient.zero_()
        loss = self._network.loss(self._next())
        loss.backward()
        return loss.detach(), self._gradient

    def draw(self, steps: int) -> None:
        """Draw the words of up to so many steps, if a graph is to find them in their place."""
        if self.alike:
            picks = torch.stack([self._draw() for _ in range(steps)])
            if len(self._drawn) < steps:
                self._drawn = torch.zeros_like(picks, device=self.weights.device)
            self._drawn[:steps] = picks.to(self._drawn.device)
            self._place.zero_()

    def _next(self) -> Batch | Spread:
        if self._sheet is None:
            return self._words.batch(self._draw())
        indices = self._drawn.index_select(0, self._place).squeeze(0)
        self._place += 1
        return self._sheet.batch(indices)

    def _draw(self) -> Tensor:
        return torch.randint(len(self._words), (self._size,), generator=self._generator)
