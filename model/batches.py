"""Mini-batches: some words of a corpus, by index, as the networks read them.

The corpus is put onto the device once, as one stream of tokens: `.emma.olivia.ava.`. A word begins
at the boundary before it. Every position but the last is an example: the token there is the newest
of its context, and the next one is the outcome.
"""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from model.alphabet import BOUNDARY
from model.corpus import Corpus
from model.ngrams import tokenise


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

    def batch(self, indices: Tensor) -> Batch:
        """The words with these indices (B,)."""
        return Batch(self._stream, self._begins[indices], self._lengths[indices])


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
        words = torch.arange(len(lengths)).repeat_interleave(lengths)
        self._places = torch.arange(len(words)) - (lengths.cumsum(0) - lengths)[words]  # in a word
        self._begins = begins[words]  # (E,)
        self._lengths = lengths[words]  # (E,)

    def __len__(self) -> int:
        return len(self._places)

    @cached_property
    def outcomes(self) -> Tensor:
        """What follows each context. (E,)"""
        return self._at(self._begins + self._places + 1)

    def contexts(self, length: int) -> Tensor:
        """The context of each example, filled up with boundaries in front. (E, length)"""
        back = torch.arange(length - 1, -1, -1)
        # What lies before a word's beginning is the boundary that stands there.
        places = (self._places.unsqueeze(1) - back).clamp_(min=0)
        return self._at(self._begins.unsqueeze(1) + places)

    def rows(self, most: int) -> Rows:
        """Each word as a row of tokens, with which all of its contexts are read at once.

        From its `most`-th token on, a context lacks the word's beginning: it has a row of its own.
        """
        heads = (self._places == 0) | (self._places >= most)
        skipped = (self._places[heads] - most + 1).clamp_(min=0)
        lengths = (self._lengths[heads] - skipped).clamp_(max=most)
        columns = torch.arange(int(lengths.max()))
        inside = columns < lengths.unsqueeze(1)
        places = (self._begins[heads] + skipped).unsqueeze(1) + columns
        tokens = self._at(places.where(inside, self._begins[0]))
        own = inside.flatten().nonzero().squeeze(1)
        ends = None
        if len(own) > len(self):
            firsts = lengths.cumsum(0) - lengths
            ends = firsts[heads.cumsum(0) - 1] + self._places.clamp(max=most - 1)
        return Rows(tokens, own.to(tokens.device), ends)

    def _at(self, places: Tensor) -> Tensor:
        return self._stream[places.to(self._stream.device)].long()
