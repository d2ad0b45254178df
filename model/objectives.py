"""What a step minimises, with its gradient: by backpropagation, on a few words at a time."""

import torch
from torch import Tensor, nn

from model import devices
from model.batches import Batch, Spread, Words
from model.distributed import SOLE, Processes
from model.nets.network import Network
from model.nets.one_layer import Objective


class MiniBatches:
    """The loss on words that are drawn anew for each step. An `Objective`.

    Args:
        network: on the device of the words; its weights become parts of one vector, `weights`.
        words: what to draw from, with replacement.
        generator: on the CPU; what draws the words and, there, what is dropped out.
        size: the number of words in a batch.
        ahead: for how many steps at most words are drawn before these are done, so that a step can
            be captured in a CUDA graph; 0 for none. Then all batches have the same shapes, if the
            words allow that.
        processes: that share each batch, of which all draw the same words. None of them can be
            captured.
    """

    def __init__(
        self,
        network: Network,
        words: Words,
        generator: torch.Generator,
        size: int,
        *,
        ahead: int,
        processes: Processes = SOLE,
    ) -> None:
        self._network, self._words, self._generator = network, words, generator
        self.weights, self._gradient = network.flatten()
        self._processes = processes
        self._parallel = processes.parallel(_Loss(network)) if processes.count > 1 else None
        if self.weights.device.type == "cpu":
            network.dropout.generator = generator
        self._sheet = words.sheet(network.context_length) if ahead else None
        self._ahead = ahead if self._sheet else 0
        self._place = torch.zeros(1, dtype=torch.int64, device=self.weights.device)
        self.resize(size)

    @property
    def alike(self) -> bool:
        """Whether all batches have the same shapes."""
        return self._sheet is not None

    def resize(self, size: int) -> None:
        """Draw so many words from the next batch on."""
        self._size = size
        # Filled again and again: graphs know the place alone.
        self._drawn = torch.zeros(self._ahead, size, dtype=torch.int64, device=self.weights.device)
        # Each word meets each weight some times; a thread more pays late, as steps are short.
        share = size // self._processes.count
        devices.fit_threads(len(self.weights) * share // 16, self._processes.local_count)

    def __call__(self, weights: Tensor) -> tuple[Tensor, Tensor]:
        """The mean loss () of a batch, and its gradient (P,), at the network's `weights` (P,).

        Where processes share the batch, the loss is what this one has to add to the mean.
        """
        self._gradient.zero_()
        if self._parallel is not None:
            return self._share_of_loss(self._parallel), self._gradient
        loss = self._network.loss(self._next())
        loss.backward()
        return loss.detach(), self._gradient

    def draw(self, steps: int) -> None:
        """Draw the words of the next steps, all of which must follow, if that is done ahead."""
        if self.alike:
            picks = torch.stack([self._draw() for _ in range(steps)])
            self._drawn[:steps] = picks.to(self._drawn.device)
            self._place.zero_()

    def _next(self) -> Batch | Spread:
        if self._sheet is None:
            return self._words.batch(self._draw())
        indices = self._drawn.index_select(0, self._place).squeeze(0)
        self._place += 1
        return self._sheet.batch(indices)

    def _share_of_loss(self, parallel: nn.Module) -> Tensor:
        """This process's part in the mean over all tokens of the batch, whose gradient is left.

        All know the lengths of all words, and so how many tokens there are. A process for which no
        word is left takes one that counts for nothing: the others wait for its gradient.
        """
        words, processes = self._draw(), self._processes
        share = processes.share(len(words))
        lengths, own = self._words.lengths(words), words[share]
        cells = self._network.cells(lengths)
        before = int(cells[: share.start].sum()) if len(own) else 0
        self._network.dropout.share = before, int(cells.sum())
        weight = float(lengths[share].sum() / lengths.sum())
        loss = parallel(self._words.batch(own if len(own) else words[:1]))
        (loss * (weight * processes.count)).backward()  # of which the mean is taken
        return loss.detach() * weight

    def _draw(self) -> Tensor:
        return torch.randint(len(self._words), (self._size,), generator=self._generator)


class _Loss(nn.Module):
    """A network's loss as the forward pass of a module, which is what can be made parallel."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, batch: Batch) -> Tensor:
        """The mean NLL of a batch's examples. ()"""
        return self.network.loss(batch)


def shared(objective: Objective, weight: float, processes: Processes) -> Objective:
    """The objective of all examples, of which each process has its own of some of them.

    Args:
        objective: of those of this process.
        weight: which share of all examples they are.
        processes: that share them. The loss stays what this one has to add to the mean.
    """

    def objective_of_all(W: Tensor) -> tuple[Tensor, Tensor]:
        loss, gradient = objective(W)
        return loss * weight, processes.sum(gradient * weight)

    return objective_of_all
