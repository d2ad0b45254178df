"""What a network has to beat: the smoothed counts that are best on dev."""

from __future__ import annotations

import math
from dataclasses import dataclass

from model.corpus import Corpus
from model.evaluation import nll
from model.ngrams import count
from model.smoothing import SMOOTHINGS, smooth
from model.splits import split

MOST_ORDER = 10
MOST_EXAMPLES = 10_000_000
"""Of a corpus that is worth the seconds it takes."""


@dataclass(frozen=True)
class Yardstick:
    """Counts, and how good they are."""

    smoothing: str
    n: int
    dev: float
    """NLL on the dev part of the corpus, in nats per token."""

    @property
    def name(self) -> str:
        """Such as "kneser-ney n=6"."""
        return f"{self.smoothing} n={self.n}"


def yardstick(corpus: Corpus) -> Yardstick | None:
    """The best of all smoothings and orders on dev, counted from train; None without a dev.

    The order is raised as long as that helps a smoothing.
    """
    parts = split(corpus)
    if not parts.dev.examples or corpus.examples > MOST_EXAMPLES:
        return None
    best: Yardstick | None = None
    before = dict.fromkeys(SMOOTHINGS, math.inf)
    for n in range(2, MOST_ORDER + 1):
        train, dev = count(parts.train, n), count(parts.dev, n)
        found = {name: nll(smooth(train, name), dev) for name in before}
        before = {name: reached for name, reached in found.items() if reached < before[name]}
        for name, reached in before.items():
            if best is None or reached < best.dev:
                best = Yardstick(name, n, reached)
        if not before:
            break
    return best
