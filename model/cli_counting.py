"""Counting on the command line: a file of any size, with its progress on a terminal."""

from __future__ import annotations

import shutil
import sys
import time
from typing import TYPE_CHECKING, Any

import click

from model.alphabet import visible
from model.cleaning import blocks
from model.corpus import Corpus, load, opened

if TYPE_CHECKING:  # torch takes seconds to import
    from types import TracebackType

    from model.corpus import Source
    from model.distributed import Processes
    from model.stream import StreamCounts

QUIET_SECONDS = 0.5
"""What is done sooner shows no progress."""
SECONDS_BETWEEN = 0.1
BAR = 24  # columns
GIB = 1 << 30

MOST_GIB = 1e6


def _usable(context: click.Context, parameter: click.Parameter, value: float | None) -> Any:
    if value is not None and not 0 < value <= MOST_GIB:  # nan is not, either
        raise click.BadParameter(f"{value:g} is not in the range 0<x<={MOST_GIB:g}.")
    return value


memory_option = click.option(
    "--memory",
    metavar="GIB",
    type=float,
    callback=_usable,
    help="The most that counting may take, besides up to 1 GiB for the program.  [default: half "
    "of what is free]",
)


def counted(
    source: str, n: int | None, memory: float | None, *, words: bool = False
) -> StreamCounts:
    """The n-grams of a corpus, of order 2 if none is given; with its distinct words if asked."""
    from model.devices import fit_threads
    from model.stream import count_stream

    fit_threads(0)  # counting starts threads of its own
    most = None if memory is None else int(memory * GIB)
    with opened(source) as corpus, _Progress(corpus) as progress:
        counts = count_stream(corpus, n or 2, words=words, memory=most, progress=progress)
    fit_threads(len(counts.ngrams.codes))
    return counts


def counted_together(source: str, n: int | None, processes: Processes) -> StreamCounts:
    """The same of a corpus in memory, of which each process counts a share."""
    from model.counting import CHUNK
    from model.memory import default_budget
    from model.stream import WORDS, StreamCounts
    from model.tokens import code_points
    from model.vocabulary import Vocabulary

    corpus, n = load(source), n or 2
    processes.tell("count", Corpus(corpus.name, corpus.text), n)
    vocabulary = Vocabulary(default_budget() // WORDS)
    for block in blocks(corpus.text, CHUNK):
        vocabulary.add(code_points(block))
    return StreamCounts(corpus.name, processes.ngrams(corpus, n), vocabulary.total())


class _Progress:
    """A line on standard error, if that is a terminal, for as long as counting goes on."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._done = 0
        self._began = time.monotonic()
        self._next = self._began + QUIET_SECONDS
        self._width = 0  # of what stands there

    def __enter__(self) -> _Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._show("")

    def __call__(self, size: int) -> None:
        now = time.monotonic()
        if not size:  # a sample is counted, which is no measure for the whole
            self._began = now
        self._done += size
        if now >= self._next and sys.stderr.isatty():
            self._next = now + SECONDS_BETWEEN
            self._show(self._line(now - self._began))

    def _line(self, seconds: float) -> str:
        from model.devices import size

        name = f"counting {visible(self._source.name)}"
        if not self._done:
            return f"{name}  a sample first: will it fit into the memory?"
        rate = self._done / seconds
        parts = [name, size(self._done), f"{size(int(rate))}/s"]
        if total := self._source.size:
            share = min(1.0, self._done / total)
            left = round((total - self._done) / rate)
            done = round(BAR * share)
            parts[1:2] = [f"[{'#' * done}{'-' * (BAR - done)}] {share:4.0%}",
                          f"{size(self._done)} of {size(total)}"]  # fmt: skip
            parts.append(f"{max(0, left) // 60}:{max(0, left) % 60:02} left")
        return "  ".join(parts)

    def _show(self, line: str) -> None:
        """Put a line in the place of the one that stands there."""
        if not line and not self._width:
            return
        line = line[-(shutil.get_terminal_size().columns - 1) :]
        end = "" if line else "\r"
        print(f"\r{line:<{self._width}}", end=end, file=sys.stderr, flush=True)
        self._width = len(line)
