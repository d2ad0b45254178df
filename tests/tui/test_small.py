"""Small screens: the main thing of each pane, and nothing smaller than that."""

from pathlib import Path

import pytest
from workbench import workbench

from tui.panes.pane import Pane

LARGER = "make the terminal larger"


@pytest.mark.parametrize(("size", "told"), [((40, 12), ""), ((39, 12), LARGER), ((40, 11), LARGER)])
async def test_below_40_x_12_one_is_told(size: tuple[int, int], told: str, words_file: Path):
    async with workbench(words_file, size=size) as bench:
        assert (LARGER in bench.shown()) is bool(told)


MAIN = ("#facts", "#loss", "#words", "#table", "#tokens", "#pairs", "#nll-by-k")


@pytest.mark.parametrize("place", range(7))
async def test_each_pane_has_room_for_its_main_thing_at_40_x_12(place: int, words_file: Path):
    async with workbench(words_file, size=(40, 12)) as bench:
        await bench.press(str(place + 1))
        pane = next(pane for pane in bench.app.query(Pane) if pane.display)
        main = pane.query_one(MAIN[place])
        assert place + 1 == pane.NUMBER
        await bench.until(
            lambda: main.region.height >= 3, "its lines"
        )  # once there is what to show
        assert main.region.width >= 24
        assert pane.region.contains_region(main.region) or place == 0  # which scrolls


async def test_notifications_leave_some_of_a_small_screen(words_file: Path):
    async with workbench(words_file, size=(40, 12)) as bench:
        for number in range(9):
            bench.app.notify(f"{number} " + "a long story " * 20)
        await bench.until(lambda: bench.app.screen.query("Toast"), "the notifications")
        assert bench.app.screen.query_one("ToastRack").region.height <= 8
