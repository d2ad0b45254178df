"""Training: one step, and fifty with their report."""

from collections.abc import Iterator
from math import isclose
from pathlib import Path
from statistics import median

import torch

from model.corpus import Corpus, parse
from model.nets.one_layer import count_objective
from model.ngrams import count
from model.optimisers import GradientDescent
from model.recipe import RECIPES
from model.training import REPORT_DRAWS, REPORT_EVERY, Trainer
from tests.benchmarks import notebook
from tests.benchmarks.core import (
    DEFAULT_THREADS,
    Row,
    Turn,
    alternate,
    duration,
    faster,
    fitting_threads,
    seconds_of,
    timed,
    torch_threads,
)

GOALS = {2: 1000}
RECIPE = RECIPES["notebook"].with_(steps=50_000)  # more than any benchmark comes to
CHUNKS = 20  # of ours in one turn


def rows(names: Path) -> Iterator[Row]:
    """The notebook's recipe at n=2 and 3, on each device there is."""
    data = names.read_bytes()
    corpus = parse(data, "names")
    for n in (2, 3):
        tables = notebook.count(data, n)
        _check_losses(corpus, tables)
        threads = fitting_threads(tables.N.numel())
        ours, plain = alternate(
            _step_of_ours(corpus, n, "cpu", threads),
            timed(_PlainTraining(tables, "cpu").step, calls=3),
            rounds=7,
        )
        sides = f"n={n}, cpu, {threads} thread of ours, {DEFAULT_THREADS} of the plain way"
        yield faster(f"training step, {sides}", ours, plain, GOALS.get(n))
        yield from _parts(corpus, n, threads)
        yield _cuda_step(corpus, tables)
    yield _fifty_steps(corpus, notebook.count(data, 2))


class _PlainTraining:
    """The notebook's loop, from the same W as ours."""

    def __init__(self, tables: notebook.Tables, device: str) -> None:
        generator = torch.Generator().manual_seed(RECIPE.seed)
        W = torch.randn(tables.N.shape, generator=generator)
        self.tables = tables
        self.W = W.to(device).requires_grad_()
        xs, ys = notebook.training_set(tables)
        self.losses = notebook.train(self.W, xs, ys, RECIPE.lr)

    def step(self) -> float:
        return next(self.losses)

    def fifty(self) -> None:
        for _ in range(REPORT_EVERY):
            self.step()
        notebook.sample_network(self.tables, self.W, REPORT_DRAWS.count)


def _step_of_ours(corpus: Corpus, n: int, device: str, threads: int) -> Turn:
    """A step, as part of a chunk without the report."""
    with torch_threads(threads):
        trainer = Trainer(corpus, RECIPE.with_(n=n, device=device))
    chunk = REPORT_EVERY - 1

    def turn() -> float:
        seconds: list[float] = []
        with torch_threads(threads):
            for _ in range(CHUNKS):
                trainer.advance(1)  # the step with the report
                seconds.append(seconds_of(lambda: trainer.advance(chunk)))
        return median(seconds) / chunk

    return turn


def _parts(corpus: Corpus, n: int, threads: int) -> Iterator[Row]:
    """What a step of ours is made of; the rest keeps the loss and looks up the learning rate."""
    N = count(corpus, n).N.float()
    W, lr = torch.randn(N.shape), torch.tensor([0.001])
    objective = count_objective(N)
    gradient = objective(W)[1]
    optimiser = GradientDescent(W, momentum=1)
    loss, update = alternate(
        timed(lambda: objective(W), calls=1000, threads=threads),
        timed(lambda: optimiser.update(gradient, lr), calls=1000, threads=threads),
        rounds=7,
    )
    yield Row(f"· of it, loss and gradient, n={n}", duration(loss))
    yield Row(f"· of it, update of the weights, n={n}", duration(update))


def _cuda_step(corpus: Corpus, tables: notebook.Tables) -> Row:
    what = f"training step, n={tables.n}, cuda"
    if not torch.cuda.is_available():
        return Row(what, "no CUDA GPU here")
    ours, plain = alternate(
        _step_of_ours(corpus, tables.n, "cuda", DEFAULT_THREADS),
        timed(_PlainTraining(tables, "cuda").step, calls=3),
        rounds=7,
    )
    return faster(what, ours, plain)


def _fifty_steps(corpus: Corpus, tables: notebook.Tables) -> Row:
    """A chunk as the log sees it: fifty steps, the last with five sampled words."""
    threads = fitting_threads(tables.N.numel())
    trainer = Trainer(corpus, RECIPE.with_(n=tables.n, device="cpu"))
    trainer.advance(1)  # the report of step 0, so that each later chunk ends with one
    ours, plain = alternate(
        timed(lambda: trainer.advance(REPORT_EVERY), calls=CHUNKS, threads=threads),
        timed(_PlainTraining(tables, "cpu").fifty),
        rounds=3,
    )
    return faster(f"50 training steps and 5 words, n={tables.n}, cpu", ours, plain)


def _check_losses(corpus: Corpus, tables: notebook.Tables) -> None:
    """Both ways train alike, or their times say nothing."""
    with torch_threads(DEFAULT_THREADS):  # the Trainer would leave its own number behind
        trainer = Trainer(corpus, RECIPE.with_(n=tables.n, device="cpu"))
        for _ in range(3):
            trainer.advance(1)
    plain = _PlainTraining(tables, "cpu")
    for step in range(3):
        ours = float(trainer.losses[step])
        assert isclose(ours, plain.step(), abs_tol=1e-3), f"the losses differ at step {step}"
