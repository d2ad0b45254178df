"""How a word was drawn, character by character."""

from pathlib import Path

import pytest
from generating import draw, edit, source, table
from textual.widgets import DataTable
from workbench import Bench, cells, workbench

from model.sampling import trace
from tui.messages import WordsDrawn
from tui.screens.help import HelpScreen
from tui.screens.trace import TraceScreen


def draws_shown(bench: Bench) -> list[list[str]]:
    return cells(bench.app.screen.query_one("#steps", DataTable))


def title(bench: Bench) -> str:
    return str(bench.app.screen.query_one("#trace").border_title)


async def test_enter_shows_how_the_word_was_drawn(words_file: Path):
    async with workbench(words_file) as bench:
        drawing = (await draw(bench)).drawing
        await bench.press("down", "down", "enter")
        await bench.screen(TraceScreen)
        word = drawing.samples["counts"][2]
        assert word.word in title(bench)
        shown = draws_shown(bench)
        assert "".join(row[1] for row in shown) == f"{word.word}."
        assert sum(float(row[3]) for row in shown) == pytest.approx(word.nll, abs=5e-4 * len(shown))
        assert f"{word.nll:.4f}" in bench.shown("#total")
        story = trace(drawing.models["counts"], drawing.draws, 2)
        assert [row[0] for row in shown] == [step.context for step in story]
        assert [row[4] for row in shown] == [f"{step.uniform:.4f}" for step in story]
        await bench.press("escape")
        assert not isinstance(bench.app.screen, TraceScreen)
        assert bench.app.focused is table(bench)


async def test_the_trace_shows_the_distribution_of_the_draw_under_the_cursor(words_file: Path):
    async with workbench(words_file, size=(120, 50)) as bench:
        drawing = (await draw(bench)).drawing
        await bench.press("enter")
        await bench.screen(TraceScreen)
        for place, step in enumerate(trace(drawing.models["counts"], drawing.draws, 0)):
            shown = "\n".join([bench.shown("#uniform"), bench.shown("#bars")])
            assert f"{step.uniform:.4f}" in shown
            assert f"{step.probs[step.choice]:.4f}" in shown
            marked = [line for line in shown.splitlines() if "◄" in line]
            assert len(marked) == 1, place
            assert marked[0].split()[0] == drawing.models["counts"].alphabet.label(step.choice)
            await bench.press("down")


async def test_left_and_right_go_from_word_to_word(words_file: Path):
    async with workbench(words_file) as bench:
        drawn = (await draw(bench)).drawing.samples["counts"].words
        await bench.press("enter")
        await bench.screen(TraceScreen)
        for key, index in (("right", 1), ("right", 2), ("left", 1), ("left", 0), ("left", -1)):
            await bench.press(key)
            assert drawn[index] in title(bench)
            assert "".join(row[1] for row in draws_shown(bench)) == f"{drawn[index]}."
        before = draws_shown(bench)
        await bench.press("c")  # there is no other model
        assert draws_shown(bench) == before


async def test_c_shows_the_same_draws_through_the_other_model(words_file: Path):
    async with workbench(words_file) as bench:
        await bench.press("s")
        await bench.steps(1)
        await source(bench, "both")
        drawing = (await draw(bench)).drawing
        index = next(
            index
            for index in range(drawing.draws.count)
            if len({words.words[index] for words in drawing.samples.values()}) == 2
        )
        await bench.press(*["down"] * index, "enter")
        await bench.screen(TraceScreen)
        for name in ("counts", "network", "counts"):
            word = drawing.samples[name].words[index]
            assert word in title(bench)
            assert "".join(row[1] for row in draws_shown(bench)) == f"{word}."
            await bench.press("c")
        await bench.press("?")
        await bench.screen(HelpScreen)
        await bench.press("escape")
        await bench.screen(TraceScreen)


async def test_a_prefix_is_told_from_what_was_drawn(words_file: Path):
    async with workbench(words_file) as bench:
        await edit(bench)
        await bench.fill("#prefix", "el")
        await bench.press("enter")
        await bench.message(WordsDrawn)
        await bench.until(lambda: table(bench).row_count, "the words")
        await bench.press("enter")
        await bench.screen(TraceScreen)
        uniforms = [row[4] for row in draws_shown(bench)]
        assert uniforms[:2] == ["", ""]
        assert all(uniforms[2:])


async def test_a_context_that_was_never_seen_ends_the_word_and_says_so(tmp_path: Path):
    few = tmp_path / "few.txt"
    few.write_text("ab\nba\n")
    async with workbench(few) as bench:
        await bench.press("]")
        await bench.counted()
        await edit(bench)
        await bench.fill("#prefix", "aa")
        await bench.press("enter")
        drawing = (await bench.message(WordsDrawn)).drawing
        assert drawing.samples["counts"][0].ending == "unseen"
        await bench.until(lambda: table(bench).row_count, "the words")
        await bench.press("enter")
        await bench.screen(TraceScreen)
        assert draws_shown(bench)[-1][0] == "aa"
        await bench.press("end", "down", "down", "down")
        assert "corpus" in bench.shown("#bars")
