"""The training loop: a `Trainer` advances a run and reports.

It knows nothing of threads or screens. Whoever drives it says how far to go each time.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from model import devices
from model.corpus import Corpus
from model.counts import CountModel
from model.draws import Draws
from model.errors import MakemoreError
from model.nets import network
from model.nets.one_layer import OneLayer, count_objective, one_hot_objective
from model.ngrams import count, examples
from model.optimisers import Adam, GradientDescent, Optimiser
from model.recipe import Recipe
from model.sampling import sample

REPORT_EVERY = 50
REPORT_DRAWS = Draws(count=5, max_length=64)


@dataclass(frozen=True)
class Report:
    """A line of the notebook's log."""

    step: int
    lr: float
    loss: float
    """Before the step changed the weights, in nats per token."""
    samples: tuple[str, ...]
    """Words that the network writes after the step, always from the same draws."""


class Trainer:
    """One run: a network, what it learns from, and how far it has come.

    Raises:
        MakemoreError: the recipe asks for a device that is not here, or a table that does not fit.
    """

    def __init__(self, corpus: Corpus, recipe: Recipe) -> None:
        self.recipe = recipe
        self.device = devices.choose(recipe.device)
        ngrams = count(corpus, recipe.n)
        self.floor = CountModel(ngrams).floor
        device = self.device.device
        N = ngrams.N.to(device, torch.float32)
        self.network: OneLayer = network(recipe.model)(ngrams, recipe.seed, device)
        devices.fit_threads(N.numel())
        if recipe.one_hot:
            xs, ys = examples(corpus, recipe.n)
            self._objective = one_hot_objective(xs.to(device), ys.to(device))
        else:
            self._objective = count_objective(N)
        self._optimiser = _optimiser(recipe.optimiser, self.network.W)

        self.step = 0
        """The steps done."""
        # A chunk's learning rates and losses, and the place in it, on the device: a step reads
        # and writes nothing on the host's side.
        self._rates = torch.zeros(REPORT_EVERY, device=device)
        self._losses = torch.zeros(REPORT_EVERY, device=device)
        self._place = torch.zeros(1, dtype=torch.int64, device=device)
        self._decay = torch.zeros(1, device=device)
        self.set_l2(recipe.l2)
        self._graphs: dict[tuple[int, bool], torch.cuda.CUDAGraph] = {}
        self._pool = torch.cuda.graph_pool_handle() if device.type == "cuda" else None

        self.losses = torch.zeros(recipe.steps)
        """The loss of each step, before its update, on the CPU; the first `step` count. (steps,)

        The NLL alone: a penalty on W moves the network, and is no part of what is compared with
        the floor.
        """

    @property
    def finished(self) -> bool:
        """Whether all steps are done."""
        return self.step == self.recipe.steps

    def set_l2(self, l2: float) -> None:
        """Change the penalty on W from the next step on."""
        self.recipe = replace(self.recipe, l2=l2)
        # What l2 * mean(W ** 2) adds to the gradient is this times W.
        self._decay.fill_(2 * l2 / self.network.W.numel())

    def advance(self, most: int) -> Report | None:
        """Do up to `most` steps as one chunk, which ends early at a step that is reported.

        Returns:
            The report, if the chunk's last step has one.

        Raises:
            MakemoreError: the loss is no longer a number.
        """
        if self.finished:
            return None
        last = self.recipe.steps - 1
        due = min(-(-self.step // REPORT_EVERY) * REPORT_EVERY, last)  # the next step to report
        end = min(self.step + most, due + 1)
        losses = self._run(range(self.step, end))
        self.losses[self.step : end] = losses
        wrong = (~losses.isfinite()).nonzero()
        if len(wrong):
            self.step += int(wrong[0])
            raise MakemoreError(
                f"the loss is no longer a number at step {self.step}; "
                f"start again with a learning rate below {self.recipe.learning_rate:g}"
            )
        self.step = end
        return self._report() if end == due + 1 else None

    def run(self) -> Iterator[Report]:
        """Do all the steps that are left, and yield each report as its step is done.

        Raises:
            MakemoreError: the loss is no longer a number.
        """
        while not self.finished:
            if report := self.advance(REPORT_EVERY):
                yield report

    def _run(self, steps: range) -> Tensor:
        """The losses of some steps (len(steps),), at most `REPORT_EVERY`."""
        rates = torch.tensor([self.recipe.lr(step) for step in steps])
        self._rates[: len(steps)] = rates.to(self._rates.device)
        self._place.zero_()
        if self.device.name == "cuda" and not self.recipe.one_hot and self.step:
            self._graph(len(steps)).replay()
        else:
            for _ in steps:
                self._step()
        return self._losses[: len(steps)].cpu()

    def _step(self) -> None:
        """One step, with no word between device and host."""
        loss, gradient = self._objective(self.network.W)
        self._losses.scatter_(0, self._place, loss.view(1))
        if self.recipe.l2:
            gradient.addcmul_(self.network.W, self._decay)
        self._optimiser.update(gradient, self._rates.gather(0, self._place))
        self._place += 1

    def _graph(self, steps: int) -> torch.cuda.CUDAGraph:
        """So many steps as one CUDA graph; the chunk before the first one has warmed up."""
        kind = (steps, self.recipe.l2 > 0)
        if kind not in self._graphs:
            graph = torch.cuda.CUDAGraph()
            # What other threads do on the device meanwhile does not disturb the capture. Graphs are
            # replayed one after the other and nothing of theirs is kept, so they share memory.
            with torch.cuda.graph(graph, self._pool, capture_error_mode="thread_local"):
                for _ in range(steps):
                    self._step()
            self._graphs[kind] = graph
        return self._graphs[kind]

    def _report(self) -> Report:
        step = self.step - 1
        samples = tuple(sample(self.network.frozen(), REPORT_DRAWS).words)
        return Report(step, self.recipe.lr(step), float(self.losses[step]), samples)


def envelope(losses: Tensor, width: int) -> tuple[list[int], list[float]]:
    """A curve of losses (steps,) thinned out to the lowest and the highest of every `width` steps.

    Returns:
        The steps of those losses, in their order, and the losses.
    """
    padding = losses[-1:].expand(-len(losses) % width)
    rows = torch.cat([losses, padding]).view(-1, width)
    within = torch.stack([rows.argmin(1), rows.argmax(1)], 1).sort(1).values
    steps = within + torch.arange(len(rows)).unsqueeze(1) * width
    steps = steps.flatten().clamp_(max=len(losses) - 1).unique_consecutive()
    return steps.tolist(), losses[steps].tolist()


def _optimiser(name: str, W: Tensor) -> Optimiser:
    if name == "adam":
        return Adam(W)
    return GradientDescent(W, momentum=1 if name == "accumulate" else 0)
