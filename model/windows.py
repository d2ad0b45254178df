"""Counting the windows of n tokens in a stream: the innermost loop of all counting.

A corpus is one stream of tokens, each word closed by the boundary: `emma.olivia.ava.`. At every
token of the stream a window ends: the token is the outcome, the n - 1 tokens before it are its
context, in which everything before a boundary counts as boundary.

A window is a number in base V, the size of the alphabet, its oldest token first: with each token t,
c becomes c * gate + t. The gate is V, but 0 at a boundary in the context: c then forgets what was
before it. So each place in the window takes a single operation on the whole stream, without a mask
or a loop over words.

Where V**n numbers fit into a table, counting is adding 1 to its entries. Otherwise the numbers of
the first few tokens are replaced by their ranks among those that occur, which are fewer, and the
next tokens follow; where not even one more token makes a table that fits, the numbers are sorted.
Ranks keep the order, so what comes out is sorted by the windows' tokens in either case.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from model.alphabet import BOUNDARY

ENTRIES_PER_TOKEN = 4
"""Of a table, for each token to be counted: looking through a larger one takes longer."""
LEAST_ENTRIES = 1 << 16
"""Of a table that is looked through in no time."""
MOST_NUMBERS = 1 << 62
"""Which 64 bits hold."""


@dataclass(frozen=True, eq=False)
class Windows:
    """The distinct windows of a stream, in the order of their tokens."""

    columns: tuple[Tensor, ...]
    """The windows' tokens, the oldest first: n times (windows,)"""
    counts: Tensor
    """How often each occurs, 64-bit. (windows,)"""
    places: Tensor
    """Which window ends at each token of the stream. (length,)"""


class Table:
    """How often each window occurs in several streams: an entry for each of the V**n."""

    def __init__(self, alphabet_size: int, n: int) -> None:
        self.alphabet_size = alphabet_size
        self.n = n
        self.added = 0
        self._counts = torch.zeros(alphabet_size**n, dtype=torch.int32)

    def add(self, tokens: Tensor) -> None:
        """Count the windows of a stream (length,), which begins with a word."""
        numbers = _Stream(tokens, self.alphabet_size, self.n).extend(None, self.n)
        self._counts.index_add_(0, numbers, _ones(numbers))
        self.added += len(tokens)

    def windows(self) -> Windows:
        """What was counted."""
        numbers = self._counts.nonzero().squeeze(1)
        columns = _columns([(numbers, self.n)], self.alphabet_size)
        return Windows(columns, self._counts[numbers].long(), numbers.new_empty(0))


def count_windows(tokens: Tensor, alphabet_size: int, n: int) -> Windows:
    """The windows of a stream that begins with a word. (length,)"""
    stream = _Stream(tokens, alphabet_size, n)
    most_entries = max(LEAST_ENTRIES, ENTRIES_PER_TOKEN * len(tokens))
    stages: list[tuple[Tensor, int]] = []
    places, counts, known = None, tokens.new_empty(0), 1
    while stream.left:
        by_table = known * alphabet_size <= most_entries
        most = most_entries if by_table else MOST_NUMBERS
        width = _fitting(known, alphabet_size, most, stream.left)
        numbers = stream.extend(places, width, torch.int32 if by_table else torch.int64)
        if by_table:
            table = torch.zeros(known * alphabet_size**width, dtype=torch.int32)
            table.index_add_(0, numbers, _ones(numbers))
            distinct = table.nonzero().squeeze(1)
            counts = table[distinct].long()
            table[distinct] = torch.arange(len(distinct), dtype=torch.int32)
            places = table.index_select(0, numbers)
        else:
            distinct, places, counts = numbers.unique(return_inverse=True, return_counts=True)
        stages.append((distinct, width))
        known = len(distinct)
    assert places is not None
    return Windows(_columns(stages, alphabet_size), counts, places)


class _Stream:
    """A stream whose windows are made longer and longer, all at once."""

    def __init__(self, tokens: Tensor, alphabet_size: int, n: int) -> None:
        self.left = n
        """The tokens of the windows that were not yet taken."""
        self._alphabet_size = alphabet_size
        self._length = len(tokens)
        self._tokens = F.pad(tokens, (n - 1, 0), value=BOUNDARY)
        self._gates = (self._tokens != BOUNDARY).to(tokens.dtype).mul_(alphabet_size)

    def extend(self, ranks: Tensor | None, width: int, dtype: torch.dtype = torch.int32) -> Tensor:
        """The numbers of the windows with `width` more tokens. (length,)

        Args:
            ranks: of the windows as they were, that of boundaries alone being 0; None for the first
                tokens. (length,)
            width: how many tokens to take, at most those that are left.
            dtype: of the numbers, which must hold them.
        """
        length, start = self._length, self._tokens.numel() - self._length - self.left + 1
        tokens, gates = self._tokens.to(dtype), self._gates.to(dtype)
        if ranks is None:
            numbers = tokens[:length].clone()
            taken = 1
        else:
            numbers, taken = ranks.to(dtype, copy=True), 0
        for place in range(start + taken, start + width):
            newer = tokens[place : place + length]
            if place < self._tokens.numel() - length:
                torch.addcmul(newer, numbers, gates[place : place + length], out=numbers)
            else:  # the outcome, which forgets nothing
                torch.add(newer, numbers, alpha=self._alphabet_size, out=numbers)
        self.left -= width
        return numbers


def _fitting(known: int, alphabet_size: int, most: int, left: int) -> int:
    """How many of the tokens left can follow that many ranks and make at most `most` numbers."""
    width = 0
    while width < left and (known := known * alphabet_size) <= most:
        width += 1
    return width


def _columns(stages: list[tuple[Tensor, int]], alphabet_size: int) -> tuple[Tensor, ...]:
    """The tokens of the windows that the last stage knows, the oldest first.

    Args:
        stages: of each stage the sorted numbers, rank before it * V**width + tokens, and the width.
        alphabet_size: V.
    """
    dtype = torch.uint8 if alphabet_size <= 256 else torch.int32
    columns: list[Tensor] = []
    ranks = torch.arange(len(stages[-1][0]))
    for numbers, width in reversed(stages):
        ranks = numbers[ranks]
        for _ in range(width):
            columns.append((ranks % alphabet_size).to(dtype))
            ranks = ranks // alphabet_size
    return tuple(reversed(columns))


def _ones(numbers: Tensor) -> Tensor:
    """A 1 for each number, which takes no memory."""
    return torch.ones(1, dtype=torch.int32).expand(len(numbers))
