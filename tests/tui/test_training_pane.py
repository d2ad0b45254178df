"""The training pane: what a run shows of itself, and the form of its recipe."""

from pathlib import Path

import pytest
from textual.widgets import Input, Select
from workbench import ENDLESS, QUICK, Bench, workbench

from model.corpus import Corpus
from model.recipe import RECIPES, Recipe
from model.session import Phase
from model.training import Trainer
from tui import settings
from tui.panes.training import SIGNS
from tui.screens.recipe_form import RecipeForm
from tui.widgets.chart import Chart
from tui.widgets.progress_line import ProgressLine

NOTEBOOK = RECIPES["notebook"].with_(device="cpu", steps=120)
WIDE = (160, 40)


def headline(bench: Bench) -> str:
    return bench.shown("#headline")


# A run


@pytest.mark.parametrize("recipe", [NOTEBOOK, QUICK.with_(steps=51)])
async def test_the_log_lists_what_the_notebook_prints(
    recipe: Recipe, words_file: Path, corpus: Corpus
):
    async with workbench(words_file, recipe=recipe, size=(250, 40)) as bench:
        await bench.train()
        await bench.press("2", "z")
        lines = bench.shown("#log").splitlines()
        reports = list(Trainer(corpus, recipe).run())
        places = []
        for report in reports:
            figures = [f"{report.step}", f"{report.loss:.4f}", *report.samples]
            matches = [
                place
                for place, line in enumerate(lines)
                if set(figures) <= set(line.replace(",", " ").split())
            ]
            assert len(matches) == 1, figures
            places += matches
        assert places == sorted(places)
        assert len(reports) == len({0, 50, recipe.steps - 1, min(100, recipe.steps - 1)})


async def test_a_new_run_empties_the_log(words_file: Path):
    async with workbench(words_file, recipe=NOTEBOOK, size=WIDE) as bench:
        await bench.train()
        last = f"{list(bench.app.snapshot.reports)[-1].loss:.4f}"
        assert last in bench.shown("#log")
        await bench.press("r")
        await bench.phase(Phase.PAUSED)
        assert bench.app.snapshot.step == 0
        assert last not in bench.shown("#log")


async def test_the_chart_shows_losses_and_the_floor(words_file: Path):
    async with workbench(words_file, size=WIDE) as bench:
        before = bench.shown("#loss")
        await bench.train()
        shown = bench.shown("#loss")
        assert shown != before
        assert f"{bench.app.counts.floor:.4f}" in shown
        assert any("\u2801" <= character <= "\u28ff" for character in shown)  # braille


async def test_l_makes_the_loss_axis_logarithmic_and_back(words_file: Path):
    async with workbench(words_file, size=WIDE) as bench:
        await bench.train()
        await bench.looked()
        chart = bench.app.query_one("#loss", Chart)
        pictures = []
        for logarithmic in (True, False, True):
            await bench.press("l")
            assert chart.log_scale is logarithmic
            pictures.append(bench.shown("#loss"))
        assert pictures[0] == pictures[2] != pictures[1]


async def test_the_log_follows_the_run_after_another_screen_was_above_it(words_file: Path):
    async with workbench(words_file, recipe=ENDLESS, size=WIDE) as bench:
        await bench.press("2", "f", "space")
        await bench.until(lambda: len(bench.app.snapshot.reports) > 40, "many reports")
        await bench.press("?")
        for _ in range(3):
            seen = len(bench.app.snapshot.reports)
            await bench.until(lambda seen=seen: len(bench.app.snapshot.reports) > seen + 40)
        await bench.press("escape", "space")
        await bench.phase(Phase.PAUSED)
        last = list(bench.app.snapshot.reports)[-1]
        await bench.until(lambda: f"{last.step} " in bench.shown("#log"), "the last report")


async def test_the_headline_tells_the_phase_and_the_figures(words_file: Path):
    async with workbench(words_file, recipe=ENDLESS, size=WIDE) as bench:
        assert Phase.IDLE.value in headline(bench)
        assert ENDLESS.name in headline(bench)
        await bench.press("space")
        await bench.phase(Phase.RUNNING)
        await bench.until(lambda: Phase.RUNNING.value in headline(bench), "a running headline")
        await bench.press("space")
        await bench.phase(Phase.PAUSED)
        shown = headline(bench)
        snapshot = bench.app.session.snapshot
        assert SIGNS[Phase.PAUSED] in shown
        assert f"{snapshot.loss:.4f}" in shown
        assert f"{snapshot.floor:.4f}" in shown
        assert f"{snapshot.loss - snapshot.floor:.4f}" in shown
        await bench.press("x")
        await bench.phase(Phase.STOPPED)
        assert Phase.STOPPED.value in headline(bench)


async def test_space_starts_pauses_and_goes_on(words_file: Path):
    async with workbench(words_file, recipe=ENDLESS) as bench:
        runs = set()
        for phase in (Phase.RUNNING, Phase.PAUSED, Phase.RUNNING, Phase.PAUSED):
            await bench.press("space")
            await bench.phase(phase)
            runs.add(bench.app.snapshot.run)
        assert len(runs) == 1


async def test_a_finished_run_starts_anew(words_file: Path):
    async with workbench(words_file) as bench:
        await bench.train()
        first = bench.app.snapshot.run
        await bench.press("space")
        await bench.until(lambda: bench.app.snapshot.run > first, "the second run")
        await bench.phase(Phase.FINISHED)
        assert bench.app.snapshot.step == QUICK.steps


async def test_s_begins_a_run_with_one_step(words_file: Path):
    async with workbench(words_file) as bench:
        for step in (1, 2, 3):
            await bench.press("s")
            await bench.steps(step)
            await bench.phase(Phase.PAUSED)
            assert bench.app.snapshot.step == step
        assert bench.app.query_one(ProgressLine).share == 3 / QUICK.steps
        await bench.press("f", "space")
        await bench.phase(Phase.FINISHED)
        assert bench.app.query_one(ProgressLine).share == 1


async def test_the_pace_changes_in_steps_and_has_ends(words_file: Path):
    async with workbench(words_file, recipe=ENDLESS) as bench:
        session = bench.app.session
        paces = [session.speed]
        for _ in range(8):
            await bench.press("+")
            paces.append(session.speed)
        assert paces == sorted(paces)
        assert len(set(paces)) > 3
        slower = []
        for _ in range(8):
            await bench.press("-")
            slower.append(session.speed)
        assert slower == sorted(slower, reverse=True)
        assert slower[-1] > 0
        await bench.press("f")
        assert session.speed is None
        await bench.press("f")
        assert session.speed == slower[-1]
        await bench.press("f", "+")
        assert session.speed is not None


async def test_a_run_that_fails_says_so_and_another_can_follow(words_file: Path):
    async with workbench(words_file, recipe=QUICK.with_(learning_rate=1e39), size=WIDE) as bench:
        await bench.press("space")
        await bench.phase(Phase.FAILED)
        error = bench.app.snapshot.error
        assert error
        note = await bench.notification()
        assert (note.message, note.severity) == (error, "error")
        assert " ".join(error.split()[:3]) in " ".join(headline(bench).split())
        await bench.press("e")
        await bench.screen(RecipeForm)
        await bench.fill("#learning_rate", "1")
        await bench.press("enter")
        await bench.until(lambda: bench.app.recipe == QUICK, "the mended recipe")
        await bench.train()
        assert len([one for one in bench.notifications if one.severity == "error"]) == 1


async def test_a_table_that_is_too_large_is_told(tmp_path: Path):
    # Each stride through the alphabet makes other pairs of characters.
    characters = [chr(0x4E00 + number) for number in range(4000)]
    strides = (1, 3, 7, 11, 13, 17, 19, 23, 29)
    words = ["".join(characters[start::step]) for step in strides for start in range(step)]
    large = tmp_path / "large.txt"
    large.write_text("\n".join(words))
    async with workbench(large) as bench:
        await bench.press("]")
        await bench.counted()
        await bench.press("space")
        await bench.phase(Phase.FAILED)
        assert "n=3" in bench.app.snapshot.error


# The recipe


def error_shown(bench: Bench, name: str) -> bool:
    error = bench.app.screen.query_one(f"#{name}")
    return bool(error.display and "".join(bench.shown(f"#{name}").split()))


async def test_a_field_that_is_wrong_says_so_and_is_not_accepted(words_file: Path):
    wrong = [
        ("steps", "many"),
        ("steps", ""),
        ("steps", "1.5"),
        ("learning_rate", "fast"),
        ("l2", "some"),
        ("seed", "x"),
    ]
    right = {"steps": 7, "learning_rate": 0.5, "l2": 0.25, "seed": 3}
    async with workbench(words_file) as bench:
        await bench.press("e")
        await bench.screen(RecipeForm)
        for field, value in wrong:
            assert not error_shown(bench, f"{field}-error")
            await bench.fill(f"#{field}", value)
            assert error_shown(bench, f"{field}-error")
            await bench.press("enter")
            assert isinstance(bench.app.screen, RecipeForm)
            await bench.fill(f"#{field}", f"{right[field]}")
            assert not error_shown(bench, f"{field}-error")
        await bench.press("enter")
        await bench.until(lambda: not isinstance(bench.app.screen, RecipeForm), "the form closed")
        assert bench.app.recipe == QUICK.with_(**right)


async def test_a_number_that_no_run_can_have_is_not_accepted(words_file: Path):
    wrong = [
        ("steps", "0"),
        ("steps", "99999999999"),
        ("learning_rate", "-1"),
        ("learning_rate", "0"),
        ("learning_rate", "nan"),
        ("learning_rate", "inf"),
        ("l2", "-1"),
        ("l2", "nan"),
        ("l2", "inf"),
        ("seed", "-1"),
        ("seed", f"{2**63}"),
    ]
    async with workbench(words_file) as bench:
        await bench.press("e")
        await bench.screen(RecipeForm)
        for field, value in wrong:
            await bench.fill(f"#{field}", value)
            assert error_shown(bench, "error") or error_shown(bench, f"{field}-error")
            await bench.press("enter")
            assert isinstance(bench.app.screen, RecipeForm)
            await bench.fill(f"#{field}", "1")
        await bench.press("escape")
        assert bench.app.recipe == QUICK


async def test_a_preset_fills_the_fields(words_file: Path):
    recipe = RECIPES["notebook"].with_(device="cpu", seed=7, n=3, l2=0.1)
    async with workbench(words_file, recipe=recipe) as bench:
        await bench.press("e")
        await bench.screen(RecipeForm)
        bench.app.screen.query_one("#name").focus()
        await bench.press("enter", "down", "enter")
        preset = RECIPES["converge"]
        written = {
            "name": preset.name,
            "optimiser": preset.optimiser,
            "schedule": preset.schedule,
            "learning_rate": f"{preset.learning_rate:g}",
            "l2": "0",
            "steps": f"{preset.steps}",
        }
        for name, value in written.items():
            field = bench.app.screen.query_one(f"#{name}")
            assert isinstance(field, Input | Select)
            await bench.until(lambda field=field, value=value: field.value == value, name)
        bench.app.screen.query_one("#steps").focus()
        await bench.press("enter")
        expected = preset.with_(device="cpu", seed=7, n=3)
        await bench.until(lambda: bench.app.recipe == expected, "the preset")


async def test_a_penalty_alone_is_taken_up_by_the_run(words_file: Path):
    async with workbench(words_file, recipe=ENDLESS) as bench:
        await bench.press("s")
        await bench.steps(1)
        await bench.press("e")
        await bench.screen(RecipeForm)
        await bench.fill("#l2", "0.5")
        await bench.press("enter")
        await bench.until(lambda: bench.app.session.snapshot.recipe.l2 == 0.5, "the penalty")
        await bench.phase(Phase.PAUSED)
        assert bench.app.recipe == ENDLESS.with_(l2=0.5)
        assert [note.message for note in bench.notifications] == ["The run goes on with L2 0.5."]


async def test_escape_cancels(words_file: Path):
    async with workbench(words_file) as bench:
        await bench.press("e")
        await bench.screen(RecipeForm)
        await bench.fill("#steps", "7")
        await bench.press("escape")
        await bench.until(lambda: not isinstance(bench.app.screen, RecipeForm), "the form closed")
        assert bench.app.recipe == QUICK


async def test_both_buttons_answer_the_mouse(words_file: Path):
    async with workbench(words_file) as bench:
        for button, steps in (("#cancel", QUICK.steps), ("#accept", 7)):
            await bench.press("e")
            await bench.screen(RecipeForm)
            await bench.fill("#steps", "7")
            assert await bench.pilot.click(button)
            await bench.until(lambda: not isinstance(bench.app.screen, RecipeForm), button)
            assert bench.app.recipe.steps == steps


async def test_an_accepted_recipe_is_run_and_remembered(words_file: Path):
    async with workbench(words_file) as bench:
        await bench.press("e")
        await bench.screen(RecipeForm)
        await bench.fill("#steps", "7")
        await bench.fill("#seed", "5")
        await bench.press("ctrl+s")
        changed = QUICK.with_(steps=7, seed=5)
        await bench.until(lambda: bench.app.recipe == changed, "the recipe")
        await bench.train()
        assert bench.app.snapshot.recipe == changed
        assert bench.app.snapshot.step == 7
        await bench.workers()
    assert settings.load()[0].recipe == changed
    async with workbench(words_file, recipe=None) as bench:
        assert bench.app.recipe == changed


async def test_another_recipe_ends_the_run_and_the_same_does_not(words_file: Path):
    async with workbench(words_file, recipe=ENDLESS) as bench:
        await bench.press("s")
        await bench.steps(1)
        await bench.press("e")
        await bench.screen(RecipeForm)
        await bench.press("ctrl+s")
        await bench.phase(Phase.PAUSED)
        assert not bench.notifications
        await bench.press("e")
        await bench.screen(RecipeForm)
        await bench.fill("#seed", "1")
        await bench.press("enter")
        await bench.phase(Phase.IDLE)
        assert len(bench.notifications) == 1


@pytest.mark.parametrize("size", [(80, 24), (50, 14)])
async def test_the_form_can_be_reached_in_full_on_a_small_screen(
    size: tuple[int, int], words_file: Path
):
    async with workbench(words_file, size=size) as bench:
        await bench.press("e")
        await bench.screen(RecipeForm)
        fields = [*bench.app.screen.query("Input, Select, Button")]
        for _ in fields:
            focused = bench.app.focused
            assert focused is not None
            assert focused.region in bench.app.screen.region
            fields.remove(focused)
            await bench.press("tab")
