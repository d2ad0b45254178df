"""The training loop: a `Trainer` advances a run and reports.

It knows nothing of threads or screens. Whoever drives it says how far to go each time.
"""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import Tensor

from model import devices
from model.checkpoints import Checkpoint
from model.corpus import Corpus
from model.counts import CountModel
from model.draws import Draws
from model.errors import MakemoreError
from model.nets import network
from model.nets.one_layer import OneLayer, count_objective, one_hot_objective
from model.ngrams import ContextIndex, Ngrams, count, examples
from model.optimisers import Adam, GradientDescent, Optimiser
from model.recipe import Recipe
from model.reports import Report
from model.sampling import sample

REPORT_EVERY = 50
REPORT_DRAWS = Draws(count=5, max_length=64)
GENERATOR = "generator"
TABLES = 8  # of contexts x outcomes: N, its frequencies, W, the gradient, log p, p, and Adam's two


class Trainer:
    """One run: a network, what it learns from, and how far it has come.

    Raises:
        MakemoreError: the recipe asks for a device that is not here, or a table that does not fit.
    """

    def __init__(self, corpus: Corpus, recipe: Recipe) -> None:
        self.recipe = recipe
        self.device = devices.choose(recipe.device)
        self.step = 0
        """The steps done."""
        self._contexts: ContextIndex | None = None  # not yet counted
        with self._explained():
            ngrams = count(corpus, recipe.n)
            self.floor = CountModel(ngrams).floor
        self._contexts = ngrams.contexts
        self.losses = torch.full((recipe.steps,), torch.nan)
        """The loss of each step, before its update, on the CPU; the first `step` count. (steps,)

        The NLL alone: a penalty on W moves the network, and is no part of what is compared with
        the floor.
        """
        self.generator = torch.Generator().manual_seed(recipe.seed)
        """Of whatever is drawn while training. Full batches draw nothing."""
        with self._explained():
            self._prepare(corpus, ngrams)

    def _prepare(self, corpus: Corpus, ngrams: Ngrams) -> None:
        """Put everything that a step needs onto the device."""
        recipe, device = self.recipe, self.device.device
        N = ngrams.N.to(device, torch.float32)
        self.network: OneLayer = network(recipe.model)(ngrams, recipe.seed, device)
        devices.fit_threads(N.numel())
        if recipe.one_hot:
            xs, ys = examples(corpus, recipe.n)
            self._objective = one_hot_objective(xs.to(device), ys.to(device))
        else:
            self._objective = count_objective(N)
        self._optimiser = _optimiser(recipe.optimiser, self.network.W)

        # A chunk's learning rates and losses, and the place in it, on the device: a step reads
        # and writes nothing on the host's side.
        self._rates = torch.zeros(REPORT_EVERY, device=device)
        self._losses = torch.zeros(REPORT_EVERY, device=device)
        self._place = torch.zeros(1, dtype=torch.int64, device=device)
        self._decay = torch.zeros(1, device=device)
        self.adjust(recipe)
        self._graphs: dict[tuple[int, bool], torch.cuda.CUDAGraph] = {}
        self._warm = False
        self._pool = torch.cuda.graph_pool_handle() if device.type == "cuda" else None

    @property
    def finished(self) -> bool:
        """Whether all steps are done."""
        return self.step == self.recipe.steps

    def adjust(self, recipe: Recipe) -> None:
        """Take over, from the next step on, what may change while a run goes on."""
        self.recipe = self.recipe.adjusted_to(recipe)
        # What l2 * mean(W ** 2) adds to the gradient is this times W.
        self._decay.fill_(2 * self.recipe.l2 / self.network.W.numel())

    def checkpoint(self) -> Checkpoint:
        """All that the steps to come depend on, as it is now, on the CPU."""
        tensors = {name: each.to("cpu", copy=True) for name, each in self._tensors().items()}
        tensors[GENERATOR] = self.generator.get_state()
        return Checkpoint(self.step, self.recipe, tensors)

    @property
    def bytes(self) -> int:
        """Of the tensors in a checkpoint."""
        tensors = (*self._tensors().values(), self.generator.get_state())
        return sum(tensor.nbytes for tensor in tensors)

    def restore(self, checkpoint: Checkpoint, losses: Tensor) -> None:
        """Go back, or on, to a checkpoint: the steps that follow are those that followed it then.

        Args:
            checkpoint: of a run with the same recipe but for what may change while it goes on, and
                for the device.
            losses: of the steps up to it. (checkpoint.step,)

        Raises:
            MakemoreError: it is a checkpoint of something else.
        """
        own, kept = self._tensors(), dict(checkpoint.tensors)
        generator = kept.pop(GENERATOR, None)
        expected = {name: (each.shape, each.dtype) for name, each in own.items()}
        same = replace(checkpoint.recipe.adjusted_to(self.recipe), device=self.recipe.device)
        if (
            {name: (each.shape, each.dtype) for name, each in kept.items()} != expected
            or generator is None
            or generator.shape != self.generator.get_state().shape
            or same != self.recipe
            or not checkpoint.step == len(losses) <= self.recipe.steps
        ):
            raise MakemoreError(
                f"the checkpoint of step {checkpoint.step} is of another run; restore an older one"
            )
        try:
            self.generator.set_state(generator)
        except RuntimeError as error:  # of the right size, and yet no state
            raise MakemoreError(
                f"the checkpoint of step {checkpoint.step} is broken ({error})"
            ) from None
        for name, each in own.items():
            each.copy_(kept[name])
        self.step = checkpoint.step
        self.losses[: self.step] = losses
        self.adjust(checkpoint.recipe)

    def _tensors(self) -> dict[str, Tensor]:
        """What a step changes and the next one needs, the tensors themselves."""
        parts = {"network": self.network.state_dict(), "optimiser": self._optimiser.state_dict()}
        return {f"{part}.{name}": t for part, named in parts.items() for name, t in named.items()}

    def advance(self, most: int) -> Report | None:
        """Do up to `most` steps as one chunk, which ends early at a step that is reported.

        Returns:
            The report, if the chunk's last step has one.

        Raises:
            MakemoreError: the loss is no longer a number, or the device failed.
        """
        if self.finished:
            return None
        last = self.recipe.steps - 1
        due = min(-(-self.step // REPORT_EVERY) * REPORT_EVERY, last)  # the next step to report
        end = min(self.step + most, due + 1)
        with self._explained():
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
        if self._warm and self.device.name == "cuda" and not self.recipe.one_hot:
            self._graph(len(steps)).replay()
        else:
            for _ in steps:
                self._step()
        self._warm = True
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

    @contextmanager
    def _explained(self) -> Generator[None]:
        """Say what a user can do about a device that fails."""
        try:
            yield
        except (MemoryError, RuntimeError) as error:
            problem = devices.explain(error, self.device)
            if problem is None:
                raise
            raise MakemoreError(
                f"{problem} at step {self.step:,}; {self._smaller(error)}"
            ) from None

    def _smaller(self, error: Exception) -> str:
        """What to do instead, given what is free on the device."""
        if not devices.is_out_of_memory(error):
            return "start the program again to use it, or choose the device cpu"
        free, contexts = devices.free_memory(self.device.device), self._contexts
        if contexts is None:
            return "choose a lower n or fewer words"
        for n in range(self.recipe.n - 1, 1, -1):
            entries = len(contexts.levels[n - 2]) * contexts.alphabet_size
            if entries * TABLES * 4 <= free:
                return f"n={n} would fit ({devices.size(entries * TABLES * 4)})"
        elsewhere = "" if self.device.name == "cpu" else "the device cpu or "
        return f"choose {elsewhere}fewer words"

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
