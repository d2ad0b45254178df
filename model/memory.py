"""How much memory counting may take, and what it will take: said before it starts."""

import math
import os
from collections.abc import Sequence
from pathlib import Path

from model.alphabet import visible
from model.devices import size
from model.errors import MakemoreError
from model.order import ORDERS
from model.trie import Ngrams

SHARE = 2
"""Counting may take one part in so many of the memory that is free."""
WORKING = 5
"""How many times the memory of all n-grams is needed while some of them are merged."""


def default_budget() -> int:
    """The bytes that counting may take where nobody says how many."""
    return _available() // SHARE


def most_bytes(n: int, examples: float) -> float:
    """What counting so many examples can take at most."""
    return WORKING * examples * 8 * (n + 1)  # a code, a count, and a code at each level


class Budget:
    """Memory for the n-grams of one corpus."""

    def __init__(self, name: str, most: int) -> None:
        """Some bytes for a corpus of that name."""
        self.name = name
        self.most = most

    def check(self, stored: float, ngrams: Ngrams) -> None:
        """Let pass what fits.

        Args:
            stored: the bytes of all n-grams that were counted so far.
            ngrams: some of them.

        Raises:
            MakemoreError: they take too much memory.
        """
        if stored * WORKING > self.most:
            need = f"more than {size(self.most)}"
            raise self._exceeded(ngrams.n, need, _shares(ngrams), stored)

    def check_before(self, half: Ngrams, whole: Ngrams, times: float) -> None:
        """Let pass what will probably fit.

        The number of distinct n-grams grows like a power of the length of the text (Heaps, 1978,
        "Information Retrieval"). The power falls as the text grows, so that this errs on the side
        of too much.

        Args:
            half: the n-grams of one half of a sample.
            whole: those of the whole sample.
            times: how many times longer than the sample the corpus is.

        Raises:
            MakemoreError: they will take too much memory.
        """
        growth = whole.nbytes / half.nbytes  # from half of the text to twice as much
        stored = whole.nbytes * times ** math.log2(max(growth, 1.0))
        if stored * WORKING > self.most:
            need = f"about {size(int(stored * WORKING))}"
            raise self._exceeded(whole.n, need, _shares(whole), stored)

    def _exceeded(self, n: int, need: str, shares: Sequence[float], stored: float) -> MakemoreError:
        """The error that says which lower n would fit, by the shares of the lower orders."""
        fitting = [
            order
            for order, share in enumerate(shares, ORDERS.start)
            if order < n and share * stored * WORKING <= self.most
        ]
        instead = f"take -n {max(fitting)} or less" if fitting else "take a smaller corpus"
        return MakemoreError(
            f"{visible(self.name)}: counting at n={n} takes {need} of memory, and "
            f"{size(self.most)} may be used; {instead}, or allow more with --memory"
        )


def _shares(ngrams: Ngrams) -> list[float]:
    """The memory of orders 2 to n as a share of that of order n.

    The contexts of n - 1 tokens are nearly the n-grams of order n - 1, but for the ends of words.
    """
    levels = [len(level) for level in ngrams.contexts.levels]
    lower = [2 * levels[order - 1] + sum(levels[: order - 1]) for order in range(2, ngrams.n)]
    return [8 * entries / max(1, ngrams.nbytes) for entries in lower] + [1.0]


def _available() -> int:
    """The bytes that programs can still have: those that only cache files included."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration):  # not Linux
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
