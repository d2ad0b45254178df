"""The distinct words of a text that is too long to keep them: a fingerprint of each.

A fingerprint is the sum over the word's characters of r(character) * M**place modulo 2**64, with a
random 64-bit number r for each character and an odd M (Karp and Rabin, 1987, "Efficient Randomized
Pattern-Matching Algorithms"; the random numbers are those of Zobrist, 1970). For m distinct words
the chance that any two share one is about m**2 / 2**65: one in 200,000 for 14 million words.
"""

import sys
from functools import cache, lru_cache

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from model.parallel import Pool

SLOTS = 1 << 18

_M = 0x5851F42D4C957F2D
_MERGING = 4
"""How many times the memory of all fingerprints is needed while some are merged."""


class Vocabulary:
    """The fingerprints of all words that are added, from any thread, while they fit into memory."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._complete = True
        # Of each slot the last fingerprint that fell into it. Most words of a long text were read
        # not long ago: they are found here without being sorted.
        self._latest = torch.zeros(SLOTS, dtype=torch.int64)
        self._pool = Pool[Tensor](_union, lambda part: part.nbytes)

    def add(self, points: Tensor) -> None:
        """Add words by their code points, each of them followed by a line feed. (length,)"""
        if not self._complete:
            return
        prints = fingerprints(points)
        slots = prints & (SLOTS - 1)
        new = prints[self._latest.index_select(0, slots) != prints]
        self._latest.index_copy_(0, slots, prints)
        if len(new):
            self._pool.add(new.unique())
        if self._pool.size * _MERGING > self._most_bytes:
            self._complete = False
            self._pool.clear()

    def total(self) -> Tensor | None:
        """The fingerprint of each distinct word, sorted; None if they are too many. (words,)

        To be called when no thread adds any more.
        """
        if not self._complete:
            return None
        total = self._pool.total()
        return torch.empty(0, dtype=torch.int64) if total is None else total


def fingerprints(points: Tensor) -> Tensor:
    """The fingerprint of each word of a text, blank lines left out, by code points. (words,)"""
    numbers, powers, inverses = _random_numbers(), *_powers(len(points))
    sums = numbers.index_select(0, points.int()).mul_(powers).cumsum_(0)
    ends = (points == ord("\n")).nonzero().squeeze(1)
    begins = F.pad(ends[:-1] + 1, (1, 0))
    # What the characters of a word add to the sums, as if the word stood at the beginning.
    added = sums.index_select(0, ends).diff(prepend=sums.new_zeros(1))
    prints = added.mul_(inverses.index_select(0, begins))
    words = ends > begins
    return prints if bool(words.all()) else prints[words]


def _union(one: Tensor, other: Tensor) -> Tensor:
    return torch.cat((one, other)).unique()


@cache
def _random_numbers() -> Tensor:
    """One for each code point; 0 for the line feed, which is no part of a word. (points,)"""
    generator = torch.Generator().manual_seed(0)
    low, high = torch.iinfo(torch.int64).min, torch.iinfo(torch.int64).max
    numbers = torch.randint(low, high, (1 + sys.maxunicode,), generator=generator)
    numbers[ord("\n")] = 0
    return numbers


def _powers(length: int) -> tuple[Tensor, Tensor]:
    """M**place modulo 2**64 of so many places, and its inverse. (length,) x 2"""
    powers, inverses = _powers_of(1 << length.bit_length())
    return powers[:length], inverses[:length]


@lru_cache(2)
def _powers_of(length: int) -> tuple[Tensor, Tensor]:
    inverse = pow(_M, -1, 1 << 64)
    inverse -= (inverse >> 63) << 64  # as a signed number
    powers, inverses = (torch.full((length,), base).cumprod(0) for base in (_M, inverse))
    return powers, inverses
