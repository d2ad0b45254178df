"""The explorer while things change: sorting, a run in the background, other corpora."""

import math
import re
from collections import Counter
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
    table,
    title,
    words_found,
)
from test_markup import NASTY, check_that_nothing_is_obeyed, nasty_corpus
from textual.message import Message
from textual.messages import Layout
from workbench import ENDLESS, Bench, keys_shown, rows, workbench

import tui.look_bench
import tui.screens.where_from
from model.alphabet import label
from model.corpus import Corpus, parse
from model.occurrences import Occurrence
from model.session import Phase
from model.tables import VIEWS
from tui.panes.explorer import NO_NETWORK
from tui.screens.where_from import WhereFromScreen

WIDE = (160, 44)


# Sorting and the scale


def ranked(words: tuple[str, ...], n: int) -> list[str]:
    """The contexts, the most frequent first."""
    sums = row_sums(pairs(words, n))
    return sorted(sorted(sums), key=lambda context: -sums[context])


async def test_rows_are_sorted_and_the_cursor_stays_on_its_context(
    words_file: Path, words: tuple[str, ...]
):
    async with workbench(words_file, recipe=ENDLESS.with_(n=3), size=WIDE) as bench:
        contexts = sorted({context for context, _ in pairs(words, 3)})
        await bench.press("2", "s", "4", *"emm", "right", "right")
        await looked(bench, 1)
        before = place(bench)
        assert before == ("mm", "b")
        assert labels(bench) == contexts[contexts.index(labels(bench)[0]) :][: len(labels(bench))]

        await bench.press("S")
        assert place(bench) == before
        assert "frequen" in bench.shown("#view")
        await bench.press("ctrl+home")
        assert labels(bench) == ranked(words, 3)[: len(labels(bench))]
        await bench.press("down")
        assert place(bench)[0] == ranked(words, 3)[1]
        for typed in ("e", "m", "m"):
            await bench.press(typed)
        assert place(bench) == before

        await bench.press("S")
        assert place(bench) == before
        assert re.search(r"gap.* step 1\b", bench.shown("#view"))
        await bench.press("ctrl+home")
        known = bench.app.look.gaps
        gaps = dict(zip(contexts, known.by_context.tolist(), strict=True))
        shown = [gaps[context] for context in labels(bench)]
        assert shown == sorted(gaps.values(), reverse=True)[: len(shown)]
        assert f"its gap {shown[0]:.2g} nats, {100 * shown[0] / known.total:.1f}% of all" in (
            figures(bench)
        )

        await bench.press(*"emm", "S")
        assert place(bench) == before
        assert "alphabetical" in bench.shown("#view")


async def test_the_gaps_of_the_rows_are_a_plain_divergence(words_file: Path):
    async with workbench(words_file, recipe=ENDLESS, size=WIDE) as bench:
        await bench.press("2", "s", "s", "s", "4")
        await looked(bench, 3)
        words = bench.app.corpus.words
        counts = pairs(words, 2)
        sums, total = row_sums(counts), sum(counts.values())
        names = sorted(sums)
        weights = bench.app.look.network.W.tolist()
        gaps: Counter[str] = Counter()
        for (context, outcome), number in counts.items():
            row = weights[names.index(context)]
            q = math.exp(row[names.index(outcome)]) / sum(map(math.exp, row))
            gaps[context] += number / total * math.log(number / sums[context] / q)
        await bench.press("S", "S")
        assert labels(bench) == sorted(names, key=lambda name: -gaps[name])[: len(labels(bench))]
        for context in names[1::5]:
            await bench.press("/", context, "enter")
            assert f"its gap {gaps[context]:.2g} nats" in figures(bench)
            assert f"of all {sum(gaps.values()):.4f}" in figures(bench)


async def test_without_a_network_there_are_no_gaps_to_sort_by(words_file: Path):
    async with workbench(words_file) as bench:
        await bench.press("4", "S")
        assert "frequen" in bench.shown("#view")
        await bench.press("S")
        note = await bench.notification()
        assert NO_NETWORK in note.message
        assert "alphabetical" in bench.shown("#view")


async def test_f_fixes_the_scale(words_file: Path):
    async with workbench(words_file, recipe=ENDLESS.with_(n=3), size=(160, 20)) as bench:
        await bench.press("4", "V")
        await show_view(bench, "N")
        legends: dict[str, set[str]] = {"follows the data": set(), "fixed": set()}
        for how, found in legends.items():
            for key in ("ctrl+home", *["pagedown"] * 8):
                await bench.press(key)
                legend = rows(table(bench))[-1].partition(" row ")[0].strip()
                assert legend.endswith(f"scale, {how}")
                found.add(legend)
            await bench.press("F")
        assert len(legends["follows the data"]) > 1
        assert len(legends["fixed"]) == 1


# While a run trains


async def test_the_rows_and_the_cursor_stay_while_a_run_trains(words_file: Path):
    async with workbench(words_file, recipe=ENDLESS.with_(n=3), size=(160, 30)) as bench:
        await bench.press("2", "s", "4")
        await looked(bench, 1)
        await bench.press("S", "S", "pagedown", "pagedown", "up", "right", "right", "right")
        await show_view(bench, "network P")
        before, shown = (labels(bench), place(bench), table(bench).row), figures(bench)
        assert before[2] > 20
        await bench.press("escape", "f", "space", "escape")
        for _ in range(4):
            step = bench.app.look.step
            await looked(bench, step + 1)
            await bench.until(
                lambda: f"step {bench.app.look.step:,}" in bench.shown("#view"), "the step"
            )
            assert (labels(bench), place(bench), table(bench).row) == before
            assert re.search(r"gap.* step 1\b.* step", bench.shown("#view"))
        assert figures(bench) != shown
        assert bench.app.session.snapshot.phase is Phase.RUNNING


async def test_keys_work_while_a_run_trains(words_file: Path):
    async with workbench(words_file, recipe=ENDLESS, size=WIDE) as bench:
        await bench.press("4", "space", *"emm")
        await looked(bench, 1)
        for view in VIEWS:
            assert bench.shown("#view").startswith(f"{view.name}:")
            assert place(bench)[0] == "m"
            await bench.press("S", "F", "V")
        await bench.press("enter")
        await bench.screen(WhereFromScreen)
        step = bench.app.look.step
        await bench.until(lambda: bench.app.look.step > step, "another look")
        await bench.press("escape", "/", "e", "enter", "space")
        await bench.phase(Phase.PAUSED)
        assert place(bench)[0] == "e"


async def test_the_end_of_a_run_leaves_the_counts(words_file: Path):
    async with workbench(words_file, recipe=ENDLESS, size=WIDE) as bench:
        await bench.press("2", "s", "4", "e")
        await looked(bench, 1)
        await show_view(bench, "W")
        assert NO_NETWORK not in bench.shown("#table") + figures(bench)
        bench.app.session.clear()
        await bench.until(lambda: NO_NETWORK in bench.shown("#table"), "the end")
        assert NO_NETWORK in figures(bench)
        assert place(bench)[0] == "e"


# Another order, corpus, k


async def test_another_order_starts_in_the_first_row(words_file: Path, words: tuple[str, ...]):
    async with workbench(words_file, size=WIDE) as bench:
        await bench.press("4", "e", "right", "S")
        for n in (3, 4, 5):
            await bench.press("]")
            await bench.counted()
            assert labels(bench) == ranked(words, n)[: len(labels(bench))]
            assert place(bench)[0] == ranked(words, n)[0]
            await bench.press("ctrl+end")
            assert place(bench)[0] == ranked(words, n)[-1]


@pytest.mark.parametrize("view", ["N", "W", "difference"])
async def test_another_order_while_a_run_is_looked_at(
    view: str, words_file: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("tui.app.FRAMES_PER_SECOND", 0.001)  # the test pulls
    async with workbench(words_file, recipe=ENDLESS, size=WIDE) as bench:
        await bench.press("2", "s", "4")
        await bench.until(lambda: bench.app.pull() or bench.app.look, "a look")
        await show_view(bench, view)
        await bench.press("]")
        await bench.counted()  # and the run's end is not pulled yet
        assert place(bench)[0] == ".."
        assert NO_NETWORK in figures(bench)


async def test_another_corpus_while_something_is_sought(words_file: Path):
    async with workbench(words_file, recipe=ENDLESS.with_(n=3)) as bench:
        await bench.press("4", "S", "ctrl+end", "/", "a")
        bench.app.open_corpus("tiny", parse(b"one\ntwo", "tiny"))
        await bench.until(lambda: bench.app.corpus.name == "tiny", "the other corpus")
        await bench.counted()
        await bench.press("escape")
        assert place(bench)[0] in ("..", ".o", "on", "ne", ".t", "tw", "wo")


async def test_another_corpus_is_shown(words_file: Path):
    async with workbench(words_file, recipe=ENDLESS.with_(n=3), size=WIDE) as bench:
        await bench.press("4", "ctrl+end", "end", "S")
        for words in (("one", "two"), ("漢字", "語"), ("x",)):
            corpus = parse("\n".join(words).encode(), words[0])
            bench.app.open_corpus("given", corpus)
            await bench.until(lambda corpus=corpus: bench.app.corpus is corpus, "the corpus")
            await bench.counted()
            assert labels(bench) == ranked(words, 3)
            await bench.press("home", words[0][0])
            assert place(bench) == (f".{words[0][0]}", ".")


async def test_smoothing_moves_p_and_not_the_counts(words_file: Path, words: tuple[str, ...]):
    async with workbench(words_file, size=WIDE) as bench:
        await bench.press("4", "V", "e", "home", "right")
        counts = pairs(words, 2)
        total, size = row_sums(counts)["e"], len(bench.app.corpus.alphabet)
        for k in (0, 1, 20, 0):
            bench.app.smooth(k)
            await bench.press("left", "right")
            p = (counts["e", "a"] + k) / (total + k * size)
            assert place(bench) == ("e", "a")
            assert f"count {counts['e', 'a']} of {total} · P {p:.4f}" in figures(bench)
            assert float(cursor(bench)) == pytest.approx(p, abs=0.006)


# Corpora of all kinds


async def test_without_a_corpus_every_key_is_harmless(tmp_path: Path):
    async with workbench(tmp_path / "missing.txt", wait=False) as bench:
        await bench.notification()
        await bench.press("4", "V", "S", "F", "/", "enter", "down", "right", "e", ".", "escape")
        await bench.press("ctrl+end", "home", "pagedown", "enter", "escape", "j", "V", "escape")
        assert bench.app.return_code is None
        assert not figures(bench)
        bench.app.open_corpus("given", parse(b"ab", "given"))
        await bench.counted()
        await show_view(bench, "N")
        assert labels(bench) == [".", "a", "b"]


async def test_without_a_corpus_it_says_so(tmp_path: Path):
    async with workbench(tmp_path / "missing.txt", wait=False) as bench:
        await bench.notification()
        await bench.press("4")
        assert "counting" not in bench.shown("#table")


async def seen_everywhere(bench: Bench) -> None:
    """Go through every view and every row."""
    for _ in VIEWS:
        await bench.press("ctrl+home", "pagedown", "ctrl+end", "end", "V")
        check_that_nothing_is_obeyed(bench)


@pytest.mark.parametrize("n", [2, 4])
async def test_any_words_are_shown_and_nothing_is_obeyed(n: int):
    async with workbench(corpus=nasty_corpus(), recipe=ENDLESS.with_(n=n), size=WIDE) as bench:
        await bench.press("2", "s", "4")
        await looked(bench, 1)
        await seen_everywhere(bench)
        typed = {one for one in "".join(NASTY) if one.isprintable() and one.isascii()}
        for character in sorted(typed - set("hjkl VSF/.")):
            await bench.press(character)
            assert place(bench)[0].endswith(label(character))
        await bench.press("/", "\\", ".", "enter", "enter")
        await bench.screen(WhereFromScreen)
        await bench.workers()
        check_that_nothing_is_obeyed(bench)


async def test_the_words_behind_every_cell_of_any_corpus_are_shown():
    async with workbench(corpus=nasty_corpus(), size=WIDE) as bench:
        await bench.press("4")
        for token in range(1, len(bench.app.corpus.alphabet), 25):
            character = bench.app.corpus.alphabet.characters[token - 1]
            await bench.press("ctrl+home", "home", *["down"] * token)
            assert place(bench) == (label(character), ".")
            await bench.press("enter")
            found = await words_found(bench)
            expected = [word for word in NASTY if word.endswith(character)]
            assert len(found) == len(expected)
            told = rf"{len(expected)} times?, in {len(expected)} different words?\b"
            assert re.search(told if expected else "never", bench.shown("#sum"))
            check_that_nothing_is_obeyed(bench)
            await bench.press("escape")


@pytest.mark.parametrize(
    "word", [".", "a b", "[\u202ex]", "\x1b[31m", "ab漢字" * 20], ids=lambda word: repr(word[:8])
)
async def test_one_word_is_a_table(word: str):
    corpus = Corpus("one", f"{word}\n")
    async with workbench(corpus=corpus, recipe=ENDLESS.with_(n=3), size=(50, 14)) as bench:
        await bench.press("s", "4")
        await bench.until(lambda: "network P" in figures(bench), "the network")
        await seen_everywhere(bench)
        await bench.press("S", "S", "ctrl+home", "/", ".", "enter", "enter")
        await bench.screen(WhereFromScreen)
        await bench.workers()
        check_that_nothing_is_obeyed(bench)
        assert title(bench)


async def test_a_run_that_pauses_is_looked_at_at_once(
    words_file: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(tui.look_bench, "LOOK_SECONDS", 1000)
    async with workbench(words_file, recipe=ENDLESS, size=WIDE) as bench:
        await bench.press("4", "f", "space")
        await looked(bench, 1)
        first = bench.app.look.step
        await bench.steps(first + 100)
        await bench.press("space")
        await bench.phase(Phase.PAUSED)
        await looked(bench, bench.app.session.snapshot.step)


async def test_the_footer_fits_at_the_table():
    async with workbench(corpus=parse("漢字\n語".encode(), "few"), size=(80, 24)) as bench:
        await bench.press("4")
        shown = keys_shown(bench)
        assert len(shown) <= 7
        assert shown[-1] == "q Quit"


@pytest.mark.parametrize("size", [(80, 24), WIDE])
async def test_a_pane_is_shown_however_late_the_screen_is_laid_out(
    words_file: Path, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
):
    async with workbench(words_file, recipe=ENDLESS, size=size) as bench:
        screen, late = bench.app.screen, list[Layout]()
        post = screen.post_message

        def hold(message: Message) -> bool:
            return late.append(message) or True if isinstance(message, Layout) else post(message)

        with monkeypatch.context() as patch:
            patch.setattr(screen, "post_message", hold)
            await bench.press("4")
            table(bench).refresh()
            await bench.pilot.pause(0.1)
            assert table(bench).region  # is asked for, as by what is to be drawn
        for message in late:
            screen.post_message(message)
        await bench.until(lambda: figures(bench).startswith(". → ."), "the figures")


async def test_the_run_is_not_looked_at_when_the_app_has_no_screens_any_more(words_file: Path):
    async with workbench(words_file, recipe=ENDLESS) as bench:
        await bench.press("s", "4")
        await looked(bench, 1)
        bench.app.session.step()
    bench.app.pull()  # as its timer does until the last moment


async def test_a_search_that_fails_says_why_and_not_that_there_is_nothing(
    words_file: Path, monkeypatch: pytest.MonkeyPatch
):
    def fail(*_: object) -> list[Occurrence]:
        raise MemoryError("no room for the words")

    monkeypatch.setattr(tui.screens.where_from, "occurrences", fail)
    async with workbench(words_file, recipe=ENDLESS) as bench:
        await bench.press("4", "enter")
        await bench.screen(WhereFromScreen)
        await bench.until(lambda: "no room for the words" in bench.shown("#sum"), "the reason")
