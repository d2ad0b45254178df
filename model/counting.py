"""Text, chunk by chunk and on several threads -> n-grams.

Every chunk holds whole words, so that no n-gram is in two chunks: the counts of the whole are the
sums of those of the chunks, whoever counted them and in which order.
"""

from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import NamedTuple

import torch
from torch import Tensor

from model.alphabet import Alphabet
from model.corpus import check_characters
from model.parallel import Pool, in_order
from model.tokens import Tokeniser
from model.trie import Ngrams, merge
from model.windows import Table, Windows, count_windows

CHUNK = 1 << 18
"""Characters. What a thread works on at a time stays in its core's own cache."""
MOST_ENTRIES = 1 << 24
"""Of a table that is filled by all chunks that a thread counts: 64 MiB of 32-bit counts."""
MOST_ADDED = (1 << 31) - 1
"""Examples, to a table: no count leaves its 32 bits."""
GATHERED = 1 << 20
"""Tokens that are counted together without such a table: the more, the less is to be merged."""


class Limits(NamedTuple):
    """How much a thread may have at hand."""

    entries: int = MOST_ENTRIES
    """Of a table for all V**n windows."""
    gathered: int = GATHERED
    """Tokens that are counted together without such a table."""


class Counting:
    """The n-grams of all text that is added, from any thread."""

    def __init__(
        self,
        name: str,
        n: int,
        limits: Limits | None = None,
        *,
        alphabet: Alphabet | None = None,
        grown: Callable[[Pool[Ngrams]], object] | None = None,
    ) -> None:
        """Begin with nothing.

        Args:
            name: of what is counted, for errors.
            n: the order.
            limits: to what a thread has at hand.
            alphabet: which is known to be the whole one; None: it is found on the way.
            grown: is told of the n-grams so far whenever they have become more, and may raise.
        """
        self.name = name
        self.n = n
        self.alphabet = alphabet or Alphabet("")
        self.limits = limits or Limits()
        self._grown = grown
        self._counters: list[_Counter] = []
        self._idle: SimpleQueue[_Counter] = SimpleQueue()
        self._parts = Pool[Ngrams](lambda one, other: merge((one, other)), lambda part: part.nbytes)

    def add(self, points: Tensor) -> None:
        """Count words by their code points, each of them followed by a line feed. (length,)

        Raises:
            MakemoreError: there are too many characters for an alphabet.
        """
        try:
            counter = self._idle.get_nowait()
        except Empty:
            counter = _Counter(self)
            self._counters.append(counter)
        counter.add(points)
        self._idle.put(counter)

    def keep(self, alphabet: Alphabet, windows: Windows) -> None:
        """Add what was counted of some chunks."""
        columns, counts = windows.columns, windows.counts
        if len(counts) and not any(int(column[0]) for column in columns):
            # The boundary after boundaries alone: a blank line, which is no word.
            columns, counts = [column[1:] for column in columns], counts[1:]
        self._parts.add(Ngrams.of(alphabet, columns, counts))
        if self._grown:
            self._grown(self._parts)

    def ngrams(self) -> Ngrams:
        """All that was counted. To be called when no thread adds any more."""
        for _ in in_order(_Counter.flush, self._counters, max(1, len(self._counters))):
            pass
        empty = torch.empty(0, dtype=torch.int64)
        return self._parts.total() or Ngrams.of(self.alphabet, self.n * [empty], empty)


class _Counter:
    """What one thread has counted, or has at hand for it, of all that it was given."""

    def __init__(self, counting: Counting) -> None:
        self._counting = counting
        self._tokeniser = Tokeniser(counting.alphabet)
        self._table: Table | None = None
        self._gathered: list[Tensor] = []

    def add(self, points: Tensor) -> None:
        """Count some words."""
        tokens = self._tokens(points)
        n, size = self._counting.n, len(self._tokeniser.alphabet)
        if size**n > self._counting.limits.entries:
            self._gathered.append(tokens)
            if sum(map(len, self._gathered)) >= self._counting.limits.gathered:
                self.flush()
            return
        if self._table and self._table.added + len(tokens) > MOST_ADDED:
            self.flush()
        self._table = self._table or Table(size, n)
        self._table.add(tokens)

    def flush(self) -> None:
        """Hand over what was counted."""
        alphabet, n = self._tokeniser.alphabet, self._counting.n
        table, gathered = self._table, self._gathered
        self._table, self._gathered = None, []
        if table:
            self._counting.keep(alphabet, table.windows())
        if gathered:
            tokens = torch.cat(gathered)
            self._counting.keep(alphabet, count_windows(tokens, len(alphabet), n))

    def _tokens(self, points: Tensor) -> Tensor:
        """The stream of tokens, in an alphabet that grows where it has to. (length,)"""
        tokens = self._tokeniser(points)
        if tokens is None:
            self.flush()
            known = self._tokeniser.alphabet.characters
            alphabet = Alphabet.of({*known, *map(chr, points.unique().tolist())} - {"\n"})
            check_characters(self._counting.name, alphabet)
            self._tokeniser = Tokeniser(alphabet)
            tokens = self._tokeniser(points)
            assert tokens is not None
        return tokens
