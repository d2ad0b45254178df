"""Why one smooths: the count model of the training words, judged by words that it never saw."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from model.corpus import Corpus
from model.errors import MakemoreError
from model.splits import Split, split

if TYPE_CHECKING:
    from model.ngrams import Ngrams


class Nlls(NamedTuple):
    """Of one model, in nats per token."""

    train: float
    dev: float


@dataclass(frozen=True, eq=False)
class HeldOut:
    """The NLL on both parts of a split, with each k that was asked for."""

    corpus: Corpus
    n: int
    seed: int
    parts: Split
    train: Ngrams
    dev: Ngrams
    impossible: int
    """The tokens of dev that never follow their context in train."""
    nlls: dict[float, Nlls]
    """By k, in rising order."""

    def is_of(self, corpus: Corpus | None, n: int, seed: int) -> bool:
        """Whether this is what one would get for these."""
        return self.corpus is corpus and (self.n, self.seed) == (n, seed)

    def best(self, ks: Iterable[float]) -> float:
        """The k of these with which dev has the lowest NLL."""
        return min(ks, key=lambda k: self.nlls[k].dev)


def hold_out(
    corpus: Corpus, n: int, seed: int, ks: Iterable[float], before: HeldOut | None = None
) -> HeldOut:
    """Split, count the training part, and judge it with every k.

    Args:
        corpus: what is split.
        n: the order.
        seed: of the split.
        ks: what is added to every count.
        before: an earlier answer, of which everything that still holds is kept.

    Raises:
        MakemoreError: there are too few words.
    """
    import torch

    from model.devices import fit_threads
    from model.evaluation import add_k_nlls
    from model.ngrams import count

    fit_threads(len(corpus.text))
    if before is not None and not before.is_of(corpus, before.n, seed):
        before = None
    parts = before.parts if before else split(corpus, seed)
    if not parts.train.text or not parts.dev.text:
        raise MakemoreError(_too_few(parts))
    if before is not None and before.n == n:
        train, dev = before.train, before.dev
    else:
        train, dev = count(parts.train, n), count(parts.dev, n)
    # What the pane shows of the parts takes a moment for a long list.
    _ = parts.train.word_count, parts.dev.word_count, parts.test.word_count
    ordered = sorted(set(ks))
    grid = torch.tensor(ordered, dtype=torch.float64)
    nlls = [add_k_nlls(train, part, grid).tolist() for part in (train, dev)]
    by_k = {k: Nlls(*pair) for k, *pair in zip(ordered, *nlls, strict=True)}
    return HeldOut(corpus, n, seed, parts, train, dev, _impossible(train, dev), by_k)


def _impossible(train: Ngrams, dev: Ngrams) -> int:
    import torch

    contexts = train.contexts.ids(dev.contexts.tokens(torch.arange(len(dev.contexts))))
    known = train.counts_of(contexts[dev.context_ids], dev.outcomes) > 0
    return int(dev.counts[~known].sum())


def _too_few(parts: Split) -> str:
    train, dev, test = (part.word_count for part in (parts.train, parts.dev, parts.test))
    words = train + dev + test
    return (
        f"{words} word{'s' * (words != 1)}, too few to hold any out: "
        f"{train} train + {dev} dev + {test} test"
    )
