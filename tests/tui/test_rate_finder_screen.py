"""The learning-rate finder."""

import math
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from textual.widgets import Input
from workbench import ENDLESS, QUICK, Bench, workbench

import model.rate_finder
from model.corpus import Corpus
from model.rate_finder import STEPS, Found, find_rate
from model.recipe import RECIPES, Recipe
from model.session import Phase
from tui.messages import RateFound, RateNotFound, RatesTried
from tui.screens.help import HelpScreen
from tui.screens.rate_finder import RateFinderScreen
from tui.screens.recipe_form import RecipeForm

MLP = RECIPES["mlp"].with_(data="all", device="cpu", batch_size=4)
SLOW = MLP.with_(hidden=1024, batch_size=512)


async def open_finder(bench: Bench) -> None:
    await bench.press("e")
    await bench.screen(RecipeForm)
    await bench.press("ctrl+f")
    await bench.screen(RateFinderScreen)


async def leave(bench: Bench, key: str) -> str:
    """What the form holds then."""
    await bench.press(key)
    await bench.screen(RecipeForm)
    return bench.app.screen.query_one("#learning_rate", Input).value


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
@pytest.mark.parametrize("recipe", [QUICK, MLP], ids=["one-layer", "mlp"])
async def test_enter_takes_the_rate_into_the_form(
    corpus: Corpus, recipe: Recipe, size: tuple[int, int]
):
    *_, found = find_rate(corpus, recipe)
    async with workbench(corpus=corpus, recipe=recipe, size=size) as bench:
        await open_finder(bench)
        assert (await bench.message(RateFound)).found == found
        assert f"suggested {found.suggested:g}" in bench.shown("#valley")
        assert f"a tenth of {found.lowest:g}" in bench.shown("#found")
        assert float(await leave(bench, "enter")) == found.suggested
        assert bench.app.recipe == recipe
        await bench.press("enter")
        taken = recipe.with_(learning_rate=found.suggested)
        await bench.until(lambda: bench.app.recipe == taken, "the recipe")


async def test_the_button_finds_what_the_fields_say(corpus: Corpus):
    edited = MLP.with_(hidden=8, seed=3)
    *_, found = find_rate(corpus, edited)
    async with workbench(corpus=corpus, recipe=MLP) as bench:
        await bench.press("e")
        await bench.screen(RecipeForm)
        await bench.fill("#hidden", "8")
        await bench.fill("#seed", "3")
        assert "Find a rate (ctrl+f)" in bench.shown()
        await bench.pilot.click("#find-rate")
        await bench.screen(RateFinderScreen)
        assert (await bench.message(RateFound)).found == found


async def test_a_wrong_field_is_to_be_mended_first(corpus: Corpus):
    async with workbench(corpus=corpus) as bench:
        await bench.press("e")
        await bench.screen(RecipeForm)
        await bench.fill("#steps", "many")
        await bench.press("ctrl+f")
        assert isinstance(bench.app.screen, RecipeForm)


async def test_escape_leaves_the_form_as_it_was(corpus: Corpus):
    async with workbench(corpus=corpus) as bench:
        await open_finder(bench)
        await bench.message(RateFound)
        assert float(await leave(bench, "escape")) == QUICK.learning_rate


async def test_escape_ends_the_search_between_two_steps(
    corpus: Corpus, monkeypatch: pytest.MonkeyPatch
):
    ended, steps = threading.Event(), []

    def watched(corpus: Corpus, recipe: Recipe) -> Iterator[Found]:
        try:
            for found in find_rate(corpus, recipe):
                steps.append(found)
                yield found
        finally:
            ended.set()

    monkeypatch.setattr(model.rate_finder, "find_rate", watched)
    async with workbench(corpus=corpus, recipe=SLOW) as bench:
        await open_finder(bench)
        await bench.message(RatesTried)
        await bench.press("enter")
        assert isinstance(bench.app.screen, RateFinderScreen)
        assert float(await leave(bench, "escape")) == SLOW.learning_rate
        await bench.until(ended.is_set, "the end of the search")
        assert len(steps) < STEPS / 2


async def test_the_curve_is_drawn_while_the_rates_are_tried(corpus: Corpus):
    async with workbench(corpus=corpus, recipe=SLOW) as bench:
        await open_finder(bench)
        first, later = await bench.message(RatesTried), await bench.message(RatesTried, 3)
        assert len(first.found.rates) < len(later.found.rates)
        assert "smoothed" in bench.shown("#valley")
        assert "loss" in bench.shown("#found")
        assert "suggested" not in bench.shown()


async def test_a_run_goes_on_meanwhile(corpus: Corpus):
    async with workbench(corpus=corpus, recipe=ENDLESS) as bench:
        await bench.press("f", "space")
        await bench.steps(1)
        before = bench.app.session.snapshot
        await open_finder(bench)
        await bench.message(RateFound)
        await bench.steps(before.step + 50)
        after = bench.app.session.snapshot
        assert (after.phase, after.run, after.recipe) == (Phase.RUNNING, before.run, ENDLESS)
        assert math.isfinite(float(after.losses[after.step - 1]))


async def test_what_cannot_be_trained_is_told(tmp_path: Path):
    if torch.cuda.is_available():
        pytest.skip("this machine has the device")
    async with workbench(tmp_path / "none", corpus=Corpus("few", "ab\n")) as bench:
        await bench.press("e")
        await bench.screen(RecipeForm)
        bench.app.screen.query_one("#device").value = "cuda"
        await bench.press("ctrl+f")
        reason = (await bench.message(RateNotFound)).reason
        assert " ".join(reason.split()[:3]) in bench.shown("#found")
        assert "no rate was found" in bench.shown("#valley")
        await bench.press("enter")
        assert isinstance(bench.app.screen, RateFinderScreen)
        assert float(await leave(bench, "escape")) == QUICK.learning_rate


async def test_the_help_says_what_it_does(corpus: Corpus):
    async with workbench(corpus=corpus, size=(120, 40)) as bench:
        await open_finder(bench)
        await bench.press("?")
        await bench.screen(HelpScreen)
        shown = bench.shown()
        assert "Smith 2017" in shown
        assert "shares the processor" in " ".join(shown.split())
