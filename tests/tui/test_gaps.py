"""The ranking beside the loss chart: which contexts the gap between loss and floor is made of."""

import math
import re
from collections import Counter
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest
import torch
from explorer import looked, pairs, place, row_sums
from test_markup import check_that_nothing_is_obeyed, nasty_corpus
from torch import Tensor
from workbench import ENDLESS, Bench, is_seen, rows, settle, workbench

from model.evaluation import gap_by_context
from model.language_model import LanguageModel
from model.ngrams import Ngrams
from model.session import Phase, Trained
from tui.look import Gaps
from tui.messages import LookTaken, LookWeighed
from tui.panes.explorer import NO_NETWORK, ExplorerPane
from tui.widgets.live_table import LiveTable

WIDE = (160, 44)
SIZES = [(80, 24), (100, 30), (160, 44), (60, 16), (200, 60)]


def ranking(bench: Bench) -> LiveTable:
    return bench.app.query_one("#gaps", LiveTable)


def lines(bench: Bench) -> list[list[str]]:
    """The cells of what is shown of the ranking, without its head and its scrollbar."""
    shown = [re.sub(r"[█▁-▏ ]+$", "", row) for row in rows(ranking(bench))[1:]]
    return [row.split() for row in shown if row.strip()]


async def ranked(bench: Bench, steps: int) -> None:
    """Do some steps, and wait until they are looked at."""
    await bench.press("2", *["s"] * steps)
    await looked(bench, steps)


def plain_gaps(bench: Bench, words: list[str], n: int) -> dict[str, float]:
    """What each context adds to the gap, by loops."""
    counts = pairs(words, n)
    sums, total = row_sums(counts), sum(counts.values())
    contexts = sorted(sums)
    outcomes = sorted({outcome for _, outcome in counts})
    weights = bench.app.look.network.W.tolist()
    gaps: Counter[str] = Counter()
    for (context, outcome), number in counts.items():
        row = weights[contexts.index(context)]
        q = math.exp(row[outcomes.index(outcome)]) / sum(map(math.exp, row))
        gaps[context] += number / total * math.log(number / sums[context] / q)
    return gaps


async def test_without_a_run_there_is_no_ranking(words_file: Path):
    async with workbench(words_file, recipe=ENDLESS, size=WIDE) as bench:
        await bench.press("2")
        assert not is_seen(ranking(bench))
        await ranked(bench, 1)
        assert is_seen(ranking(bench))
        bench.app.session.clear()
        await bench.until(lambda: not is_seen(ranking(bench)), "the end of the run")


@pytest.mark.parametrize("n", [2, 3])
async def test_the_shares_are_those_of_the_headlines_gap(n: int, words_file: Path):
    async with workbench(words_file, recipe=ENDLESS.with_(n=n), size=(200, 120)) as bench:
        await bench.press("2", "z")
        await ranked(bench, 3)
        gaps = plain_gaps(bench, bench.app.corpus.words, n)
        expected = sorted(sorted(gaps), key=lambda context: -gaps[context])[: len(lines(bench))]
        shown = lines(bench)
        assert [line[0] for line in shown] == expected
        assert len(shown) == len(gaps) if n == 2 else len(shown) > 40
        for context, share, nats in shown:
            assert float(share.rstrip("%")) == pytest.approx(
                100 * gaps[context] / sum(gaps.values()), abs=0.051
            )
            assert float(nats) == pytest.approx(gaps[context], abs=6e-6)
        # The loss in the headline is the one before the step's change of W: the gap is its next.
        await bench.press("s")
        await bench.until(lambda: bench.app.snapshot.step == 4, "the step")
        gap = float(re.search(r"gap (\d\.\d{4})", bench.shown("#headline"))[1])
        assert sum(gaps.values()) == pytest.approx(gap, abs=1e-4)


async def test_the_ranking_is_live(words_file: Path):
    async with workbench(words_file, recipe=ENDLESS, size=WIDE) as bench:
        await ranked(bench, 1)
        before = lines(bench)
        await bench.press("f", "space")
        await looked(bench, 20)
        await bench.until(lambda: lines(bench) != before, "another ranking")
        await bench.press("space")
        await bench.phase(Phase.PAUSED)
        await bench.until(
            lambda: bench.app.look.gaps.step == bench.app.snapshot.step, "the last look"
        )
        gaps = plain_gaps(bench, bench.app.corpus.words, 2)
        shown = [gaps[line[0]] for line in lines(bench)]
        assert shown == pytest.approx(sorted(gaps.values(), reverse=True)[: len(shown)], abs=1e-7)


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> Event:
    """Until it is set, no gaps are known."""
    known, plainly = Event(), gap_by_context

    def in_time(model: LanguageModel, ngrams: Ngrams) -> Tensor:
        assert known.wait(60)
        return plainly(model, ngrams)

    monkeypatch.setattr("model.evaluation.gap_by_context", in_time)
    return known


async def test_the_network_is_shown_before_its_gaps_are_known(words_file: Path, known: Event):
    async with workbench(words_file, recipe=ENDLESS, size=WIDE) as bench:
        await bench.press("2", "s")
        await bench.until(lambda: bench.app.look, "the network")
        assert not is_seen(ranking(bench))
        await bench.press("4", "S", "S")
        assert "network P" in bench.shown("#cell")
        assert "its gap is being computed" in bench.shown("#cell")
        assert "still being computed" in (await bench.notification()).message
        assert "alphabetical" in bench.shown("#view")
        known.set()
        await looked(bench, 1)
        assert re.search(r"its gap \d.* nats", bench.shown("#cell"))
        await bench.press("S", "S")
        assert "gap as of step 1" in bench.shown("#view")


async def test_a_network_is_shown_anew_while_its_gaps_stay_as_they_were(
    words_file: Path, known: Event
):
    async with workbench(words_file, recipe=ENDLESS, size=WIDE) as bench:
        await bench.press("2", "4", "space")
        await bench.until(lambda: bench.app.snapshot.step > 100, "a second")
        known.set()
        await looked(bench, 0)
        gaps, steps = bench.app.look.gaps, set()

        def anew() -> bool:
            look, figures = bench.app.look, bench.shown("#cell")
            if look.gaps is gaps and f"of all {gaps.total:.4f} at step {gaps.step:,}" in figures:
                steps.add(look.step)
            return len(steps) > 4

        await bench.until(anew, "the network of other steps")


async def test_gaps_are_shown_even_if_another_look_comes_before_the_next_frame(
    words_file: Path, known: Event, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("tui.app.FRAMES_PER_SECOND", 0.001)  # the test pulls
    async with workbench(words_file, recipe=ENDLESS, size=WIDE) as bench:
        await bench.press("2", "s", "4")
        await bench.until(lambda: bench.app.pull() or bench.app.look, "a look")
        look = bench.app.look
        gaps = Gaps(look.step, torch.zeros(1), torch.arange(1), 0.0)
        bench.app.post_message(LookWeighed(replace(look, gaps=gaps), 0.0))
        bench.app.post_message(LookTaken(replace(look), 0.0))
        await settle(bench.pilot)
        bench.app.pull()
        assert bench.app.look.gaps is gaps
        known.set()


async def test_a_network_that_diverges_is_not_shown(
    words_file: Path, monkeypatch: pytest.MonkeyPatch
):
    async with workbench(words_file, recipe=ENDLESS, size=WIDE) as bench:
        plainly = bench.app.local.trained

        def diverged() -> Future[Trained | None]:
            future = plainly()
            trained = future.result()
            assert trained is not None
            trained.network.W.data.fill_(math.nan)
            return future

        monkeypatch.setattr(bench.app.local, "trained", diverged)
        await bench.press("4", "2", "s")
        assert (await bench.message(LookTaken)).look is None
        await bench.press("4")
        assert NO_NETWORK in bench.shown("#cell")


async def test_enter_follows_a_context_to_the_explorer(words_file: Path):
    async with workbench(words_file, recipe=ENDLESS.with_(n=3), size=WIDE) as bench:
        await ranked(bench, 2)
        await bench.press("shift+tab")
        assert bench.app.focused is ranking(bench)
        await bench.press("down", "down", "down")
        chosen = lines(bench)[3][0]
        await bench.press("enter")
        await bench.until(lambda: is_seen(bench.app.query_one(ExplorerPane)), "the explorer")
        assert place(bench)[0] == chosen
        await bench.press("S", "2", "shift+tab", "home", "down")
        chosen = lines(bench)[1][0]
        await bench.press("enter")
        await bench.until(lambda: place(bench)[0] == chosen, chosen)


async def test_the_cursor_stays_on_its_context_while_ranks_change(words_file: Path):
    async with workbench(words_file, recipe=ENDLESS, size=WIDE) as bench:
        await ranked(bench, 1)
        await bench.press("shift+tab", *["down"] * 5)

        def context() -> str:
            table = ranking(bench)
            return lines(bench)[table.cursor - table.scroll_offset.y][0]

        chosen, order = context(), lines(bench)
        assert chosen == order[5][0]
        await bench.press("f", "space")
        for _ in range(4):
            await looked(bench, bench.app.look.step + 1)
            assert context() == chosen
        await bench.until(lambda: lines(bench) != order, "other ranks")
        assert context() == chosen


@pytest.mark.parametrize("size", SIZES)
async def test_the_ranking_fits_beside_the_curve(size: tuple[int, int], words_file: Path):
    async with workbench(words_file, recipe=ENDLESS, size=size) as bench:
        await ranked(bench, 2)
        for zoom in ("z", "z"):
            gaps = ranking(bench)
            chart = bench.app.query_one("#loss")
            assert gaps.region in bench.app.query_one("#training").region
            assert chart.region.right <= gaps.region.x
            assert chart.size.width >= 10
            shares = [float(line[1].rstrip("%")) for line in lines(bench)]
            assert shares
            assert shares == sorted(shares, reverse=True)
            assert "gap" in rows(gaps)[0]
            assert "by row" in rows(gaps)[0]
            await bench.press(zoom)


async def test_any_contexts_are_shown_and_nothing_is_obeyed():
    async with workbench(corpus=nasty_corpus(), recipe=ENDLESS.with_(n=3), size=WIDE) as bench:
        await ranked(bench, 1)
        await bench.press("z")
        check_that_nothing_is_obeyed(bench)
        await bench.press("shift+tab", "end", "enter")
        check_that_nothing_is_obeyed(bench)
