"""The explorer: the table, what is under its cursor, and the ways through it."""

import math
import re
from collections import Counter
from itertools import accumulate
from pathlib import Path

import pytest
from explorer import (
    cursor,
    figures,
    labels,
    looked,
    pairs,
    place,
    row_sums,
    show_view,
    title,
    words_found,
)
from textual.widgets import Input
from workbench import ENDLESS, is_seen, workbench

from model.corpus import parse
from model.session import Phase
from model.tables import VIEWS
from tui.panes.explorer import NO_NETWORK
from tui.screens.where_from import WhereFromScreen
from tui.widgets.heat_map import HeatMap
from tui.widgets.row_bars import RowBars

WIDE = (160, 44)
FEW = parse(b"aab\nab\nbca\nabba\nc\nab\ncab", "few")
PANGRAM = "quick brown fox jumps over the lazy dog wizard extra guess"

NOTHING = {"N": 0, "P": 0, "log P": 0, "W": 0.625, "network P": 0, "gradient": 0.005}
"""The largest number that may look like nothing in a view."""


def is_close(shown: str, number: float, nothing: float) -> bool:
    """Whether a figure is that number rounded, or is left out because nothing remains of it."""
    if shown.strip("·") == "":
        return abs(number) <= nothing or not math.isfinite(number)
    decimals = len(shown.partition(".")[2])
    return abs(float(shown) - number) <= 0.5 * 10**-decimals + 1e-9


# What is under the cursor


async def test_every_view_shows_its_numbers():
    async with workbench(corpus=FEW, recipe=ENDLESS, size=WIDE) as bench:
        await bench.press("2", *["s"] * 3, "4")
        await looked(bench, 3)
        counts = pairs(FEW.words, 2)
        sums, total = row_sums(counts), sum(counts.values())
        weights = bench.app.look.network.W.tolist()
        seen = Counter()
        for view in [view.name for view in VIEWS] * 2:
            await show_view(bench, view)
            for x, context in enumerate(".abc" if "follows" in bench.shown("#table") else ".a"):
                await bench.press(context, "home")
                for y, outcome in enumerate(".abc"):
                    await bench.press(*["right"] * (y > 0))
                    assert place(bench) == (context, outcome)
                    count = counts[context, outcome]
                    p = count / sums[context]
                    q = math.exp(weights[x][y]) / sum(map(math.exp, weights[x]))
                    number = {
                        "N": count,
                        "P": p,
                        "log P": math.log(p) if p else -math.inf,
                        "W": weights[x][y],
                        "network P": q,
                        "gradient": (sums[context] * q - count) / total,
                        "difference": q - p,
                    }[view]
                    nothing = NOTHING.get(view, 0.02)
                    assert is_close(cursor(bench), number, nothing), (view, context, outcome)
                    seen[view] += bool(cursor(bench).strip("·"))
            if view == VIEWS[-1].name:
                await bench.press("F")
        assert all(seen[view.name] >= 6 for view in VIEWS), seen


async def test_the_figures_are_those_of_a_plain_count(words_file: Path, words: tuple[str, ...]):
    async with workbench(words_file, recipe=ENDLESS.with_(n=3), size=WIDE) as bench:
        await bench.press("2", "s", "s", "4")
        await looked(bench, 2)
        counts = pairs(words, 3)
        sums, total = row_sums(counts), sum(counts.values())
        names = ".abcdefghijklmnopqrstuvwxyz"
        names = [name for name in names if name in "." + "".join(words)]
        look = bench.app.look
        assert len(labels(bench)) > 30
        for index, (context, outcome) in enumerate(sorted(counts)[::53]):
            await bench.press("/", *context, "enter", "home")
            await bench.press(*["right"] * names.index(outcome))
            assert place(bench) == (context, outcome)
            row = [counts[context, each] / sums[context] for each in names]
            p, count = row[names.index(outcome)], counts[context, outcome]
            rank = 1 + sum(each > p for each in row)
            weights = look.network.W[sorted(sums).index(context)].tolist()
            network = [math.exp(each) / sum(map(math.exp, weights)) for each in weights]
            q = network[names.index(outcome)]
            gap = sum(
                counts[context, each] / total * math.log(one / two)
                for each, one, two in zip(names, row, network, strict=True)
                if one
            )
            shown = figures(bench)
            for figure in (
                f"count {count:,} of {sums[context]:,} · P {p:.4f} · log P {math.log(p):.4f} · "
                f"rank {rank} of {len(names)}",
                f"network P {q:.4f} · log P {math.log(q):.4f} · "
                f"rank {1 + sum(each > q for each in network)} of {len(names)} · "
                f"difference {q - p:+.4f}",
                f"row {100 * sums[context] / total:.2f}% of examples · its gap {gap:.2g} nats",
            ):
                assert figure in shown, index
            bars = bench.shown("#row")
            assert all(name in bars for name in ("counts", "network", "◆"))


async def test_an_outcome_that_never_follows_is_impossible(words_file: Path):
    async with workbench(words_file) as bench:
        await bench.press("4")
        assert place(bench) == (".", ".")
        assert f"count 0 of {len(bench.app.corpus.words)} · P 0.0000 · log P -∞ · impossible" in (
            figures(bench)
        )


async def test_the_views_of_the_network_say_what_they_lack(words_file: Path):
    async with workbench(words_file, size=WIDE) as bench:
        await bench.press("4")
        for view in VIEWS:
            assert bench.shown("#view").startswith(f"{view.name}: {view.about}")
            assert (NO_NETWORK in bench.shown("#table")) is view.of_network
            assert NO_NETWORK in bench.shown("#cell")
            await bench.press("down", "right", "enter", "escape", "escape", "escape", "V")
        assert bench.shown("#view").startswith("N:")


# Walking


@pytest.mark.parametrize("n", [2, 3, 4])
async def test_a_typed_word_walks_through_the_rows_that_write_it(n: int, words_file: Path):
    async with workbench(words_file, recipe=ENDLESS.with_(n=n)) as bench:
        await bench.press("4")
        for typed in accumulate("emma", initial=""):
            await bench.press(*typed[-1:])
            assert place(bench)[0] == ("." * n + typed)[1 - n :]
        await bench.press(".")
        assert place(bench)[0] == "." * (n - 1)


async def test_typing_at_h_j_k_l_moves_and_does_not_walk(words_file: Path):
    async with workbench(words_file) as bench:
        await bench.press("4", "j", "j", "l", "l", "l", "k", "h")
        assert place(bench) == ("a", "b")


async def test_keys_of_the_app_are_places_until_escape():
    corpus = parse(PANGRAM.replace(" ", "\n").encode() + b"\n[1]?+-=e", "pangram")
    async with workbench(corpus=corpus) as bench:
        await bench.press("4")
        for key in sorted(set(corpus.alphabet.characters) - set("hjkl")):
            await bench.press(key)
            assert place(bench)[0] == key
        assert bench.app.return_code is None
        assert bench.app.session.snapshot.phase is Phase.IDLE
        assert (bench.n, bench.app.pane, bench.app.pace) == (2, 3, 100)
        await bench.press("e", "escape")
        assert isinstance(bench.app.focused, RowBars)
        await bench.press("j", "j", "k", "]")
        await bench.counted()
        assert (bench.n, place(bench)[1]) == (3, corpus.alphabet.characters[0])
        await bench.press("s", "s")
        await looked(bench, 2)
        await bench.press("escape")
        assert isinstance(bench.app.focused, HeatMap)
        await bench.press("escape", "q")
        assert bench.app.return_code == 0


async def test_keys_that_are_no_character_of_the_corpus_stay_keys():
    async with workbench(corpus=FEW) as bench:
        await bench.press("4", "]", "s")
        await bench.steps(1)
        assert bench.n == 3
        await bench.press("g")
        await bench.until(lambda: bench.app.pane == 2, "the generator")


async def test_space_trains_while_the_table_has_the_focus():
    corpus = parse(b"a b\nb a\nc a b", "blanks")
    async with workbench(corpus=corpus, recipe=ENDLESS) as bench:
        await bench.press("4", "space")
        await bench.phase(Phase.RUNNING)
        await bench.press("space")
        await bench.phase(Phase.PAUSED)
        assert isinstance(bench.app.focused, HeatMap)


# Finding


async def test_a_context_is_found_by_its_characters(words_file: Path, words: tuple[str, ...]):
    async with workbench(words_file, recipe=ENDLESS.with_(n=4)) as bench:
        contexts = sorted({context for context, _ in pairs(words, 4)})
        ends = [context for context in contexts if context.endswith("el")]
        wanted = ends + [each for each in contexts if "el" in each[:-1] and each not in ends]
        assert len(ends) > 1
        assert len(wanted) > len(ends)
        await bench.press("4", "down", "right", "/", "e", "l")
        for number, context in enumerate([*wanted, wanted[0]]):
            assert place(bench)[0] == context
            match = number % len(wanted) + 1
            assert f"match {match} of {len(wanted)}" in title(bench)
            await bench.press("down")
        await bench.press("up", "up")
        assert place(bench)[0] == wanted[-1]
        await bench.press("enter")
        assert isinstance(bench.app.focused, HeatMap)
        assert place(bench) == (wanted[-1], "a")
        assert "match" not in title(bench)
        assert not is_seen(bench.app.query_one("#find"))

        await bench.press("/", "z", "o", "e")
        assert place(bench)[0] == "zoe"
        await bench.press("escape")
        assert place(bench) == (wanted[-1], "a")
        assert isinstance(bench.app.focused, HeatMap)


async def test_what_is_not_found_is_told(words_file: Path):
    async with workbench(words_file) as bench:
        await bench.press("4", "e", "/", "[")
        assert "'[' in '[' is not in the corpus's alphabet" in title(bench)
        assert place(bench)[0] == "e"
        await bench.press("backspace", "a", "a")
        assert re.search("no context .*holds this", title(bench))
        await bench.press("down", "up", "backspace")
        assert place(bench)[0] == "a"
        await bench.press("backspace")
        assert "no context" not in title(bench)
        await bench.press("enter")
        assert bench.app.return_code is None


async def test_leaving_the_search_for_another_pane_leaves_it(words_file: Path):
    async with workbench(words_file) as bench:
        await bench.press("4", "/", "e")
        assert await bench.pilot.click("Tab#lens")
        await bench.until(lambda: bench.app.pane == 4, "the lens")
        assert bench.app.query_one("#lens") in bench.app.focused.ancestors
        await bench.press("escape", "4")
        assert place(bench)[0] == "e"


# Where from


async def test_enter_lists_the_words_and_takes_one_to_the_lens(
    words_file: Path, words: tuple[str, ...]
):
    async with workbench(words_file, recipe=ENDLESS.with_(n=3)) as bench:
        await bench.press("4", "e", "l", "/", ".", "e", "enter", "home", "l")
        # The boundary, then the outcomes in the order of the alphabet.
        outcomes = "." + bench.app.corpus.alphabet.characters
        await bench.press("home", *["right"] * outcomes.index("l"))
        assert place(bench) == (".e", "l")
        await bench.press("enter")
        found = await words_found(bench)
        expected = sorted(word for word in words if word.startswith("el"))
        count = pairs(words, 3)[".e", "l"]
        assert found == [["1", f".{word}."] for word in expected]
        assert f"{count} times, in {len(expected)} different words" in bench.shown("#sum")
        await bench.press("down", "enter")
        await bench.until(lambda: bench.app.pane == 4, "the lens")
        assert bench.app.query_one("#word", Input).value == expected[1]


async def test_of_what_never_follows_there_are_no_words(words_file: Path):
    async with workbench(words_file) as bench:
        for leave in ("escape", "q"):
            await bench.press("4", "enter")
            await bench.screen(WhereFromScreen)
            await bench.until(lambda: "never" in bench.shown("#sum"), "never")
            await bench.press("enter", leave)
            assert isinstance(bench.app.focused, HeatMap)
            assert bench.app.pane == 3
