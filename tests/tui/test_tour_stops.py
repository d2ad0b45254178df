"""Every stop of the tour, entered from wherever one is."""

import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from explorer import figures, looked
from touring import NUMBERS, enter, holds, panel, watch_panes
from workbench import ENDLESS, QUICK, Bench, key_event, settle, workbench

from model.recipe import RECIPES
from model.session import Phase
from tui.panes.pane import Pane
from tui.screens.help import HelpScreen
from tui.screens.recipe_form import RecipeForm
from tui.screens.where_from import WhereFromScreen

NOTEBOOK, CONVERGE = (RECIPES[name].with_(device="cpu") for name in ("notebook", "converge"))

# Every stop, from everywhere


async def test_of_two_panes_in_a_breath_the_last_stays(words_file: Path):
    async with workbench(words_file) as bench:
        watch_panes(bench)
        for key in ("5", "6"):
            bench.app.post_message(key_event(key))
        await settle(bench.pilot)
        assert bench.app.pane == 5


@pytest.mark.parametrize("number", NUMBERS)
async def test_a_stop_from_a_fresh_app(number: int, words_file: Path):
    async with workbench(words_file) as bench:
        watch_panes(bench)
        await enter(bench, number)
        await holds(bench, number)


async def test_a_stop_before_the_corpus_is_there(tmp_path: Path, words_file: Path):
    async with workbench(tmp_path / "missing.txt", wait=False) as bench:
        await bench.notification()
        for number in NUMBERS:
            await enter(bench, number)
        await enter(bench, 7)
        bench.app.open_corpus(str(words_file))
        await bench.counted()
        await holds(bench, 7)


async def finished(bench: Bench) -> None:
    """A run that is over, in a pane that has the whole screen."""
    bench.app.set_recipe(QUICK.with_(steps=3, learning_rate=0.1))
    bench.app.full_speed = True
    await bench.press("escape", "2", "space")
    await bench.phase(Phase.FINISHED)
    if sum(pane.display for pane in bench.app.query(Pane)) > 1:
        await bench.press("z")


async def asked(bench: Bench) -> None:
    """A form before a paused run."""
    await bench.press("escape", "2", "r", "s")
    bench.app.session.trained().result()  # once both are done
    assert bench.app.session.snapshot.step == 1
    await bench.press("e")
    await bench.screen(RecipeForm)


async def sought(bench: Bench) -> None:
    """A search in rows that are sorted by the gaps of a run."""
    await bench.press("escape", "2", "s")
    await looked(bench, 1)
    await bench.press("4", "S", "S", "/", "e")


async def test_a_search_that_is_open_is_left(words_file: Path):
    async with workbench(words_file) as bench:
        await sought(bench)
        await enter(bench, 1)
        assert bench.app.pane == 0


@pytest.mark.parametrize("disturb", [finished, asked])
async def test_every_stop_from_anywhere(
    disturb: Callable[[Bench], Awaitable[None]], words_file: Path
):
    async with workbench(words_file, size=(120, 36)) as bench:
        for number in (2, 8, 10, 12):
            if panel(bench):
                await bench.press("ctrl+t")
            bench.app.set_recipe(CONVERGE.with_(seed=5))
            await bench.counted()
            await disturb(bench)
            await enter(bench, number)
            await holds(bench, number)


async def test_a_stop_after_a_run_of_another_order(
    words_file: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("tui.app.FRAMES_PER_SECOND", 0.001)  # the test pulls
    async with workbench(words_file, recipe=ENDLESS.with_(n=5)) as bench:
        await bench.press("2", "s")
        await bench.until(lambda: bench.app.pull() or bench.app.look, "a look")
        await enter(bench, 2)
        await holds(bench, 2)


@pytest.mark.parametrize(("key", "screen"), [("?", HelpScreen), ("enter", WhereFromScreen)])
async def test_it_goes_on_over_a_screen_that_is_open(key: str, screen: type, words_file: Path):
    async with workbench(words_file) as bench:
        await enter(bench, 3)
        await holds(bench, 3)
        await bench.press(key)
        await bench.screen(screen)
        await bench.press(">")
        await holds(bench, 4)


# What came before


@contextmanager
def held(bench: Bench) -> Iterator[None]:
    """Let the thread of the session do nothing meanwhile, as if it were in a long chunk."""
    gate = threading.Event()
    bench.app.session._commands.put(lambda: gate.wait(20))
    yield
    gate.set()
    bench.app.session.trained().result()  # once what was asked for is done


@pytest.mark.parametrize("recipe", [NOTEBOOK, ENDLESS], ids=lambda recipe: recipe.name)
async def test_the_training_loop_runs_though_another_run_does(recipe, words_file: Path):
    async with workbench(words_file, recipe=recipe.with_(steps=1_000_000)) as bench:
        await bench.press("f", "space")
        await bench.steps(5)
        with held(bench):
            await enter(bench, 10)
        assert bench.app.session.snapshot.phase is Phase.RUNNING


@pytest.mark.parametrize(("number", "steps"), [(6, 0), (11, 1)])
async def test_it_is_the_notebooks_run_though_the_recipe_was_edited(
    number: int, steps: int, words_file: Path
):
    async with workbench(words_file, recipe=NOTEBOOK.with_(steps=9, learning_rate=1.0)) as bench:
        await bench.press("2", "r", *["s"] * steps)
        bench.app.session.trained().result()
        assert bench.app.session.snapshot.step == steps
        await enter(bench, number)
        bench.app.session.trained().result()
        assert bench.app.session.snapshot.recipe == NOTEBOOK.with_(device=bench.app.recipe.device)


async def test_the_losses_go_to_the_end_though_the_run_was_stopped(words_file: Path):
    async with workbench(words_file) as bench:
        await enter(bench, 10)
        await bench.steps(2)
        await bench.press("x", ">")
        bench.app.session.trained().result()
        assert bench.app.session.snapshot.phase in (Phase.RUNNING, Phase.FINISHED)


@pytest.mark.parametrize("recipe", [CONVERGE, QUICK], ids=["at step 1", "too short"])
async def test_both_roads_meet_though_the_run_was_not_done(recipe, words_file: Path):
    async with workbench(words_file, recipe=recipe.with_(seed=1)) as bench:
        await bench.press("f", "s" if recipe is CONVERGE else "space")
        await bench.steps(1 if recipe is CONVERGE else recipe.steps)
        await enter(bench, 13)
        bench.app.session.trained().result()
        assert bench.app.session.snapshot.recipe == CONVERGE.with_(device=bench.app.recipe.device)
        assert bench.app.session.snapshot.phase in (Phase.RUNNING, Phase.FINISHED)


async def test_what_was_never_counted_is_impossible_though_k_was_3(words_file: Path):
    async with workbench(words_file) as bench:
        bench.app.smooth(3)
        await enter(bench, 4)
        await holds(bench, 4)
        await bench.press(".", "home")
        assert "impossible" in figures(bench)


async def test_the_network_is_untrained_though_one_came_straight_back(words_file: Path):
    async with workbench(words_file) as bench:
        await enter(bench, 9)
        await holds(bench, 9)
        with held(bench):
            await enter(bench, 10)
            await enter(bench, 9)
        assert bench.app.session.snapshot.phase is Phase.PAUSED
