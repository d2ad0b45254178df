"""The zoo: what each network comes to with the recipe of its name, on words it has not seen.

The figures are NLLs on the test words in nats per token, of the weights that were best on dev, and
in brackets those on the test words that do not occur in train. Beside each stands modified
Kneser-Ney at n=6, the best of the counts. The last row mixes the best network with them, weighted
on dev. This takes half an hour.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import torch

from model.corpus import Corpus, load
from model.judging import Part, mean, weighted_on
from model.language_model import LanguageModel
from model.nets import NETWORKS
from model.ngrams import count
from model.recipe import ONE_LAYER, RECIPES
from model.smoothing import smooth
from model.splits import split
from model.training import Trainer
from tests.benchmarks.core import Row

GOALS = {"mlp": "at most 2.07", "lstm": "below 1.975"}


def rows(names: Path) -> Iterator[Row]:
    """One row a network, and the mixture."""
    corpus = load(str(names))
    parts = split(corpus)
    unseen = parts.unseen(parts.test)

    def figures(model: LanguageModel) -> str:
        return f"{_nll(model, parts.test):.4f} ({_nll(model, unseen):.4f})"

    counts = smooth(count(parts.train, 6), "kneser-ney")
    plain, dev = figures(counts), Part(parts.dev)
    best: tuple[float, LanguageModel] | None = None
    for name in NETWORKS:
        if name == ONE_LAYER:
            continue
        trainer = Trainer(corpus, RECIPES[name].with_(device="cpu"))
        began = time.perf_counter()
        for _ in trainer.run():
            pass
        seconds, model = time.perf_counter() - began, trainer.best()
        on_dev = _nll(model, parts.dev)
        if best is None or on_dev < best[0]:
            best = on_dev, model
        threads = f"{torch.get_num_threads()} threads"
        label = f"{name}, n={trainer.recipe.n}, {model.size:,} weights: {seconds:.0f} s, {threads}"
        yield Row(label, figures(model), plain, f"dev {on_dev:.4f}", GOALS.get(name, ""))
    if best is not None:
        mixture = weighted_on(dev, best[1], counts)
        label = f"the best of them, mixed with the counts ({mixture.share:.2f} to it)"
        yield Row(label, figures(mixture), plain, f"dev {_nll(mixture, parts.dev):.4f}", "")


def _nll(model: LanguageModel, corpus: Corpus) -> float:
    """The model's mean NLL on a corpus, in nats per token."""
    return mean(Part(corpus).judge(model))
