"""Sampling: 10,000 words from each model."""

from collections.abc import Callable, Iterator
from pathlib import Path

from model.corpus import parse
from model.counts import CountModel
from model.language_model import LanguageModel
from model.ngrams import count
from model.recipe import RECIPES
from model.sampling import Draws, sample
from model.training import Trainer
from tests.benchmarks import notebook
from tests.benchmarks.core import (
    DEFAULT_THREADS,
    Row,
    alternate,
    faster,
    fitting_threads,
    timed,
    torch_threads,
)

DRAWS = Draws(count=10_000)
GOAL = 100


def rows(names: Path) -> Iterator[Row]:
    """Words from the count model and from a trained network, at n=2."""
    data = names.read_bytes()
    corpus = parse(data, "names")
    tables = notebook.count(data, 2)
    threads = fitting_threads(DRAWS.count * len(tables.outcomes))  # as the generator does

    P = tables.N.float()
    P /= P.sum(1, keepdim=True)
    yield from _compare(
        "the count model",
        CountModel(count(corpus, 2)),
        lambda: notebook.sample_counts(tables, P, DRAWS.count),
        threads,
    )

    with torch_threads(DEFAULT_THREADS):  # the Trainer would leave its own number behind
        trainer = Trainer(corpus, RECIPES["converge"].with_(device="cpu"))
        for _ in trainer.run():
            pass
    W = trainer.network.W.clone().requires_grad_()
    yield from _compare(
        "the network",
        trainer.network,
        lambda: notebook.sample_network(tables, W, DRAWS.count),
        threads,
    )


def _compare(
    name: str, model: LanguageModel, plain_way: Callable[[], list[str]], threads: int
) -> Iterator[Row]:
    ours, plain = alternate(
        timed(lambda: sample(model, DRAWS), calls=50, threads=threads),
        timed(plain_way),
        rounds=5,
    )
    sides = f"{threads} thread of ours, {DEFAULT_THREADS} of the plain way"
    yield faster(f"{DRAWS.count:,} words from {name}, n=2, {sides}", ours, plain, GOAL)
    ours_speed, plain_speed = (f"{DRAWS.count / seconds:,.0f}" for seconds in (ours, plain))
    yield Row(f"· words a second from {name}", ours_speed, plain_speed)
