"""Mini-batches: some words of a corpus, by index, as the networks read them.

The corpus is put onto the device once, as one stream of tokens: `.emma.olivia.ava.`. A word begins
at the boundary before it. Every position but the last is an example: the token there is the newest
of its context, and the next one is the outcome.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from model.alphabet import BOUNDARY
from model.corpus import Corpus
from model.ngrams import tokenise

IGNORED = -100
"""In the place of an outcome: there is none. What cross_entropy leaves out of its mean."""
MOST_CELLS = 1 << 27  # of a sheet: two gigabytes
AT_ONCE = 1 << 12  # examples that a network judges together: what fits into a CPU's cache


class Words:
    """The words of a corpus on a device."""

    def __init__(self, corpus: Corpus, device: torch.device | str = "cpu") -> None:
        stream = F.pad(tokenise(corpus), (1, 0), value=BOUNDARY)
        boundaries = (stream == BOUNDARY).nonzero().squeeze(1)
        self._stream = stream.to(device)  # (examples + 1,)
        # What says how large a batch is stays on the CPU, which need not ask the device for it.
        self._begins = boundaries[:-1]  # (words,)
        self._lengths = boundaries.diff()  # (words,)

    def __len__(self) -> int:
        return len(self._begins)

    @property
    def examples(self) -> int:
        """How many there are in all words."""
        return len(self._stream) - 1

    def lengths(self, indices: Tensor) -> Tensor:
        """How many examples each of the words with these indices (B,) has. (B,)"""
        return self._lengths[indices]

    def blocks(self) -> Sequence[Tensor]:
        """The indices of all words, in blocks of about `AT_ONCE` examples. (B,) each"""
        ends = self._lengths.cumsum(0)
        _, sizes = (ends // AT_ONCE).unique_consecutive(return_counts=True)
        return torch.arange(len(ends)).split(sizes.tolist())

    def batch(self, indices: Tensor) -> Batch:
        """The words with these indices (B,)."""
        return Batch(self._stream, self._begins[indices], self._lengths[indices])

    def sheet(self, most: int) -> Sheet | None:
        """All words as rows of one length; None where one has more than `most` examples.

        Also None where that would take much more room than the words do.
        """
        longest = int(self._lengths.max()) if len(self) else 0
        if not 0 < longest <= most or len(self) * longest > MOST_CELLS:
            return None
        device = self._stream.device
        columns = torch.arange(longest)
        inside = columns < self._lengths.unsqueeze(1)
        places = (self._begins.unsqueeze(1) + columns).where(inside, self._begins[0]).to(device)
        outcomes = self._stream[places + 1].long()
        outcomes[~inside.to(device)] = IGNORED
        return Sheet(self._stream[places].long(), outcomes)


class Sheet:
    """Words as rows of one length, on their device: every batch of a size has the same shapes.

    Args:
        tokens: each word's, filled up with boundaries behind. (words, T)
        outcomes: what follows each of them, IGNORED behind a word. (words, T)
    """

    def __init__(self, tokens: Tensor, outcomes: Tensor) -> None:
        self._tokens, self._outcomes = tokens, outcomes

    def batch(self, indices: Tensor) -> Spread:
        """The words with these indices (B,), which are on the device."""
        return Spread(self._tokens[indices], self._outcomes[indices])


class Spread:
    """Some words as a `Batch` gives them, but with E = B * T examples, some of them IGNORED."""

    def __init__(self, tokens: Tensor, outcomes: Tensor) -> None:
        self._tokens = tokens  # (B, T)
        self.outcomes = outcomes.flatten()
        """What follows each context. (E,)"""

    def contexts(self, length: int) -> Tensor:
        """The context of each example, filled up with boundaries in front. (E, length)"""
        filled = F.pad(self._tokens, (length - 1, 0), value=BOUNDARY)
        return filled.unfold(1, length, 1).flatten(0, 1)

    def rows(self, most: int) -> Rows:
        """Each word as a row of tokens."""
        return Rows(
            self._tokens, torch.arange(self._tokens.numel(), device=self.outcomes.device), None
        )


class Rows(NamedTuple):
    """R rows of tokens, for networks that read from left to right."""

    tokens: Tensor
    """Filled up with boundaries behind. (R, T)"""
    own: Tensor
    """The K cells, row * T + column, that are not filled up, in their order. (K,)"""
    ends: Tensor | None
    """Which of them end the context of each example; None for all, one after the other. (E,)"""


class Batch:
    """Some words with E examples in all, the examples of a word one after the other."""

    def __init__(self, stream: Tensor, begins: Tensor, lengths: Tensor) -> None:
        self._stream = stream
        self._begins = begins  # (words,)
        self._lengths = lengths  # (words,)
        before = lengths.cumsum(0) - lengths  # examples of the words before
        newest = self._of_examples(begins - before)
        self._newest = newest.add_(torch.arange(len(newest)))  # where each context ends (E,)

    def __len__(self) -> int:
        return len(self._newest)

    @cached_property
    def outcomes(self) -> Tensor:
        """What follows each context. (E,)"""
        return self._at(self._newest + 1)

    def contexts(self, length: int) -> Tensor:
        """The context of each example, filled up with boundaries in front. (E, length)"""
        places = self._newest.unsqueeze(1) - torch.arange(length - 1, -1, -1)
        # What lies before a word's beginning is the boundary that stands there.
        return self._at(places.maximum(self._of_examples(self._begins).unsqueeze(1)))

    def rows(self, most: int) -> Rows:
        """Each word as a row of tokens, with which all of its contexts are read at once.

        From its `most`-th token on, a context lacks the word's beginning: it has a row of its own.
        """
        begins, lengths, ends = self._begins, self._lengths, None
        longest = int(lengths.max()) if len(lengths) else 1
        if longest > most:
            begins, lengths, ends = self._rows_of_long_words(most)
        columns = torch.arange(min(longest, most))
        inside = columns < lengths.unsqueeze(1)
        # The stream's first token is a boundary.
        tokens = self._at((begins.unsqueeze(1) + columns).mul_(inside))
        own = inside.flatten().nonzero().squeeze(1)
        return Rows(tokens, own.to(tokens.device), ends)

    def _rows_of_long_words(self, most: int) -> tuple[Tensor, Tensor, Tensor]:
        """Where the rows begin (R,), how long they are (R,), and where the contexts end (E,)."""
        begins, lengths = self._of_examples(self._begins), self._of_examples(self._lengths)
        places = self._newest - begins  # in a word
        heads = (places == 0) | (places >= most)
        skipped = (places[heads] - most + 1).clamp_(min=0)
        lengths = (lengths[heads] - skipped).clamp_(max=most)
        before = lengths.cumsum(0) - lengths  # cells of the rows before
        ends = before[heads.cumsum(0) - 1] + places.clamp(max=most - 1)
        return begins[heads] + skipped, lengths, ends

    def _of_examples(self, of_words: Tensor) -> Tensor:
        return of_words.repeat_interleave(self._lengths)

    def _at(self, places: Tensor) -> Tensor:
        return self._stream.take(places.to(self._stream.device)).long()
