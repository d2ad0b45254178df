"""Two roads, one table: pairs of words on the same draws, and where they part."""

import re
from dataclasses import replace
from itertools import accumulate
from pathlib import Path

import pytest
from test_markup import check_that_nothing_is_obeyed, nasty_corpus
from workbench import ENDLESS, QUICK, Bench, is_seen, rows, settle, workbench

from model.corpus import Corpus
from model.counts import CountModel
from model.draws import Draws
from model.ngrams import count
from model.recipe import RECIPES
from model.sampling import parting, sample, trace
from model.session import Phase
from tui.look import same_network
from tui.messages import CellFollowed
from tui.panes.roads import ComparingFailed, Comparison, RoadsCompared, RoadsPane
from tui.screens.forms import Form
from tui.screens.trace import TraceScreen
from tui.widgets.live_table import LiveTable

STEPS = 3


def pane(bench: Bench) -> RoadsPane:
    return bench.app.query_one(RoadsPane)


def lines(bench: Bench, table: str = "#pairs") -> list[str]:
    """What is shown of a list, without its head."""
    return [row.rstrip() for row in rows(bench.app.query_one(table))[1:] if row.strip()]


async def compared(bench: Bench, step: int | None = None) -> Comparison:
    """Wait until what is wanted is compared, and shown."""

    def done() -> bool:
        found, app = pane(bench).comparison, bench.app
        return (
            found is not None
            and found.counts is app.counts
            and same_network(found.look, app.look)
            and found.drawing.draws == pane(bench).draws
            and (step is None or found.look.step == step)
        )

    await bench.until(done, "the comparison")
    return pane(bench).comparison


async def begun(bench: Bench, steps: int = STEPS) -> Comparison:
    """A run after a few steps, compared."""
    await bench.press("6", *["s"] * steps)
    return await compared(bench, steps)


async def test_without_a_network_it_says_what_to_do(words_file: Path):
    async with workbench(words_file) as bench:
        await bench.press("6", "enter", "tab", "enter", "n", "n")
        assert "space starts a run" in bench.shown("#compared")
        assert not isinstance(bench.app.screen, TraceScreen)
        await bench.press("s")
        await compared(bench, 1)
        assert "step 1:" in bench.shown("#compared")


async def test_without_a_corpus_it_says_what_to_do(tmp_path: Path):
    async with workbench(tmp_path / "nothing.txt", wait=False) as bench:
        await bench.until(lambda: bench.app.query(RoadsPane), "the panes")
        await bench.notification()
        await bench.press("6", "d", "n", "enter")
        assert "o opens one" in bench.shown("#compared")


async def test_after_convergence_the_words_are_the_same(names_path: Path):
    recipe = RECIPES["converge"].with_(steps=1501, device="cpu")
    async with workbench(names_path, recipe=recipe) as bench:
        await bench.train()
        await bench.press("6")
        found = await compared(bench, 1501)
        identical = found.partings.count(None)
        words = [sample.words for sample in found.drawing.samples.values()]
        assert identical == sum(map(str.__eq__, *words)) >= 95
        assert f"{identical} identical, {100 - identical} part" in bench.shown("#compared")
        assert abs(found.differences[0].first - found.differences[0].second) < 0.01


async def test_at_the_start_the_figures_are_those_of_an_own_computation(
    words_file: Path, corpus: Corpus
):
    async with workbench(words_file) as bench:
        found = await begun(bench)
        counts, network = CountModel(count(corpus, 2)), bench.app.look.network
        words = [sample(model, Draws(count=100)).words for model in (counts, network)]
        apart = sum(one != other for one, other in zip(*words, strict=True))
        head = f"100 words each, seed 0, step 3: {100 - apart} identical, {apart} part"
        assert head in bench.shown("#compared")
        assert apart > 0
        for row in lines(bench):
            number = int(row.split()[0]) - 1
            pair = [each[number] for each in words]
            place = parting(*pair)
            if place is None:
                assert "same" in row
                continue
            stories = [trace(model, Draws(count=100), number) for model in (counts, network)]
            draws = [story[place] for story in stories]
            assert f" {draws[0].context} " in row
            assert f"{draws[0].uniform:.4f}" in row
            for draw, model in zip(draws, (counts, network), strict=True):
                high = list(accumulate(draw.probs))[draw.choice]
                low = high - draw.probs[draw.choice]
                assert low - 1e-9 <= draw.uniform < high + 1e-9
                text = f"{max(low, 0):.3f}–{high:.3f}".replace("0.", ".")
                assert f"{model.alphabet.label(draw.choice):<2}{text}" in row
        ngrams, table = counts.ngrams, counts.P - network.log_probs(
            counts.ngrams.contexts.tokens(bench.app.counts.ngrams.row_sums.argsort().sort().values)
        ).double().exp()  # fmt: skip
        largest = int(table.abs().argmax())
        context, outcome = divmod(largest, len(ngrams.alphabet))
        cell = lines(bench, "#cells")[0].split()
        assert cell[:2] == [*ngrams.context_labels([context]), ngrams.alphabet.label(outcome)]
        assert float(cell[2]) == pytest.approx(float(counts.P[context, outcome]), abs=6e-5)
        assert float(cell[4]) == pytest.approx(-float(table[context, outcome]), abs=6e-5)
        assert int(cell[5]) == int(ngrams.row_sums[context])
        assert found.times[0] == int(ngrams.row_sums[context])


async def test_the_pair_under_the_cursor_is_explained(words_file: Path):
    async with workbench(words_file) as bench:
        found = await begun(bench)
        for each in found.partings[:6]:
            shown = rows(bench.app.query_one("#why"))
            if each is None:
                assert "the same outcome" in shown[0]
            else:
                assert f"u = {each.uniform:.4f}" in shown[0]
                places = {row.index("┃") for row in shown[1:]}
                assert len(places) == 1
                for turn, row in zip(each.turns, shown[1:], strict=True):
                    assert f"draws {turn.outcome}" in row
            await bench.press("down")


async def test_n_hides_the_same_words_and_the_cursor_stays_on_its_pair(words_file: Path):
    async with workbench(words_file) as bench:
        found = await begun(bench)
        apart = [index + 1 for index, each in enumerate(found.partings) if each is not None]
        table = bench.app.query_one("#pairs", LiveTable)
        await bench.press(*["down"] * (apart[2] - 1))
        await bench.press("n")
        shown = lines(bench)
        assert [int(row.split()[0]) for row in shown] == apart[: len(shown)]
        assert table.cursor == 2
        await bench.press("n")
        assert table.cursor == apart[2] - 1
        assert int(lines(bench)[0].split()[0]) <= apart[2]


async def test_d_and_e_draw_other_words(words_file: Path):
    async with workbench(words_file) as bench:
        before = await begun(bench)
        await bench.press("d")
        after = await compared(bench)
        assert after.drawing.draws == replace(before.drawing.draws, seed=1)
        assert "seed 1" in bench.shown("#compared")
        assert after.drawing.samples["counts"].words != before.drawing.samples["counts"].words
        await bench.press("e")
        await bench.screen(Form)
        await bench.fill("#count", "7")
        await bench.fill("#temperature", "0.5")
        await bench.press("enter")
        found = await compared(bench)
        assert len(found.partings) == 7
        assert "7 words each, seed 1" in bench.shown("#compared")
        assert "temperature 0.5" in bench.shown("#compared")


async def test_it_follows_training_and_asks_for_one_thing_at_a_time(words_file: Path):
    async with workbench(words_file, recipe=ENDLESS) as bench:
        await bench.press("6", "f", "space")
        for number in (1, 2, 3):
            await bench.message(RoadsCompared, number)
            working = [one for one in bench.app.workers if one.group == "comparing"]
            assert sum(not one.is_finished for one in working) <= 1
        steps = [each.comparison.look.step for each in bench.posted(RoadsCompared)]
        assert steps == sorted(set(steps))
        assert bench.app.session.snapshot.phase is Phase.RUNNING
        await bench.press("space")
        await bench.phase(Phase.PAUSED)
        await compared(bench, bench.app.session.snapshot.step)


async def test_a_late_answer_is_not_shown(words_file: Path):
    async with workbench(words_file) as bench:
        late = await begun(bench)
        await bench.press("d")
        now = await compared(bench)
        bench.app.query_one(RoadsPane).post_message(RoadsCompared(late))
        await settle(bench.pilot)
        assert pane(bench).comparison is now
        await bench.press("]")
        await bench.counted()
        await bench.until(lambda: bench.app.look is None, "no network")
        assert pane(bench).comparison is None
        bench.app.query_one(RoadsPane).post_message(RoadsCompared(now))
        await settle(bench.pilot)
        assert pane(bench).comparison is None
        await bench.press("s")
        found = await compared(bench, 1)
        assert found.drawing.n == 3


async def test_it_rests_while_it_is_hidden(words_file: Path):
    async with workbench(words_file) as bench:
        await begun(bench)
        await bench.press("5", "escape")
        done = len(bench.posted(RoadsCompared))
        await bench.press("s")
        await bench.until(lambda: bench.app.look.step == STEPS + 1, "a look")
        await bench.workers()
        assert len(bench.posted(RoadsCompared)) == done
        await bench.press("6")
        await compared(bench, STEPS + 1)


async def test_enter_shows_how_a_pair_was_drawn_and_where_a_cell_is(words_file: Path):
    async with workbench(words_file) as bench:
        found = await begun(bench)
        await bench.press("down", "enter")
        await bench.screen(TraceScreen)
        title = str(bench.app.screen.query_one("#trace").border_title)
        assert title == f"2 {found.drawing.samples['counts'].words[1]}"
        await bench.press("c")
        title = str(bench.app.screen.query_one("#trace").border_title)
        assert title == f"2 {found.drawing.samples['network'].words[1]}"
        await bench.press("escape", "tab")
        assert bench.app.focused is bench.app.query_one("#cells")
        await bench.press("down", "enter")
        followed = await bench.message(CellFollowed)
        cell = found.differences[1]
        assert (followed.context, followed.outcome) == (cell.context, cell.outcome)


async def test_smoothed_counts_go_on_where_the_network_has_never_been(words_file: Path):
    async with workbench(words_file, recipe=QUICK.with_(n=4)) as bench:
        bench.app.smooth(1.0)
        await settle(bench.pilot)
        await begun(bench)
        assert "k=1" in bench.shown("#compared")
        unseen = [
            index
            for index, each in enumerate(pane(bench).comparison.partings)
            if each is not None and each.turns[1].outcome is None
        ]
        await bench.press("n")
        shown = "\n".join(lines(bench))
        for _ in range(100):
            if "never seen" in shown:
                break
            await bench.press("pagedown")
            shown = "\n".join(lines(bench))
        assert unseen
        assert "never seen" in shown


async def test_what_cannot_be_drawn_is_told_once(words_file: Path, tmp_path: Path):
    other = tmp_path / "other.txt"
    other.write_text("xxx\nxyx\n")
    async with workbench(words_file) as bench:
        await begun(bench)
        pane(bench).draws = Draws(count=5, prefix="em")
        await compared(bench)
        bench.app.open_corpus(str(other))
        await bench.until(lambda: bench.app.corpus.name == "other.txt", "the other corpus")
        await bench.counted()
        await bench.press("s")
        failure = await bench.message(ComparingFailed)
        assert "em" in failure.reason
        await bench.until(lambda: "e edits the draws" in bench.shown("#compared"), "what to do")
        await bench.press("s")
        await bench.until(lambda: bench.app.look.step == 2, "another look")
        await bench.workers()
        assert len(bench.posted(ComparingFailed)) == 1
        assert [note.message for note in bench.notifications].count(failure.reason) == 1
        pane(bench).draws = Draws(count=5)
        await compared(bench, 2)


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
async def test_words_of_any_corpus_are_compared(size: tuple[int, int]):
    async with workbench(corpus=nasty_corpus("[bold]"), size=size) as bench:
        await begun(bench, 1)
        for _ in range(5):
            await bench.press("pagedown")
            check_that_nothing_is_obeyed(bench)
        await bench.press("tab", "pagedown")
        check_that_nothing_is_obeyed(bench)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
async def test_everything_is_in_the_pane(words_file: Path, size: tuple[int, int]):
    async with workbench(words_file, size=size) as bench:
        await begun(bench)
        whole = pane(bench).region
        for part in ("#compared", "#pairs", "#why", "#cells-head", "#cells"):
            widget = bench.app.query_one(part)
            assert is_seen(widget)
            assert widget.region in whole
        assert len(lines(bench)) >= 7
        assert len(lines(bench, "#cells")) >= 5
        for row in (*lines(bench), *lines(bench, "#cells")):
            assert re.match(r" *\S+ ", row)
