"""The training loop: a `Trainer` advances a run and reports.

It knows nothing of threads or screens. Whoever drives it says how far to go each time.
"""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import Tensor

from model import devices
from model.batches import Words
from model.checkpoints import Checkpoint
from model.corpus import Corpus
from model.counts import CountModel
from model.diagnostics import activations_of, watched, weights_of
from model.distributed import SOLE, LostError, Processes
from model.draws import Draws
from model.errors import MakemoreError
from model.layers import Layers
from model.nets import network_class
from model.nets.network import Network
from model.nets.one_layer import Objective, count_objective, one_hot_objective
from model.ngrams import ContextIndex, Ngrams, examples
from model.objectives import MiniBatches, shared
from model.optimisers import optimiser
from model.recipe import ONE_LAYER, Recipe
from model.reports import Report
from model.sampling import sample
from model.splits import split
from model.validation import TIMES, Validation

REPORT_EVERY = 50
REPORT_DRAWS = Draws(count=5, max_length=64)
GENERATOR = "generator"
BEST = "best."
TABLES = 8  # of contexts x outcomes: N, its frequencies, W, the gradient, log p, p, and Adam's two


class Trainer:
    """One run: a network, what it learns from, and how far it has come.

    Where several processes train it, each has a trainer, and they all do what the one of rank 0 is
    told to; the reports are its own.

    Raises:
        MakemoreError: the recipe asks for a device that is not here, or a table that does not fit;
            or another process is gone.
    """

    def __init__(self, corpus: Corpus, recipe: Recipe, processes: Processes = SOLE) -> None:
        self.recipe = recipe
        self._processes = processes
        self.device = processes.device(recipe.device)
        processes.tell("train", Corpus(corpus.name, corpus.text), recipe)
        self.step = 0
        """The steps done."""
        self._contexts: ContextIndex | None = None  # not yet counted
        parts = split(corpus) if recipe.data == "train" else None
        learnt = parts.train if parts else corpus
        if not learnt.word_count:
            raise MakemoreError("so few words leave none to learn from; let the recipe take all")
        with self._explained():
            ngrams = processes.ngrams(learnt, recipe.n)
            self.floor = CountModel(ngrams).floor
        self._contexts = ngrams.contexts
        self.losses = torch.full((recipe.steps,), torch.nan)
        """The loss of each step, before its update, on the CPU; the first `step` count. (steps,)

        The NLL alone: a penalty on the weights moves the network, and is no part of what is
        compared with the floor.
        """
        self.generator = torch.Generator().manual_seed(recipe.seed)
        """Of whatever is drawn while training. Full batches draw nothing."""
        self.layers = Layers()
        """How the layers fared in the last step that was reported; empty without batches."""
        with self._explained():
            self._prepare(learnt, ngrams)
            self._validation: Validation | None = None
            if parts and not processes.rank:  # the others wait
                self._validation = Validation(parts, self.device.device)

    def _prepare(self, corpus: Corpus, ngrams: Ngrams) -> None:
        """Put everything that a step needs onto the device."""
        recipe, device, cuda = self.recipe, self.device.device, self.device.name == "cuda"
        self.network = network_class(recipe.model).of(ngrams, recipe).to(device)
        self._batches: MiniBatches | None = None
        if recipe.batch_size:
            words = Words(corpus, device)
            self._batches = MiniBatches(
                self.network,
                words,
                self.generator,
                recipe.batch_size,
                ahead=REPORT_EVERY if cuda and self._processes.count == 1 else 0,
                processes=self._processes,
            )
            self._objective, self._weights = self._batches, self._batches.weights
        else:
            self._objective, self._weights = self._full_batch(corpus, ngrams)
        alike = self._batches.alike if self._batches else not recipe.one_hot
        self._capturable = cuda and alike
        self._optimiser = optimiser(recipe.optimiser, self._weights)

        # A chunk's learning rates and losses, and the place in it, on the device: a step reads
        # and writes nothing on the host's side.
        self._rates = torch.zeros(REPORT_EVERY, device=device)
        self._losses = torch.zeros(REPORT_EVERY, device=device)
        self._place = torch.zeros(1, dtype=torch.int64, device=device)
        self._decay = torch.zeros(1, device=device)
        self._graphs: dict[tuple[int, bool], torch.cuda.CUDAGraph] = {}
        self._take_over(recipe)
        self._warm = False
        self._pool = torch.cuda.graph_pool_handle() if cuda else None

    def _full_batch(self, corpus: Corpus, ngrams: Ngrams) -> tuple[Objective, Tensor]:
        """All examples in each step, which only the one-layer network has a short cut for."""
        device = self.device.device
        weights = self.network.get_parameter("W").detach()
        processes = self._processes
        devices.fit_threads(weights.numel(), processes.local_count)
        if self.recipe.one_hot:
            xs, ys = examples(corpus, self.recipe.n)
            share = processes.share(len(xs))
            weight = (share.stop - share.start) / len(xs)
            own = share if weight else slice(1)
            objective = one_hot_objective(xs[own].to(device), ys[own].to(device))
            alone = processes.count == 1
            return objective if alone else shared(objective, weight, processes), weights
        # All counts are everywhere: each process does the whole step, and none waits for another.
        return count_objective(ngrams.N.to(device, torch.float32)), weights

    @property
    def finished(self) -> bool:
        """Whether all steps are done."""
        return self.step == self.recipe.steps

    def adjust(self, recipe: Recipe) -> None:
        """Take over, from the next step on, what may change while a run goes on."""
        self._processes.tell("adjust", recipe)
        self._take_over(recipe)

    def _take_over(self, recipe: Recipe) -> None:
        before, self.recipe = self.recipe, self.recipe.adjusted_to(recipe)
        # What l2 * mean(W ** 2) adds to the gradient is this times W.
        self._decay.fill_(2 * self.recipe.l2 / self._weights.numel())
        if self._batches and self.recipe.batch_size != before.batch_size:
            self._batches.resize(self.recipe.batch_size)
            self._graphs.clear()  # they look for the next words where they are no more

    def checkpoint(self) -> Checkpoint:
        """All that the steps to come depend on, as it is now, on the CPU."""
        state = self._tensors() | self._best()
        tensors = {name: each.to("cpu", copy=True) for name, each in state.items()}
        tensors[GENERATOR] = self.generator.get_state()
        return Checkpoint(self.step, self.recipe, tensors)

    @property
    def bytes(self) -> int:
        """Of the tensors in a checkpoint."""
        network = sum(tensor.nbytes for tensor in self.network.state_dict().values())
        state = sum(tensor.nbytes for tensor in self._tensors().values())
        return state + self.generator.get_state().nbytes + network  # the best of them as well

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
        best = {name: kept.pop(name) for name in checkpoint.tensors if name.startswith(BEST)}
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
        if self._validation:
            named = {name.removeprefix(BEST): each for name, each in best.items()}
            self._validation.restore(named, self.network)
        for name, each in own.items():
            each.copy_(kept[name])
        self.step = checkpoint.step
        self.losses[: self.step] = losses
        self._take_over(checkpoint.recipe)
        self._processes.tell("restore", checkpoint, losses)

    def _tensors(self) -> dict[str, Tensor]:
        """What a step changes and the next one needs, the tensors themselves."""
        parts = {"network": self.network.state_dict(), "optimiser": self._optimiser.state_dict()}
        return {f"{part}.{name}": t for part, named in parts.items() for name, t in named.items()}

    def best(self) -> Network:
        """A copy of the network as it was when it was best on dev; as it is, without a dev."""
        network = self.network.frozen()
        best = self._validation.best if self._validation else {}
        network.load_state_dict(
            {name: best.get(name, t) for name, t in network.state_dict().items()}
        )
        return network

    def _best(self) -> dict[str, Tensor]:
        """The weights that were best on dev."""
        best = self._validation.best if self._validation else {}
        return {f"{BEST}{name}": each for name, each in best.items()}

    def advance(self, most: int) -> Report | None:
        """Do up to `most` steps as one chunk, which ends early at a step that is reported.

        Returns:
            The report, if the chunk's last step has one.

        Raises:
            MakemoreError: the loss is no longer a number, the device failed, or another process is
                gone.
        """
        if self.finished:
            return None
        self._processes.tell("advance", most)
        if self._processes.lost:
            raise self._lost()
        last = self.recipe.steps - 1
        due = min(-(-self.step // REPORT_EVERY) * REPORT_EVERY, last)  # the next step to report
        end = min(self.step + most, due + 1)
        with self._explained():
            losses = self._run(range(self.step, end), watch=end == due + 1)
            if self.recipe.batch_size or self.recipe.one_hot:
                self._processes.sum(losses)
        self.losses[self.step : end] = losses
        wrong = (~losses.isfinite()).nonzero()
        if len(wrong):
            self.step += int(wrong[0])
            raise MakemoreError(
                f"the loss is no longer a number at step {self.step}; "
                f"start again with a learning rate below {self.recipe.learning_rate:g}"
            )
        self.step = end
        if end <= due or self._processes.rank:
            return None
        with self._explained():
            return self._report()

    def run(self) -> Iterator[Report]:
        """Do all the steps that are left, and yield each report as its step is done.

        Raises:
            MakemoreError: the loss is no longer a number.
        """
        while not self.finished:
            if report := self.advance(REPORT_EVERY):
                yield report

    def _run(self, steps: range, *, watch: bool) -> Tensor:
        """The losses of some steps (len(steps),), at most `REPORT_EVERY`; `watch` the last one."""
        rates = torch.tensor([self.recipe.lr(step) for step in steps])
        self._rates[: len(steps)] = rates.to(self._rates.device)
        self._place.zero_()
        watched = watch and self._batches is not None
        if self._batches:
            self._batches.draw(len(steps))
        unwatched = len(steps) - watched
        if unwatched and self._warm and self._capturable:
            self._graph(unwatched).replay()
        else:
            for _ in range(unwatched):
                self._step()
        if watched:
            self._watched_step()
        self._warm = True
        return self._losses[: len(steps)].cpu()

    def _step(self) -> None:
        """One step, with no word between device and host."""
        recipe, weights = self.recipe, self._weights
        loss, gradient = self._objective(weights)
        lr = self._rates.gather(0, self._place)
        self._losses.scatter_(0, self._place, loss.view(1))
        if recipe.l2:
            gradient.addcmul_(weights, self._decay)
        if recipe.clip:
            gradient.mul_((recipe.clip / gradient.norm()).clamp_(max=1))
        if recipe.weight_decay:  # apart from the gradient: Loshchilov and Hutter 2019
            weights.mul_(1 - recipe.weight_decay * lr)
        self._optimiser.update(gradient, lr)
        self._place += 1

    def _watched_step(self) -> None:
        """One step, with a look at every layer."""
        before = self._weights.clone()
        with watched(self.network) as seen:
            self._step()
        self.layers = Layers(weights_of(self.network, before), activations_of(seen))

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
            if self._processes.lost_by(error):
                raise self._lost() from None
            problem = devices.explain(error, self.device)
            if problem is None:
                raise
            raise devices.DeviceError(
                f"{problem} at step {self.step:,}; {self._smaller(error)}"
            ) from None

    def _lost(self) -> LostError:
        return LostError(f"another process of the run is gone, at step {self.step:,}")

    def _smaller(self, error: Exception) -> str:
        """What to do instead, given what is free on the device."""
        if not devices.is_out_of_memory(error):
            return "start the program again to use it, or choose the device cpu"
        if self.recipe.model != ONE_LAYER:
            return "choose a smaller network, a smaller batch or a lower n"
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
        nlls: tuple[float | None, ...] = ()
        every = -(-self.recipe.steps // (TIMES * REPORT_EVERY)) * REPORT_EVERY
        if self._validation and ((step and step % every == 0) or self.finished):
            nlls = self._validation.judge(self.network, self.step)
        return Report(step, self.recipe.lr(step), float(self.losses[step]), samples, *nlls)
