"""The app as a whole: the panes, the keys, the way out, the screen."""

import os
from itertools import cycle
from pathlib import Path

import pytest
from textual.geometry import Region
from textual.keys import format_key
from textual.widget import Widget
from textual.widgets import Tabs
from workbench import ENDLESS, QUICK, Bench, keys_shown, rows, workbench

from model.session import Phase
from tui import settings
from tui.keys import KEYS, bindings_of
from tui.panes.every import PANES
from tui.panes.pane import Pane
from tui.screens.help import HelpScreen
from tui.screens.open_corpus import OpenCorpusScreen
from tui.screens.recipe_form import RecipeForm
from tui.widgets.key_bar import KeyBar

WIDE, NARROW = (120, 40), (80, 24)


def panes_seen(bench: Bench) -> list[str]:
    return [pane.id or "" for pane in bench.widgets() if isinstance(pane, PANES)]


# The panes


async def test_a_narrow_screen_shows_one_pane_under_tabs(words_file: Path):
    async with workbench(words_file, size=NARROW) as bench:
        assert panes_seen(bench) == ["dataset"]
        for key, pane in (("2", "training"), ("3", "generator"), ("1", "dataset")):
            await bench.press(key)
            assert panes_seen(bench) == [pane]
            assert bench.app.query_one(Tabs).active == pane
            assert bench.app.focused is not None
            assert bench.app.query_one(f"#{pane}") in bench.app.focused.ancestors


async def test_a_click_on_a_tab_goes_to_its_pane(words_file: Path):
    async with workbench(words_file, size=NARROW) as bench:
        for pane in ("generator", "dataset", "training"):
            assert await bench.pilot.click(f"Tab#{pane}")
            await bench.until(lambda pane=pane: panes_seen(bench) == [pane], pane)
            assert bench.app.focused is not None
            assert bench.app.query_one(f"Pane#{pane}") in bench.app.focused.ancestors


async def test_a_wide_screen_shows_three_panes_together_and_the_others_alone(words_file: Path):
    together = ["dataset", "training", "generator"]
    async with workbench(words_file, size=WIDE) as bench:
        assert panes_seen(bench) == together
        for pane in together:
            assert bench.app.query_one(f"Pane#{pane}").region in bench.app.screen.region
        for number, name in enumerate(("explorer", "lens", "roads", "smoothing"), 4):
            await bench.press(f"{number}")
            assert panes_seen(bench) == [name]
        await bench.press("2")
        assert panes_seen(bench) == together


@pytest.mark.parametrize("size", [WIDE, NARROW, (40, 12)])
async def test_the_frame_of_a_pane_is_drawn_like_any_other(words_file: Path, size: tuple[int, int]):
    async with workbench(words_file, size=size) as bench:
        for number in range(1, len(PANES) + 1):
            await bench.press(f"{number}")
            for pane in bench.app.query(Pane).filter(".-active"):
                whole = pane.outer_size.region
                for crop in (whole, whole.shrink((1, 1, 1, 1)), Region(2, 3, 9, 4)):
                    assert pane.render_lines(crop) == Widget.render_lines(pane, crop)


async def test_zoom_gives_a_pane_the_screen_and_the_others_theirs_back(words_file: Path):
    async with workbench(words_file, size=WIDE) as bench:
        await bench.press("3", "z")
        assert panes_seen(bench) == ["generator"]
        assert bench.app.query_one("#generator").outer_size.width == WIDE[0]
        await bench.press("2")
        assert panes_seen(bench) == ["training"]
        await bench.press("z")
        assert panes_seen(bench) == ["dataset", "training", "generator"]


async def test_the_pane_follows_the_focus(words_file: Path):
    async with workbench(words_file, size=WIDE) as bench:
        assert await bench.pilot.click("#log")
        await bench.until(lambda: bench.app.pane == 1, "the clicked pane")
        await bench.press("tab")
        await bench.until(lambda: bench.app.pane == 2, "the next pane")
        await bench.press("shift+tab", "z")
        assert panes_seen(bench) == ["training"]


# Keys, help, palette


async def test_help_lists_every_key_of_the_pane_and_of_the_app(words_file: Path):
    async with workbench(words_file, size=(120, 60)) as bench:
        for pane, close in zip(PANES, cycle(("escape", "?", "q")), strict=False):
            await bench.press(f"{pane.NUMBER}", "?")
            await bench.screen(HelpScreen)
            shown = bench.shown("#keys Static").splitlines()
            own = bindings_of(bench.app.query_one(pane))
            taken = {binding.key for binding in own}
            for binding in [*own, *(one for one in bindings_of(bench.app) if one.key not in taken)]:
                [line] = [row for row in shown if binding.description in row]
                assert binding.tooltip.split()[0] in line
                key = binding.key_display or format_key(binding.key.split(",")[0])
                assert key in line.split()
            await bench.press(close)
            assert not isinstance(bench.app.screen, HelpScreen)
            assert bench.app.pane == PANES.index(pane)
            assert bench.app.return_code is None


async def test_help_fits_a_small_screen(words_file: Path):
    async with workbench(words_file, size=NARROW) as bench:
        await bench.press("?")
        await bench.screen(HelpScreen)
        frame = bench.app.screen.query_one("#help")
        assert frame.region in bench.app.screen.region
        last = bindings_of(bench.app)[-1].description
        await bench.press("end")
        await bench.until(lambda: frame.scroll_y == frame.max_scroll_y, "the end of the help")
        keys = bench.app.screen.query_one("#keys Static")
        assert keys.region.bottom <= frame.region.bottom
        assert last in bench.shown("#keys Static")


async def test_every_key_has_a_tooltip_and_a_command(words_file: Path):
    async with workbench(words_file) as bench:
        listed = list(bench.app.get_system_commands(bench.app.screen))
        commands = {one.title: one.help for one in listed}
        assert len(commands) == len(listed)
        for owner in (bench.app, *bench.app.query("Pane")):
            for binding in bindings_of(owner):
                assert binding.tooltip
                assert binding.tooltip in commands[binding.description]


async def test_a_command_of_the_palette_runs(words_file: Path):
    async with workbench(words_file) as bench:
        await bench.press("ctrl+p", *"raise n")
        await bench.until(lambda: "Raise n" in bench.shown(), "the command")
        await bench.press("down", "enter")
        await bench.until(lambda: bench.n == 3, "n=3")


@pytest.mark.parametrize("size", [(40, 24), (60, 20), NARROW, WIDE])
async def test_the_footer_has_seven_keys_or_those_there_is_room_for(
    size: tuple[int, int], words_file: Path
):
    every = [f"{one.key_display or one.key} {one.description}" for one in KEYS if one.show]
    async with workbench(words_file, size=size) as bench:
        for number in "123":
            await bench.press(number)
            shown = keys_shown(bench)
            assert shown == [*every[: len(shown) - 2], *every[-2:]]
            assert (shown == every) is (size[0] >= NARROW[0])
            assert len(every) == 7


async def test_a_click_on_a_key_of_the_footer_presses_it(words_file: Path):
    async with workbench(words_file, size=WIDE) as bench:
        [row] = rows(bench.app.screen.query_one(KeyBar))
        await bench.pilot.click(KeyBar, offset=(row.index("Help"), 0))
        await bench.screen(HelpScreen)


# The way out


async def test_quitting_while_a_corpus_is_loaded(tmp_path: Path):
    silent = tmp_path / "pipe"
    os.mkfifo(silent)
    async with workbench(silent, wait=False) as bench:
        await bench.until(lambda: bench.app.activity, "the loading")
        await bench.press("q")
        assert bench.app.return_code == 0
    os.close(os.open(silent, os.O_WRONLY))  # nothing reads for ever


@pytest.mark.parametrize("speed", ["a pace", "full speed"])
async def test_quitting_while_training(speed: str, words_file: Path):
    async with workbench(words_file, recipe=ENDLESS) as bench:
        if speed == "full speed":
            await bench.press("f")
        await bench.press("space")
        await bench.steps(1)
        await bench.press("q")
        assert bench.app.return_code == 0


@pytest.mark.parametrize(
    ("key", "screen"), [("e", RecipeForm), ("o", OpenCorpusScreen), ("?", HelpScreen)]
)
async def test_quitting_from_a_modal(key: str, screen: type, words_file: Path):
    async with workbench(words_file, recipe=ENDLESS) as bench:
        await bench.press("space", key)
        await bench.screen(screen)
        await bench.press("ctrl+q")
        assert bench.app.return_code == 0


# The screen


async def test_resizing_while_training(words_file: Path):
    async with workbench(words_file, recipe=ENDLESS, size=NARROW) as bench:
        await bench.press("f", "g", "2", "space")
        for size in (WIDE, (40, 12), (300, 100), (1, 1), NARROW):
            await bench.pilot.resize_terminal(*size)
            await bench.steps(bench.app.session.snapshot.step + 1)
            pulled = bench.app.snapshot.step
            await bench.until(lambda pulled=pulled: bench.app.snapshot.step > pulled, "a pull")
            assert tuple(bench.app.size) == size
            for pane in bench.app.query("Pane"):
                rows(pane)
        assert bench.app.session.snapshot.phase is Phase.RUNNING


async def test_the_theme_is_remembered(words_file: Path):
    async with workbench(words_file, recipe=QUICK) as bench:
        bench.app.theme = "nord"
        await bench.until(lambda: settings.load()[0].theme == "nord", "the theme on disk")
    async with workbench(words_file, recipe=None) as bench:
        assert bench.app.theme == "nord"
        assert bench.app.recipe == QUICK


async def test_an_unknown_theme_is_ignored(words_file: Path):
    settings.save(settings.Settings("no-such-theme", QUICK))
    async with workbench(words_file, recipe=None) as bench:
        assert bench.app.theme in bench.app.available_themes


async def test_no_color_gives_the_terminals_own_colours(
    words_file: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("NO_COLOR", "1")
    settings.save(settings.Settings("nord", QUICK))
    async with workbench(words_file, recipe=None) as bench:
        assert bench.app.current_theme.name.startswith("ansi")
        bench.app.theme = "textual-light"
        await bench.workers()
    assert settings.load()[0].theme == "nord"
