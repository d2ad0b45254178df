"""The explorer: a move of its cursor at every size of table, and the words behind a count."""

import asyncio
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from unittest.mock import patch

from textual.events import Key
from textual.pilot import Pilot

from model.corpus import Corpus, parse
from model.ngrams import Ngrams, count
from model.occurrences import occurrences
from model.order import ORDERS
from tests.benchmarks import notebook
from tests.benchmarks.core import Row, alternate, duration, faster, ratio, timed
from tui.app import MakemoreApp
from tui.widgets.heat_map import HeatMap

SIZES = ((80, 24), (120, 40))
MOVES = 40
LIMIT = 60.0  # seconds to wait for anything


def rows(names: Path) -> Iterator[Row]:
    """Moves at n=5 against n=2; a lookup against a loop over all words."""
    corpus = parse(names.read_bytes(), "names")
    for size in SIZES:
        long, short = _moves(names, size)
        yield Row(
            f"a move of the explorer's cursor, {size[0]} x {size[1]}: n=5 (the plain way: n=2), "
            "processor time from key to paint",
            duration(long),
            duration(short),
            f"{ratio(long / short)} times as long",
            "at most 1.5",
        )
    yield from _lookups(corpus)


def _moves(names: Path, size: tuple[int, int]) -> list[float]:
    """The seconds of a move at n=5 and at n=2, in one app that goes from one to the other."""
    with (
        TemporaryDirectory() as place,
        patch.dict(os.environ, XDG_CONFIG_HOME=place),
        asyncio.Runner() as runner,
    ):
        app = MakemoreApp(str(names))
        context = app.run_test(size=size)
        pilot = runner.run(context.__aenter__())
        try:
            runner.run(_counted(pilot, app))
            runner.run(pilot.press("4"))
            return alternate(
                lambda: runner.run(_timed_moves(pilot, app, 5)),
                lambda: runner.run(_timed_moves(pilot, app, 2)),
                rounds=7,
            )
        finally:
            runner.run(context.__aexit__(None, None, None))


async def _timed_moves(pilot: Pilot[None], app: MakemoreApp, n: int) -> float:
    """The seconds of one of many moves to and fro, each painted before the next."""
    app.action_change_order(n - app.recipe.n)
    await _counted(pilot, app)
    heat_map = app.query_one(HeatMap)
    heat_map.go_to(0, 0)
    await pilot.pause(0.1)
    began = process_time()
    for move in range(MOVES):
        before = heat_map.row, heat_map.column
        key = ("down", "right", "up", "left")[move % 4] if move % 8 < 4 else "down"
        app.post_message(Key(key, None))
        await _until(pilot, lambda before=before: (heat_map.row, heat_map.column) != before)
        painted = asyncio.Event()
        app.screen.call_after_refresh(painted.set)
        await asyncio.wait_for(painted.wait(), LIMIT)
    return (process_time() - began) / MOVES


async def _counted(pilot: Pilot[None], app: MakemoreApp) -> None:
    await _until(pilot, lambda: app.counts is not None and not app.activity)


async def _until(pilot: Pilot[None], condition: Callable[[], bool]) -> None:
    began = perf_counter()
    while not condition():
        if perf_counter() - began > LIMIT:
            raise RuntimeError("the app does not answer")
        await asyncio.sleep(0)


def _lookups(corpus: Corpus) -> Iterator[Row]:
    """The words of the most frequent cell, which are the most to find, at each order."""
    tables = {n: count(corpus, n) for n in ORDERS}
    cells = {n: _most_frequent(ngrams) for n, ngrams in tables.items()}
    for n in (2, 5):
        context, outcome = cells[n]
        plain = corpus.alphabet.labels(context), corpus.alphabet.label(outcome)
        ours, theirs = alternate(
            timed(lambda n=n: occurrences(corpus, *cells[n]), calls=5),
            timed(lambda n=n, plain=plain: _plain_lookup(corpus, n, *plain)),
            rounds=5,
        )
        yield faster(f"the words behind the most frequent cell, n={n}", ours, theirs)
    seconds = alternate(
        *(timed(lambda n=n: occurrences(corpus, *cells[n]), calls=3) for n in ORDERS), rounds=3
    )
    slowest = max(range(len(seconds)), key=lambda place: seconds[place])
    what = f"· the slowest of all orders, n={list(ORDERS)[slowest]}"
    yield Row(what, duration(seconds[slowest]), goal="below 100 ms")


def _most_frequent(ngrams: Ngrams) -> tuple[list[int], int]:
    pair = int(ngrams.counts.argmax())
    return ngrams.context_tokens(int(ngrams.context_ids[pair])), int(ngrams.outcomes[pair])


def _plain_lookup(corpus: Corpus, n: int, context: str, outcome: str) -> list[str]:
    """Every word that holds the pair, by going through the n-grams of all words."""
    wanted = (context, outcome)
    return [
        word
        for word in corpus.words
        if any(notebook.example(n, word, place) == wanted for place in range(len(word) + 1))
    ]
