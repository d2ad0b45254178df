"""The smoothing pane: k and the penalty on W, and the held-out words to choose them by."""

import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from test_markup import check_that_nothing_is_obeyed, nasty_corpus
from textual.widgets import Static
from workbench import ENDLESS, WORDS, Bench, workbench

from model.corpus import Corpus, parse
from model.counts import MOST_K, CountModel
from model.evaluation import nll
from model.ngrams import count
from model.recipe import RECIPES
from model.scoring import score
from model.session import Phase
from model.splits import SEED, split
from tui.held_out import hold_out
from tui.messages import CorpusCounted, KChosen
from tui.panes.smoothing import KS, L2S, HeldOutJudged, HoldingOutFailed, SmoothingPane
from tui.screens.forms import Form
from tui.widgets.chart import Chart, Line, Reference


def pane(bench: Bench) -> SmoothingPane:
    return bench.app.query_one(SmoothingPane)


def text(bench: Bench, place: str) -> str:
    return str(pane(bench).query_one(f"#{place}", Static).content)


def shown(bench: Bench) -> tuple[list[Line], list[Reference]]:
    """The lines and the references of the chart."""
    every = pane(bench).query_one(Chart)._series
    lines = [one for one in every if isinstance(one, Line)]
    return lines, [one for one in every if isinstance(one, Reference)]


async def judged(bench: Bench) -> None:
    """Wait until the present k is judged at the present n and seed."""
    await bench.until(
        lambda: (held_out := pane(bench)._fitting()) and pane(bench).k in held_out.nlls, "the NLLs"
    )


async def smoothing(bench: Bench) -> None:
    """Go to the pane, and wait for its figures."""
    await bench.press("7")
    await judged(bench)


async def k_taken(bench: Bench, k: float) -> None:
    await bench.until(lambda: bench.app.counts and bench.app.counts.k == k, f"k={k}")


def expected(corpus: Corpus, n: int, k: float, seed: int = SEED) -> list[float]:
    """The NLL on train and dev, with nothing of what the pane computes it by."""
    parts = split(corpus, seed)
    model = CountModel(count(parts.train, n), k)
    return [nll(model, count(part, n)) for part in (parts.train, parts.dev)]


# Add-k


@pytest.mark.parametrize("n", [2, 4])
async def test_the_figures_are_those_of_the_count_model(n: int, names: Corpus):
    async with workbench(corpus=names, recipe=RECIPES["converge"].with_(n=n)) as bench:
        await smoothing(bench)
        held_out = pane(bench).held_out
        assert held_out is not None
        for k in (0.0, 0.001, 0.1, 5.0, 1000.0):
            assert held_out.nlls[k] == pytest.approx(expected(names, n, k))
        (train, dev, best, chosen), (floor,) = shown(bench)
        assert (train.xs, dev.xs) == (KS[1:], KS[1:])
        assert train.ys == tuple(held_out.nlls[k].train for k in KS[1:])
        assert dev.ys == tuple(held_out.nlls[k].dev for k in KS[1:])
        lowest = dev.xs[dev.ys.index(min(dev.ys))]
        assert set(best.xs) == {lowest}
        assert set(chosen.xs) == {0.0}
        assert floor.y == pytest.approx(CountModel(count(names, n)).floor)
        assert f"best k     {lowest:g}, dev NLL {min(dev.ys):.4f}" in text(bench, "add-k")
        assert "seed 42" in text(bench, "split")
        for size in ("25,626 train", "3,203 dev", "3,204 test"):
            assert size in text(bench, "split")


async def test_without_smoothing_new_things_are_impossible(names: Corpus):
    async with workbench(corpus=names) as bench:
        await smoothing(bench)
        parts = split(names)
        seen = {pair for word in parts.train.words for pair in pairwise(f".{word}.")}
        pairs = [pair for word in parts.dev.words for pair in pairwise(f".{word}.")]
        new = [pair for pair in pairs if pair not in seen]
        assert new
        assert f"dev ∞ ({len(new)} of {parts.dev.examples:,} tokens" in text(bench, "unsmoothed")
        floor = CountModel(count(parts.train, 2)).floor
        assert f"train {floor:.4f}" in text(bench, "unsmoothed")
        assert "dev NLL    ∞" in text(bench, "add-k")
        assert "not on this axis" in text(bench, "legend")


async def test_k_reaches_the_counts_and_the_scores(words_file: Path, corpus: Corpus):
    async with workbench(words_file) as bench:
        before = bench.app.counts
        await smoothing(bench)
        await bench.press("right", "right", "right")
        await k_taken(bench, KS[3])
        assert pane(bench).k == KS[3]
        assert [message.k for message in bench.posted(KChosen)] == list(KS[1:4])
        assert bench.app.counts.ngrams is before.ngrams
        model = CountModel(count(corpus, 2), KS[3])
        assert score(bench.app.counts, "xq").nll == pytest.approx(score(model, "xq").nll)
        train, dev = expected(corpus, 2, KS[3])
        assert f"train NLL  {train:.4f}, perplexity {math.exp(train):.2f}" in text(bench, "add-k")
        assert f"dev NLL    {dev:.4f}, perplexity {math.exp(dev):.2f}" in text(bench, "add-k")
        (_, _, _, chosen), (floor,) = shown(bench)
        assert chosen.xs == (KS[3], KS[3])
        assert chosen.ys == pytest.approx((train, dev))
        assert floor.y == before.floor
        await bench.press("left", "left", "left", "left")
        await k_taken(bench, 0.0)


async def test_keys_come_faster_than_the_app_follows(words_file: Path):
    async with workbench(words_file) as bench:
        await smoothing(bench)
        for _ in range(5):
            pane(bench).action_change_k(1)
            pane(bench).action_change_l2(1)
        assert (pane(bench).k, pane(bench).l2) == (KS[5], L2S[5])
        await k_taken(bench, KS[5])
        await bench.until(lambda: bench.app.recipe.l2 == L2S[5], "the penalty")
        assert (pane(bench).k, pane(bench).l2) == (KS[5], L2S[5])


async def test_b_takes_the_best_and_0_takes_none(words_file: Path, corpus: Corpus):
    async with workbench(words_file) as bench:
        await smoothing(bench)
        await bench.press("b", "up", "up")
        best = min(KS, key=lambda k: expected(corpus, 2, k)[1])
        assert best > 0
        await k_taken(bench, best)
        assert f"k = {best:g}" in text(bench, "legend")
        await bench.press("0")
        await k_taken(bench, 0.0)
        await bench.until(lambda: bench.app.recipe.l2 == 0.0, "no penalty")


async def test_k_outlives_another_order_and_corpus(words_file: Path, tmp_path: Path):
    other = tmp_path / "other.txt"
    other.write_text("".join(f"{word[::-1]}\n" for word in WORDS))
    async with workbench(words_file) as bench:
        await smoothing(bench)
        await bench.press("right", "]")
        await bench.until(lambda: bench.app.counts and bench.app.counts.ngrams.n == 3, "n=3")
        await judged(bench)
        assert bench.app.counts.k == pane(bench).k == KS[1]
        assert "n=3" in text(bench, "split")
        train, dev = expected(bench.app.corpus, 3, KS[1])
        assert f"{train:.4f}" in text(bench, "add-k")
        assert f"{dev:.4f}" in text(bench, "add-k")
        bench.app.open_corpus(str(other))
        await bench.message(CorpusCounted, 3)
        await judged(bench)
        assert bench.app.counts.k == KS[1]
        assert f"{expected(bench.app.corpus, 3, KS[1])[0]:.4f}" in text(bench, "add-k")


# The penalty


async def test_the_penalty_changes_a_run_that_goes_on(words_file: Path):
    async with workbench(words_file, recipe=ENDLESS) as bench:
        await smoothing(bench)
        await bench.press("f", "space")
        await bench.steps(500)
        snapshot = bench.app.session.snapshot
        before = bench.app.session.trained().result(timeout=60).network.W.square().mean()
        await bench.press(*["up"] * 10)
        assert pane(bench).l2 == bench.app.recipe.l2 == L2S[10]
        await bench.until(lambda: bench.app.session.snapshot.recipe.l2 == L2S[10], "the penalty")
        await bench.steps(bench.app.session.snapshot.step + 500)
        now = bench.app.session.snapshot
        after = bench.app.session.trained().result(timeout=60).network.W.square().mean()
        assert (now.run, now.phase, now.floor) == (snapshot.run, Phase.RUNNING, snapshot.floor)
        assert not bench.notifications
        assert after < before / 4
        assert now.loss > snapshot.loss + 0.1
        await bench.press("space")
        await bench.phase(Phase.PAUSED)
        now = bench.app.snapshot
        assert f"L2 penalty {L2S[10]:g} " in text(bench, "penalty")
        assert f"loss  {now.loss:.4f}" in text(bench, "penalty")
        gap = now.loss - now.floor
        assert f"{gap:.4f} above floor {now.floor:.4f}" in text(bench, "penalty")
        await bench.press(*["down"] * 12)
        await bench.until(lambda: bench.app.session.snapshot.recipe.l2 == 0.0, "no penalty")
        assert bench.app.session.snapshot.run == now.run


async def test_each_state_of_a_run_is_told(words_file: Path):
    async with workbench(words_file) as bench:
        await smoothing(bench)
        assert "space starts one" in text(bench, "penalty")
        await bench.train()
        assert "finished at step 101" in text(bench, "penalty")


# Exact numbers


async def test_the_form_takes_any_numbers(words_file: Path, corpus: Corpus):
    async with workbench(words_file, recipe=ENDLESS) as bench:
        await smoothing(bench)
        await bench.press("s")
        await bench.steps(1)
        run = bench.app.session.snapshot.run
        await bench.press("e")
        await bench.screen(Form)
        for field, value in {"#k": "0.37", "#l2": "0.042", "#seed": "7"}.items():
            await bench.fill(field, value)
        await bench.press("enter")
        await k_taken(bench, 0.37)
        await judged(bench)
        assert bench.app.recipe == replace(ENDLESS, l2=0.042)
        assert bench.app.session.snapshot.run == run
        assert "seed 7" in text(bench, "split")
        train, dev = expected(corpus, 2, 0.37, 7)
        assert f"{train:.4f}" in text(bench, "add-k")
        assert f"{dev:.4f}" in text(bench, "add-k")
        assert shown(bench)[0][3].ys == pytest.approx((train, dev))
        await bench.press("right", "down")
        await k_taken(bench, 0.5)
        await bench.until(lambda: bench.app.recipe.l2 == 0.02, "the penalty")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("k", "-1"),
        ("k", "nan"),
        ("k", "inf"),
        ("k", "1e7"),
        ("k", "many"),
        ("k", ""),
        ("l2", "-0.1"),
        ("l2", "1e999"),
        ("seed", "-1"),
        ("seed", "1.5"),
    ],
)
async def test_what_is_no_such_number_is_not_taken(words_file: Path, field: str, value: str):
    async with workbench(words_file) as bench:
        await smoothing(bench)
        await bench.press("e")
        await bench.screen(Form)
        await bench.fill(f"#{field}", value)
        await bench.press("enter")
        assert isinstance(bench.app.screen, Form)
        assert bench.app.screen.query_one(f"#{field}-error").display
        await bench.press("escape")
        assert (pane(bench).k, pane(bench).l2, pane(bench).seed) == (0.0, 0.0, SEED)


async def test_any_k_is_judged_on_the_axis_or_not(words_file: Path, corpus: Corpus):
    async with workbench(words_file) as bench:
        await smoothing(bench)
        for k in (1e-300, MOST_K):
            pane(bench).choose_k(k)
            await k_taken(bench, k)
            await judged(bench)
            assert "not on this axis" in text(bench, "legend")
        assert f"{math.log(len(corpus.alphabet)):.4f}" in text(bench, "add-k")


# What cannot be held out, and what is not asked for


@pytest.mark.parametrize("words", [1, 2, 5])
async def test_too_few_words_are_told(words: int, tmp_path: Path):
    tiny = parse("\n".join(WORDS[:words]).encode(), "tiny")
    async with workbench(corpus=tiny) as bench:
        await bench.press("7")
        failure = await bench.message(HoldingOutFailed)
        await bench.until(lambda: failure.reason in bench.shown("#nll-by-k"), "the reason")
        await bench.press("b", "right")
        await k_taken(bench, KS[1])
        assert len(bench.notifications) == 1
        await bench.press("]")
        await bench.message(HoldingOutFailed, 2)
        assert not bench.posted(HeldOutJudged)


async def test_a_few_words_are_enough():
    tiny = parse("\n".join(WORDS[:6]).encode(), "tiny")
    async with workbench(corpus=tiny, recipe=ENDLESS.with_(n=10)) as bench:
        await smoothing(bench)
        assert "4 train + 1 dev + 1 test" in text(bench, "split")


async def test_a_larger_corpus_follows_one_that_is_too_small(tmp_path: Path, words_file: Path):
    async with workbench(corpus=parse(b"a\nb", "tiny")) as bench:
        await bench.press("7")
        await bench.message(HoldingOutFailed)
        bench.app.open_corpus(str(words_file))
        await bench.message(HeldOutJudged)
        await judged(bench)
        assert "32 train" in text(bench, "split")


async def test_nothing_is_computed_while_nobody_looks(words_file: Path):
    async with workbench(words_file) as bench:
        await bench.press("]")
        await bench.counted()
        await bench.workers()
        assert not bench.posted(HeldOutJudged)
        await smoothing(bench)
        await bench.press("2")
        await bench.until(lambda: not pane(bench).seen, "another pane")
        await bench.press("]")
        await bench.counted()
        await bench.workers()
        assert len(bench.posted(HeldOutJudged)) == 1


async def test_a_late_answer_is_not_shown(words_file: Path, corpus: Corpus):
    async with workbench(words_file) as bench:
        await smoothing(bench)
        late = hold_out(corpus, 5, SEED, KS)
        pane(bench).post_message(HeldOutJudged(late))
        await bench.until(lambda: late in [one.held_out for one in bench.posted(HeldOutJudged)])
        await judged(bench)
        assert "n=2" in text(bench, "split")


def test_what_still_holds_is_kept(corpus: Corpus):
    first = hold_out(corpus, 2, SEED, KS)
    longer = hold_out(corpus, 3, SEED, KS, first)
    assert longer.parts is first.parts
    more = hold_out(corpus, 3, SEED, [*KS, 0.3], longer)
    assert more.train is longer.train
    assert more.nlls[0.3] == pytest.approx(expected(corpus, 3, 0.3))
    assert hold_out(corpus, 3, 1, KS, more).parts.train.text != more.parts.train.text


# What it looks like


@pytest.mark.parametrize("name", ["[bold]x\x1b[31m", "[/]\u202ex"])
async def test_nothing_in_a_corpus_is_obeyed(name: str):
    async with workbench(corpus=nasty_corpus(name)) as bench:
        await smoothing(bench)
        await bench.press("right")
        check_that_nothing_is_obeyed(bench)


async def test_everything_has_its_place_on_a_small_screen(words_file: Path):
    async with workbench(words_file, size=(80, 24)) as bench:
        await smoothing(bench)
        inside = pane(bench).content_region
        for widget in pane(bench).query("Static, Chart"):
            assert widget.region in inside
            assert widget.size.area
        for place in ("legend", "unsmoothed", "split"):
            assert len(text(bench, place)) <= inside.width
        for place in ("add-k", "penalty"):
            assert all(len(line) <= inside.width // 2 for line in text(bench, place).splitlines())
