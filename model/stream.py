"""A file of any size -> its n-grams and statistics, at a memory that does not grow with the file.

The file is read once, a chunk of whole lines at a time. All cores count chunks, and only what is
distinct is kept; so the result is the same, to the bit, as that of counting all words at once.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import BinaryIO

import torch
from torch import Tensor

from model.alphabet import normalise, visible
from model.cleaning import clean, is_before_words
from model.corpus import MOST_BYTES, Source, check_characters, no_words, not_utf8
from model.counting import CHUNK, Counting
from model.devices import size
from model.errors import MakemoreError
from model.memory import WORKING, Budget, all_bytes, default_budget, expected_bytes, most_bytes
from model.order import check_order
from model.parallel import Pool, cores, in_order
from model.tokens import code_points
from model.trie import Ngrams, merge
from model.vocabulary import Vocabulary, fingerprints

SAMPLED = 32  # chunks in each half of a sample
TABLES = 4  # one part in so many of the memory that may be used is for tables
BYTES_PER_ENTRY = 4
WORDS = 4  # one part in so many is for the fingerprints of words

Progress = Callable[[int], object]
"""Is told how many bytes were counted since it was told last."""


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
    threads = threads or (cores() if source.size is None or source.size > chunk else 1)
    budget = Budget(source.name, default_budget() if memory is None else memory)
    if source.size is not None and not budget.fits(most_bytes(n, source.size)):
        _check_before(source, n, budget, threads, chunk)

    def check(parts: Pool[Ngrams]) -> None:
        if not budget.fits(parts.size):
            raise budget.exceeded(n, f"more than {size(budget.most)}")

    tables = budget.most // TABLES // threads // BYTES_PER_ENTRY
    most_entries = min(tables, source.size or tables)
    counting = Counting(source.name, n, most_entries=most_entries, grown=check)
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


def _check_before(source: Source, n: int, budget: Budget, threads: int, chunk: int) -> None:
    """Count a sample from all over the file, and judge by it whether the whole will fit.

    Raises:
        MakemoreError: it will not.
    """
    assert source.size is not None
    step = source.size // (2 * SAMPLED)
    if step <= 2 * chunk:
        return  # as large as a good sample: counting it will tell
    pieces = list(_sample(source.file, step, chunk))
    alphabet = _counted(source.name, pieces[::8], 2, threads).alphabet
    if budget.fits(all_bytes(n, alphabet)):
        return
    times = source.size / sum(map(len, pieces))

    def expected(order: int) -> float:
        halves = [
            _counted(source.name, half, order, threads) for half in (pieces[::2], pieces[1::2])
        ]
        return expected_bytes(halves[0], merge(halves), times)

    if not budget.fits(stored := expected(n)):
        lower = next((each for each in range(n - 1, 1, -1) if budget.fits(expected(each))), None)
        raise budget.exceeded(n, f"about {size(int(stored * WORKING))}", lower)


def _counted(name: str, pieces: list[bytes], n: int, threads: int) -> Ngrams:
    """The n-grams of some lines of a file, as far as they can be read."""
    counting = Counting(name, n)

    def add(data: bytes) -> None:
        with suppress(UnicodeDecodeError):  # which is told of when the file is read in its order
            if text := clean(data, beginning=False):
                counting.add(code_points(text))

    for _ in in_order(add, pieces, threads):
        pass
    return counting.ngrams()


def _sample(file: BinaryIO, step: int, chunk: int) -> Iterable[bytes]:
    """Whole lines at every `step` bytes of a file, which is then at its beginning again."""
    for place in range(0, 2 * SAMPLED * step, step):
        file.seek(place)
        lines = file.read(chunk)
        yield lines[lines.find(b"\n") + 1 : lines.rfind(b"\n") + 1]
    file.seek(0)
