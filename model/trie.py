"""The n-grams of a corpus, and how often each occurs: the notebook's table, kept sparse.

Contexts are numbered order by order. The empty context has id 0, and the code
(id of a context) * V + (token) stands for the context that is one token longer; V is the size of
the alphabet. The rank of a code among all that occur is the new id. Ids are therefore in the sorted
order of the contexts' tokens, and fit small integers at any order.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from model.alphabet import Alphabet
from model.errors import MakemoreError

BLOCK = 1 << 20  # entries of the table that are looked at together
MOST_DENSE = 1 << 27  # the most entries of a dense table: half a gigabyte of 32-bit counts


@dataclass(frozen=True, eq=False)
class ContextIndex:
    """The contexts of one order, numbered in sorted order.

    `levels[k]` holds, sorted, the codes (id of the first k tokens) * V + (token k) of every
    beginning of k + 1 tokens that some context has: a trie, a level a tensor.
    """

    alphabet_size: int
    levels: tuple[Tensor, ...] = ()

    def __len__(self) -> int:
        return len(self.levels[-1]) if self.levels else 1

    def ids(self, contexts: Tensor) -> Tensor:
        """The id of each of `contexts` (B, n-1), and -1 for one that never occurs. (B,)"""
        ids = contexts.new_zeros(len(contexts))
        for level, tokens in zip(self.levels, contexts.unbind(1), strict=True):
            codes = ids * self.alphabet_size + tokens
            places = torch.searchsorted(level, codes).clamp_(max=len(level) - 1)
            found = (level[places] == codes) & (ids >= 0) & (tokens >= 0)
            ids = places.masked_fill_(~found, -1)
        return ids

    def tokens(self, ids: Tensor) -> Tensor:
        """The tokens of the contexts `ids` (B,), oldest first. (B, n-1)"""
        columns: list[Tensor] = []
        for level in reversed(self.levels):
            codes = level[ids]
            columns.append(codes % self.alphabet_size)
            ids = codes // self.alphabet_size
        return torch.stack(columns[::-1], 1) if columns else ids.new_empty((len(ids), 0))


@dataclass(frozen=True, eq=False)
class Ngrams:
    """The n-grams of a corpus and how often each occurs.

    `codes` (pairs,) holds (context id) * V + outcome for every pair that occurs, sorted, and
    `counts` (pairs,) its number of occurrences.
    """

    n: int
    alphabet: Alphabet
    contexts: ContextIndex
    codes: Tensor
    counts: Tensor

    @classmethod
    def of(cls, alphabet: Alphabet, columns: Sequence[Tensor], counts: Tensor) -> "Ngrams":
        """Distinct n-grams, in the order of their tokens.

        Args:
            alphabet: of the tokens.
            columns: the tokens of the n-grams, the oldest first; n times (n-grams,)
            counts: how often each occurs, 64-bit. (n-grams,)
        """
        size = len(alphabet)
        ids = torch.zeros_like(counts)
        levels: list[Tensor] = []
        for column in columns[:-1]:
            level, ids = (ids * size + column).unique_consecutive(return_inverse=True)
            # Without any n-gram there still is the context that every word begins with.
            levels.append(level if len(level) else level.new_zeros(1))
        codes = ids * size + columns[-1]
        return cls(len(columns), alphabet, ContextIndex(size, tuple(levels)), codes, counts)

    @property
    def nbytes(self) -> int:
        """The bytes of memory that it takes."""
        return sum(each.nbytes for each in (*self.contexts.levels, self.codes, self.counts))

    @property
    def context_ids(self) -> Tensor:
        """The context of each pair. (pairs,)"""
        return self.codes // len(self.alphabet)

    @property
    def outcomes(self) -> Tensor:
        """The outcome of each pair. (pairs,)"""
        return self.codes % len(self.alphabet)

    @cached_property
    def total(self) -> int:
        """The number of examples."""
        return int(self.counts.sum())

    @cached_property
    def row_sums(self) -> Tensor:
        """How often each context occurs, 64-bit. (contexts,)"""
        sums = torch.zeros(len(self.contexts), dtype=torch.int64)
        return sums.index_add_(0, self.context_ids, self.counts)

    @cached_property
    def column_sums(self) -> Tensor:
        """How often each outcome occurs, 64-bit. (V,)"""
        sums = torch.zeros(len(self.alphabet), dtype=torch.int64)
        return sums.index_add_(0, self.outcomes, self.counts)

    @cached_property
    def floor(self) -> float:
        """The mean of -log(frequency of the outcome after its context), in nats per example.

        The sum over all examples, grouped by (context, outcome); NaN without examples.
        """
        counts = self.counts.double()
        frequencies = counts / self.row_sums[self.context_ids]
        return (0.0 - float(counts @ frequencies.log())) / (self.total or math.nan)

    @cached_property
    def by_frequency(self) -> Tensor:
        """The ids of the contexts, the most frequent first. (contexts,)"""
        return self.row_sums.argsort(descending=True, stable=True)

    def counts_of(self, ids: Tensor, outcomes: Tensor) -> Tensor:
        """How often each outcome follows the context with the id beside it, 64-bit.

        Args:
            ids: -1 for a context that never occurs; any shape.
            outcomes: tokens, of the same shape or one that broadcasts with it.

        Returns:
            0 for a pair that never occurs.
        """
        codes = ids * len(self.alphabet) + outcomes
        if not len(self.codes):  # an empty part of a split
            return torch.zeros_like(codes)
        places = torch.searchsorted(self.codes, codes).clamp_(max=len(self.codes) - 1)
        return self.counts[places].masked_fill_(self.codes[places] != codes, 0)

    def rows(self, ids: Tensor) -> Tensor:
        """The rows of N for the contexts `ids` (B,), found without the whole table. (B, V)"""
        return self.counts_of(ids.unsqueeze(1), torch.arange(len(self.alphabet)))

    def blocks(self) -> Iterator[Tensor]:
        """The ids of all contexts, in blocks whose rows fit into a block of memory. (B,) each"""
        return iter(torch.arange(len(self.contexts)).split(max(1, BLOCK // len(self.alphabet))))

    @cached_property
    def N(self) -> Tensor:  # noqa: N802
        """The notebook's count table. (contexts, V)

        Raises:
            MakemoreError: the table would not fit into memory.
        """
        entries = len(self.contexts) * len(self.alphabet)
        if entries > MOST_DENSE:
            raise MakemoreError(
                f"n={self.n} makes {len(self.contexts):,} contexts x {len(self.alphabet):,} "
                f"outcomes, a table of {entries * 4 / 2**30:.1f} GiB; choose a lower n"
            )
        table = torch.zeros(entries, dtype=torch.int32)
        table[self.codes] = self.counts.to(torch.int32)
        return table.view(len(self.contexts), len(self.alphabet))

    def context_tokens(self, id: int) -> list[int]:
        """The tokens of the context with this id."""
        return self.contexts.tokens(torch.tensor([id]))[0].tolist()

    def context_labels(self, ids: Sequence[int]) -> list[str]:
        """How the contexts `ids` are shown, such as ".e"."""
        rows: list[list[int]] = self.contexts.tokens(torch.tensor(ids)).tolist()
        return list(map(self.alphabet.context_label, rows))


def merge(parts: Sequence[Ngrams]) -> Ngrams:
    """The n-grams of several corpora together, as if these had been counted as one.

    Level by level: a beginning of k + 1 tokens is the id of its first k among those of all parts,
    and the token that follows. Ids keep their order on the way, so that what is sorted stays so.
    """
    alphabet = Alphabet.of(character for part in parts for character in part.alphabet.characters)
    tokens = [torch.tensor([0, *alphabet.encode(part.alphabet.characters)]) for part in parts]
    ids = [torch.zeros(1, dtype=torch.int64) for _ in parts]  # of the empty context
    levels: list[Tensor] = []

    def joint(codes: Sequence[Tensor]) -> list[Tensor]:
        """The parts' codes, each of its own alphabet and contexts, in those of all."""
        return [
            known[code // len(own)] * len(alphabet) + own[code % len(own)]
            for code, known, own in zip(codes, ids, tokens, strict=True)
        ]

    for codes in zip(*(part.contexts.levels for part in parts), strict=True):
        renamed = joint(codes)
        levels.append(torch.cat(renamed).unique())
        ids = [torch.searchsorted(levels[-1], code) for code in renamed]
    renamed = joint([part.codes for part in parts])
    codes, places = torch.cat(renamed).unique(return_inverse=True)
    counts = torch.zeros_like(codes)
    counts.index_add_(0, places, torch.cat([part.counts for part in parts]))
    return Ngrams(parts[0].n, alphabet, ContextIndex(len(alphabet), tuple(levels)), codes, counts)
