"""What is sent to a terminal that is far away."""

from pathlib import Path

import pytest
from terminal import PROGRAM, terminal
from textual.widgets import Input, Tabs
from workbench import ENDLESS, Bench, workbench

import tui.app
from tui import settings


def command(bench: Bench, title: str) -> None:
    """Run a command of the palette."""
    commands = bench.app.get_system_commands(bench.app.screen)
    next(one for one in commands if one.title == title).callback()


def stored() -> bool | None:
    return settings.load()[0].low_bandwidth


async def test_the_palette_lowers_it_and_that_is_remembered(words_file: Path):
    async with workbench(words_file) as bench:
        assert not bench.app.query_one("#bandwidth").display
        command(bench, "Bandwidth: low")
        await bench.until(lambda: bench.app.query_one("#bandwidth").display, "the sign of it")
        await bench.until(lambda: stored() is True, "the setting")
    async with workbench(words_file, recipe=None) as bench:
        assert bench.app.low_bandwidth
        command(bench, "Bandwidth: full")
        await bench.until(lambda: not bench.app.query_one("#bandwidth").display, "the old way")
        await bench.until(lambda: stored() is None, "the setting: what suits the terminal")


async def test_what_is_remembered_goes_before_what_suits_the_terminal(
    words_file: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SSH_TTY", "/dev/pts/1")
    async with workbench(words_file) as bench:
        assert bench.app.low_bandwidth
        command(bench, "Bandwidth: full")
        await bench.until(lambda: stored() is False, "the setting")
    async with workbench(words_file, recipe=None) as bench:
        assert not bench.app.low_bandwidth


async def test_a_run_is_drawn_as_often_as_the_bandwidth_allows(
    words_file: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(tui.app, "LOW_FRAMES_PER_SECOND", 0.001)
    async with workbench(words_file, recipe=ENDLESS) as bench:
        command(bench, "Bandwidth: low")
        await bench.press("f", "space")
        await bench.until(lambda: bench.app.session.snapshot.step > 1000, "a thousand steps")
        assert bench.app.snapshot.step == 0
        command(bench, "Bandwidth: full")
        await bench.until(lambda: bench.app.snapshot.step > 1000, "the run on the screen")


@pytest.mark.parametrize("size", [(40, 12), (60, 20), (80, 24), (120, 40)])
async def test_the_sign_of_it_leaves_room_for_the_tab_of_the_pane(
    size: tuple[int, int], words_file: Path
):
    async with workbench(words_file, size=size) as bench:
        command(bench, "Bandwidth: low")
        tabs, sign = bench.app.query_one(Tabs), bench.app.query_one("#bandwidth")
        await bench.until(lambda: sign.region.width, "the sign, which takes room from the tabs")
        for key, name in (("7", "smoothing"), ("1", "dataset")):
            await bench.press(key)
            tab = bench.app.query_one(f"Tab#{name}")
            await bench.until(lambda tab=tab: tabs.region.contains_region(tab.region), name)
        assert not tabs.region.overlaps(sign.region)
        assert bench.shown("#bandwidth").strip().startswith("low ban")


async def test_no_cursor_blinks(words_file: Path):
    async with workbench(words_file) as bench:
        await bench.press("5")
        await bench.until(lambda: isinstance(bench.app.focused, Input), "the word")
        focused = bench.app.focused
        assert isinstance(focused, Input)
        assert not focused.cursor_blink


def test_a_change_of_the_focus_sends_no_whole_screen(words_file: Path):
    with terminal(*PROGRAM, str(words_file)) as one:
        one.until("floor")
        one.press("e")
        one.until("Recipe")
        one.until_still()
        for _ in range(3):
            mark = one.mark()
            one.press("\t")
            one.until_still()
            cells = len(one.text) - mark
            assert 0 < cells < 40 * 120 / 4
