"""The networks of the zoo in the app: chosen, trained, changed on the way, and looked into."""

from pathlib import Path

import pytest
import torch
from textual.widgets import Input, Select
from workbench import workbench

from model.recipe import RECIPES, Recipe
from model.sampling import sample
from model.scoring import score
from model.session import Phase
from tui.messages import WordsDrawn
from tui.panes.lens import LensPane
from tui.screens.layers import LayersScreen
from tui.screens.recipe_form import RecipeForm

QUICK = RECIPES["gru"].with_(
    n=4, width=8, hidden=8, batch_size=4, steps=101, warmup=5, device="cpu"
)
ENDLESS = QUICK.with_(steps=1_000_000)
SIZES = [(80, 24), (120, 40)]


def field(bench, name: str) -> str:
    found = bench.app.screen.query_one(f"#{name}")
    assert isinstance(found, Input | Select)
    return str(found.value)


async def choose(bench, name: str) -> None:
    await bench.press("e")
    await bench.screen(RecipeForm)
    bench.app.screen.query_one("#name", Select).value = name


@pytest.mark.parametrize("size", SIZES)
async def test_the_form_has_the_fields_of_the_network(size: tuple[int, int], words_file: Path):
    async with workbench(words_file, size=size) as bench:
        await bench.counted()
        await choose(bench, "transformer")
        await bench.until(lambda: field(bench, "n") == "17", "the preset")
        await bench.until(lambda: "weights" in bench.shown("#weights"), "the size")
        form = bench.app.screen
        shown = {row.id for row in form.query(".field") if row.display}
        assert {"layers-row", "heads-row", "dropout-row", "batch_size-row"} <= shown
        assert "hidden-row" not in shown
        assert "Accept" in bench.shown("")  # and so nothing is cut off below
        form.query_one("#name", Select).value = "lstm"
        await bench.until(lambda: form.query_one("#hidden-row").display, "the LSTM's size")
        assert not form.query_one("#heads-row").display


async def test_a_size_that_cannot_be_is_said(words_file: Path):
    async with workbench(words_file) as bench:
        await choose(bench, "transformer")
        await bench.until(lambda: field(bench, "n") == "17", "the preset")
        await bench.fill("#heads", "3")
        await bench.until(lambda: "cannot be shared" in bench.shown("#error"), "why")
        await bench.press("enter")
        assert isinstance(bench.app.screen, RecipeForm)


async def test_going_back_to_the_recipe_that_was_brings_it_back(words_file: Path):
    async with workbench(words_file) as bench:
        before: Recipe = bench.app.recipe
        await choose(bench, "wavenet")
        await bench.until(lambda: field(bench, "n") == "17", "the preset")
        bench.app.screen.query_one("#name", Select).value = before.name
        await bench.until(lambda: field(bench, "n") == f"{before.n}", "the recipe")
        await bench.press("ctrl+s")
        await bench.until(lambda: not isinstance(bench.app.screen, RecipeForm), "the form closed")
        assert bench.app.recipe == before


async def test_a_network_is_trained_and_judged_and_measured_by_counting(words_file: Path):
    async with workbench(words_file, recipe=QUICK, size=(120, 40)) as bench:
        await bench.counted()
        assert "weights" in bench.shown("#headline")
        await bench.press("2")
        await bench.train()
        judged = bench.app.snapshot.judged
        assert [report.step for report in judged] == [50, 100]
        best = min(report.dev for report in judged if report.dev is not None)
        assert f"best {best:.4f}" in bench.shown("#headline")
        await bench.until(lambda: bench.app.yardstick, "the yardstick")
        assert bench.app.yardstick.name.split()[0] in bench.shown("#loss")
        bench.app.open_corpus(str(words_file))  # the same words, in another object
        await bench.until(lambda: bench.app.snapshot.phase is Phase.IDLE, "the words")
        await bench.counted()
        await bench.press("space")
        await bench.until(lambda: bench.app.yardstick, "the yardstick of the next run")


async def test_the_panes_look_into_any_network(words_file: Path):
    async with workbench(words_file, recipe=QUICK, size=(120, 40)) as bench:
        await bench.counted()
        await bench.press("2")
        await bench.train()
        assert bench.app.look is None  # nothing shows it there, and it would cost steps
        await bench.press("4")
        await bench.looked()
        network = bench.app.look.network
        (p,) = network.log_probs(torch.zeros(1, 3, dtype=torch.int64)).exp()[:, 0].tolist()
        await bench.until(lambda: f"network P {p:.4f}" in bench.shown("#cell"), "its probability")
        await bench.press("5")
        first = bench.app.corpus.words[0]
        bench.app.query_one(LensPane).word = first
        nll = score(network, first).nll
        await bench.until(lambda: f"{nll:.4f}" in bench.shown("#totals"), "what it costs")
        await bench.press("3", "c", "g")
        drawing = (await bench.message(WordsDrawn)).drawing
        assert drawing.samples["network"].words == sample(network, drawing.draws).words


async def test_schedule_and_batch_size_change_while_the_run_goes_on(words_file: Path):
    async with workbench(words_file, recipe=ENDLESS, size=(120, 40)) as bench:
        await bench.counted()
        await bench.press("2", "space")
        await bench.steps(3)
        run = bench.app.session.snapshot.run
        await bench.press("e")
        await bench.screen(RecipeForm)
        await bench.fill("#batch_size", "16")
        bench.app.screen.query_one("#schedule", Select).value = "constant"
        await bench.press("ctrl+s")
        await bench.until(lambda: bench.app.snapshot.changes, "the change")
        recipe = bench.app.snapshot.recipe
        assert (recipe.batch_size, recipe.schedule) == (16, "constant")
        ((step, text),) = bench.app.snapshot.changes
        assert text == "schedule constant, batch 16"
        await bench.steps(step + 2)
        now = bench.app.snapshot
        assert (now.phase, now.error, now.warning, now.run) == (Phase.RUNNING, "", "", run)


@pytest.mark.parametrize("size", SIZES)
async def test_the_layers_are_shown_live(size: tuple[int, int], words_file: Path):
    async with workbench(words_file, recipe=ENDLESS, size=size) as bench:
        await bench.counted()
        await bench.press("W")
        await bench.screen(LayersScreen)
        assert "Nothing yet" in bench.shown("#step")
        await bench.press("escape", "f", "space")
        await bench.steps(60)
        await bench.press("W")
        await bench.screen(LayersScreen)
        await bench.until(lambda: "step" in bench.shown("#step"), "a report")
        for text in ("embedding.weight", "recurrent.weight", "sigmoid", "tanh", "┊", "●"):
            await bench.until(lambda text=text: text in bench.shown(), text)
        before = bench.shown("#step")
        await bench.until(lambda: bench.shown("#step") != before, "the next report")
        await bench.press("W")
        await bench.until(lambda: not isinstance(bench.app.screen, LayersScreen), "the workbench")
