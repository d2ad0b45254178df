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
            scale = stored / ngrams.nbytes
            orders = [scale * each for each in _bytes_by_order(ngrams)]
            raise self._exceeded(f"more than {size(self.most)}", orders)

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
        orders = [
            large * times ** math.log2(max(1.0, large / small))
            for small, large in zip(*map(_bytes_by_order, (half, whole)), strict=True)
        ]
        if orders[-1] * WORKING > self.most:
            raise self._exceeded(f"about {size(int(orders[-1] * WORKING))}", orders)

    def _exceeded(self, need: str, orders: Sequence[float]) -> MakemoreError:
        """The error that says which lower n should fit, by the bytes of the n-grams of orders."""
        fitting = [
            order
            for order, stored in enumerate(orders, ORDERS.start)
            if stored * WORKING <= self.most
        ]
        n = ORDERS.start + len(orders) - 1
        instead = f"try -n {max(fitting)} or less" if fitting else "take a smaller corpus"
        return MakemoreError(
            f"{visible(self.name)}: counting at n={n} takes {need} of memory, and "
            f"{size(self.most)} may be used; {instead}, or allow more with --memory"
        )


def _bytes_by_order(ngrams: Ngrams) -> list[int]:
    """The memory that the n-grams of orders 2 to n take.

    The contexts of n - 1 tokens stand for the n-grams of order n - 1, of which only those are left
    out that end at the boundary.
    """
    levels = [len(level) for level in ngrams.contexts.levels]
    lower = [8 * (2 * levels[n - 1] + sum(levels[: n - 1])) for n in range(2, ngrams.n)]
    return [*lower, ngrams.nbytes]


def _available() -> int:
    """The bytes that programs can still have: those that only cache files included."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration):  # not Linux
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
