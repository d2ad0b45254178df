"""A file of any size -> its n-grams and statistics, at a memory that does not grow with the file.

The file is read once, a chunk of whole lines at a time. All cores count chunks, and only what is
distinct is kept; so the result is the same, to the bit, as that of counting all words at once.
"""

import math
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import BinaryIO

import torch
from torch import Tensor

from model.alphabet import normalise, visible
from model.cleaning import clean, is_before_words
from model.corpus import MOST_BYTES, Source, check_characters, no_words, not_utf8
from model.counting import CHUNK, GATHERED, MOST_ENTRIES, Counting, Limits
from model.devices import size
from model.errors import MakemoreError
from model.memory import (
    WORKING,
    Budget,
    all_bytes,
    default_budget,
    expected_bytes,
    most_bytes,
    returned_at_once,
    working_bytes,
)
from model.order import check_order
from model.parallel import Pool, cores, in_order
from model.tokens import code_points
from model.trie import Ngrams, merge
from model.vocabulary import Vocabulary, fingerprints

SAMPLED = 32  # chunks in each half of a sample
TABLES = 4  # one part in so many of the memory that may be used is for tables
AT_WORK = 2  # one part in so many is for what threads are just counting
PARTS = 2  # times as large as a whole can its parts be, which a `Pool` keeps
BYTES_PER_ENTRY = 4
WORDS = 4  # one part in so many is for the fingerprints of words

Progress = Callable[[int], object]
"""Is told how many bytes were counted since it was told last; 0 while a sample is."""
Grown = Callable[[Pool[Ngrams]], object]


@dataclass(frozen=True, eq=False)
class StreamCounts:
    """What was counted of a corpus that was never in memory as a whole."""

    name: str
    ngrams: Ngrams
    _vocabulary: Tensor | None = field(default=None, repr=False)

    @property
    def word_count(self) -> int:
        """The number of words, duplicates included."""
        return int(self.ngrams.counts[self.ngrams.outcomes == 0].sum())

    @property
    def characters(self) -> int:
        """The number of characters in all words together."""
        return self.ngrams.total - self.word_count

    @property
    def unique_words(self) -> int | None:
        """The number of distinct words; None if it was not asked for, or they were too many."""
        return None if self._vocabulary is None else len(self._vocabulary)

    def has(self, word: str) -> bool | None:
        """Whether a word is in the corpus; None where `unique_words` is."""
        if self._vocabulary is None:
            return None
        prints = fingerprints(code_points(f"{normalise(word)}\n"))
        return bool(torch.isin(prints, self._vocabulary).any())


def count_stream(
    source: Source,
    n: int,
    *,
    words: bool = False,
    memory: int | None = None,
    threads: int | None = None,
    chunk: int = CHUNK,
    progress: Progress | None = None,
) -> StreamCounts:
    """The n-grams of order n in a file or pipe.

    Args:
        source: what to read.
        n: the order.
        words: whether to count the distinct words as well.
        memory: the bytes that counting may take; None: half of what is free.
        threads: how many count; None: one for each core.
        chunk: how many bytes one of them counts at a time, or some more.
        progress: is told of every chunk, in the thread that calls.

    Raises:
        MakemoreError: `n` is no order that the product knows; the file cannot be read as a list of
            words; or its n-grams do not fit into the memory, if that can be told before it starts.
    """
    check_order(n)
    budget = Budget(source.name, default_budget() if memory is None else memory)
    threads = threads or (cores() if source.size is None or source.size > chunk else 1)
    threads = max(1, min(threads, budget.most // AT_WORK // (working_bytes(n) * chunk)))
    if source.size is not None and budget.fits(most_bytes(n, source.size)):
        return _count(source, n, words, budget, threads, chunk, progress, parts_share=1)
    with returned_at_once():
        judged = source.size is not None
        if judged:
            _check_before(source, n, budget, threads, chunk, progress)
        share = PARTS if judged else 1
        return _count(source, n, words, budget, threads, chunk, progress, parts_share=share)


def _count(
    source: Source,
    n: int,
    words: bool,
    budget: Budget,
    threads: int,
    chunk: int,
    progress: Progress | None,
    *,
    parts_share: int,
) -> StreamCounts:
    """The n-grams, of whose parts one in so many is as large as their whole, at the most."""

    def check(parts: Pool[Ngrams]) -> None:
        if not budget.fits(parts.size // parts_share):
            raise budget.exceeded(n, f"more than {size(budget.most)} of")

    limits = _limits(n, budget, threads, source.size)
    counting = Counting(source.name, n, limits, grown=check)
    vocabulary = Vocabulary(budget.most // WORDS) if words else None

    def count(lines: tuple[bytes, bool]) -> tuple[int, int]:
        data, beginning = lines
        points = code_points(clean(data, beginning=beginning))
        if len(points):
            counting.add(points)
            if vocabulary:
                vocabulary.add(points)
        return len(data), _line_feeds(data)

    lines_before = 0
    try:
        for length, lines in in_order(count, _chunks(source, chunk), threads):
            lines_before += lines
            if progress:
                progress(length)
    except UnicodeDecodeError as error:
        raise not_utf8(source.name, error, lines_before) from None
    ngrams = counting.ngrams()
    if not ngrams.total:
        raise no_words(source.name)
    check_characters(source.name, ngrams.alphabet)
    return StreamCounts(source.name, ngrams, vocabulary.total() if vocabulary else None)


def whole_lines(file: BinaryIO, size: int, most: int = MOST_BYTES) -> Iterator[bytes]:
    """A file in pieces of about `size` bytes, each of which ends with a line feed.

    A line that is longer is in a piece as long as itself. The last line is ended if it is not.

    Raises:
        ValueError: a line has more than `most` bytes.
    """
    rest: list[bytes] = []
    while block := file.read(size):
        cut = block.rfind(b"\n") + 1
        if cut:
            yield b"".join((*rest, block[:cut]))
            rest = []
        rest.append(block[cut:])
        if sum(map(len, rest)) > most:
            raise ValueError(f"a line has more than {most:,} bytes")
    if last := b"".join(rest):
        yield last + b"\n"


def _chunks(source: Source, size: int) -> Iterator[tuple[bytes, bool]]:
    """Whole lines, and whether no word comes before them."""
    beginning = True
    try:
        for data in whole_lines(source.file, size):
            yield data, beginning
            beginning = beginning and is_before_words(data)
    except ValueError as error:
        raise MakemoreError(f"{visible(source.name)}: {error}; put one word on each line") from None


def _line_feeds(data: bytes) -> int:
    # bytes.count takes longer, and keeps all other threads waiting meanwhile.
    points = torch.frombuffer(bytearray(data), dtype=torch.uint8)
    return int(points.bincount(minlength=ord("\n") + 1)[ord("\n")])


def _limits(n: int, budget: Budget, threads: int, length: int | None) -> Limits:
    """What a thread may have at hand of a text of so many bytes, where that is known."""
    entries = budget.most // TABLES // threads // BYTES_PER_ENTRY
    gathered = budget.most // AT_WORK // threads // working_bytes(n)
    known = entries if length is None else length
    return Limits(min(MOST_ENTRIES, entries, known), min(GATHERED, gathered))


def _check_before(
    source: Source, n: int, budget: Budget, threads: int, chunk: int, progress: Progress | None
) -> None:
    """Count a sample from all over the file, and judge by it whether the whole will fit.

    Raises:
        MakemoreError: it will not.
    """
    whole = source.size or 0
    step = whole // (2 * SAMPLED)
    if step <= 2 * chunk:
        return  # as large as a good sample: counting it will tell
    pieces = list(_sample(source.file, step, chunk))

    def check(parts: Pool[Ngrams]) -> None:
        if not budget.fits(parts.size * 2):  # the other half will be as large
            raise _TooMuchError

    def counted(lines: list[bytes], order: int, grown: Grown | None = check) -> Ngrams:
        limits = _limits(order, budget, threads, sum(map(len, lines)))
        counting = Counting(source.name, order, limits, grown=grown)

        def add(data: bytes) -> None:
            with suppress(UnicodeDecodeError):  # which is told of when the file is read in order
                if text := clean(data, beginning=False):
                    counting.add(code_points(text))

        for _ in in_order(add, lines, threads):
            if progress:
                progress(0)
        return counting.ngrams()

    if budget.fits(all_bytes(n, counted(pieces[::8], 2, None).alphabet)):
        return

    def expected(order: int) -> float:
        sample = pieces
        while len(sample) > 1:
            try:
                halves = [counted(half, order) for half in (sample[::2], sample[1::2])]
            except _TooMuchError:
                sample = sample[::4]
            else:
                times = whole / sum(map(len, sample))
                return expected_bytes(halves[0], merge(halves), times)
        return math.inf

    def too_large(order: int) -> bool:
        return not budget.fits(expected(order))

    if not budget.fits(stored := expected(n)):
        lower = 1 + bisect_left(range(2, n), True, key=too_large)
        need = "far more" if stored == math.inf else f"about {size(int(stored * WORKING))} of"
        raise budget.exceeded(n, need, lower if lower > 1 else None)


class _TooMuchError(Exception):
    """A sample alone does not fit."""


def _sample(file: BinaryIO, step: int, chunk: int) -> Iterable[bytes]:
    """Whole lines at every `step` bytes of a file, which is then at its beginning again."""
    for place in range(0, 2 * SAMPLED * step, step):
        file.seek(place)
        lines = file.read(chunk)
        yield lines[lines.find(b"\n") + 1 : lines.rfind(b"\n") + 1]
    file.seek(0)
