"""The chart whose curves are read: its cursor, its zoom, and what takes long to thin out."""

import math
import re
from threading import Event, current_thread, main_thread
from typing import ClassVar

import pytest
import torch
from curves_app import FLOOR, LOSSES, SLOPE, STEPS, CurvesApp, press, run, settle
from hypothesis import given, settings
from hypothesis import strategies as st
from textual.widgets import Button
from workbench import wait_until

from tui.widgets.curve import Curve
from tui.widgets.curves import Curves


async def test_what_takes_long_to_thin_out_is_drawn_when_that_is_done():
    app = CurvesApp()
    async with app.run_test(size=(60, 20)) as pilot:
        app.chart.plot([run(LOSSES[:1000])])
        await settle(pilot)
        before = app.rows
        app.chart.plot([run()], [FLOOR])
        assert app.rows == before
        app.chart.plot([run()], [FLOOR])  # the next frame, which need not wait either
        await settle(pilot)
        assert app.read[0] == STEPS - 1
        assert "floor 2.0000" in app.text


async def test_another_run_is_drawn_when_the_one_before_is_still_being_thinned_out():
    app = CurvesApp()
    async with app.run_test(size=(60, 20)) as pilot:
        app.chart.plot([run(key="first")], [FLOOR])
        app.chart.plot([run(SLOPE, "second")])
        await settle(pilot)
        assert app.read == (999, [pytest.approx(3, abs=5e-6)])
        assert "floor" not in app.text


class Held(Curve):
    """A curve that makes a thread wait when it asks for its values for the `key`-th time."""

    asked: ClassVar[list[str]] = []
    waits, let_go = Event(), Event()

    def __getattribute__(self, name: str) -> object:
        if name == "values" and current_thread() is not main_thread():
            self.asked.append(name)
            if len(self.asked) == self.key:
                self.waits.set()
                assert self.let_go.wait(60)
        return super().__getattribute__(name)


@pytest.mark.parametrize("time", [1, 2, 3])
@pytest.mark.parametrize("weights", [(0.9, 0.999), (0.999, 0.0)])
async def test_what_is_smoothed_otherwise_while_it_is_averaged_is_drawn_as_it_is_said(
    weights: tuple[float, float], time: int
):
    first, then = weights
    app, plain = CurvesApp(), CurvesApp()
    held = Held(time, LOSSES, "loss")
    held.asked.clear()
    held.waits.clear()
    held.let_go.clear()
    async with app.run_test(size=(60, 20)) as pilot:
        app.chart.weight = first
        app.chart.plot([held], [FLOOR])
        await wait_until(pilot, held.waits.is_set, "the thread")
        app.chart.weight = then
        held.let_go.set()
        await settle(pilot)
        drawn = app.rows
    async with plain.run_test(size=(60, 20)) as pilot:
        plain.chart.weight = then
        plain.chart.plot([run()], [FLOOR])
        await settle(pilot)
        assert plain.rows == drawn


async def test_a_curve_that_could_not_be_thinned_out_once_is_drawn_the_next_time():
    class Failing(Curve):
        failures: ClassVar[list[str]] = []

        def __getattribute__(self, name: str) -> object:
            if name == "values" and current_thread() is not main_thread() and not self.failures:
                self.failures.append("out of memory")
                raise MemoryError
            return super().__getattribute__(name)

    app = CurvesApp()
    curve = Failing("run", LOSSES, "loss")
    async with app.run_test(size=(60, 20)) as pilot:
        app.chart.plot([curve])
        await wait_until(pilot, lambda: curve.failures, "the failure")
        await wait_until(
            pilot, lambda: all(each.is_finished for each in app.workers), "the end of the thread"
        )
        app.chart.plot([curve])
        await settle(pilot)
        assert app.read[0] == STEPS - 1


# The cursor


async def test_the_cursor_reads_the_exact_value_and_not_the_buckets():
    app = CurvesApp()
    async with app.run_test(size=(60, 20)) as pilot:
        app.chart.plot([run()], [FLOOR])
        await settle(pilot)
        assert app.read == (STEPS - 1, [pytest.approx(float(LOSSES[-1]), abs=5e-6)])
        await press(pilot, *["left"] * 5, "home", *["right"] * 7)
        step, values = app.read
        assert 0 < step < STEPS // 5
        assert values == [pytest.approx(float(LOSSES[step]), abs=5e-6)]


async def test_the_cursor_moves_by_a_column():
    app = CurvesApp()
    async with app.run_test(size=(60, 20)) as pilot:
        app.chart.plot([run(SLOPE)])
        await settle(pilot)
        columns = []
        for _ in range(4):
            await press(pilot, "left")
            columns.append(app.rows[2].index("│", 10))
        assert columns == list(range(columns[0], columns[0] - 4, -1))


async def test_where_a_step_is_wider_than_a_column_the_cursor_moves_by_a_step():
    app = CurvesApp()
    async with app.run_test(size=(60, 20)) as pilot:
        app.chart.plot([run(LOSSES[:12])])
        await press(pilot, "home", "right", "right")
        assert app.read[0] == 2


async def test_without_the_focus_there_is_no_cursor():
    app = CurvesApp()
    async with app.run_test(size=(60, 20)) as pilot:
        app.query_one(Button).add_class("-shown")
        app.chart.plot([run(LOSSES[:1000])])
        await settle(pilot)
        assert "step 999" in app.rows[0]
        await press(pilot, "tab")
        assert "step" not in app.text
        await press(pilot, "shift+tab")
        assert "step 999" in app.rows[0]


async def test_a_click_puts_the_cursor_there():
    app = CurvesApp()
    async with app.run_test(size=(60, 20)) as pilot:
        app.chart.plot([run(SLOPE)])
        await settle(pilot)
        for column in (30, 59, 12):
            assert await pilot.click(Curves, offset=(column, 10))
            await settle(pilot)
            assert app.rows[15][column] == "│"


async def test_curves_of_some_steps_are_read_at_the_nearest_one():
    app = CurvesApp()
    async with app.run_test(size=(80, 20)) as pilot:
        dev = Curve("dev", torch.tensor([3.0, 2.5, 2.25]), "dev", "d", (0, 40, 80))
        app.chart.plot([run(LOSSES[:100]), dev])
        await press(pilot, "home")
        assert app.rows[0].strip() == f"step 0 · loss {float(LOSSES[0]):.5f} · d 3.00000"
        while app.read[0] < 36:
            await press(pilot, "right")
        assert "d 2.50000 at 40" in app.rows[0]
        assert app.text.count("d") - app.rows[0].count("d") == 5  # three points, and the legend


async def test_a_curve_that_has_ended_is_not_read_beyond_its_end():
    app = CurvesApp()
    async with app.run_test(size=(80, 20)) as pilot:
        app.chart.plot([run(LOSSES[:10], "a", mark="A"), run(LOSSES[:100], "b", mark="B")])
        await settle(pilot)
        assert "A – · B 3.4" in app.rows[0]


@given(
    st.lists(st.sampled_from(["move", "zoom", "pan"]), max_size=12),
    st.lists(st.sampled_from([-1, 1]), min_size=12, max_size=12),
    st.lists(st.floats(width=32), min_size=1, max_size=300),
)
@settings(deadline=None)
async def test_whatever_is_pressed_what_is_read_is_what_there_is(keys, ways, values):
    app = CurvesApp()
    async with app.run_test(size=(90, 12)) as pilot:
        app.chart.plot([run(torch.tensor(values))])
        for key, way in zip(keys, ways, strict=False):
            getattr(app.chart, f"action_{key}")(way)
        await settle(pilot)
        if not any(math.isfinite(value) and abs(value) < 1e150 for value in values):
            return
        match = re.fullmatch(r"step ([\d,]+) · loss (\S+)", app.rows[0].strip())
        if match is None:  # what is seen holds no number at all
            assert "no data yet" in app.text
            return
        value = values[int(match[1].replace(",", ""))]
        assert float(match[2]) == pytest.approx(value, rel=1e-4, abs=1e-5, nan_ok=True)


# Zoom and pan


async def test_zooming_in_shows_every_step():
    app = CurvesApp()
    losses = torch.full((STEPS,), 2.0)
    losses[500_000] = 3.0
    async with app.run_test(size=(60, 20)) as pilot:
        app.chart.plot([run(losses)])
        await settle(pilot)
        while app.read[0] > 502_000:
            await press(pilot, "left")
        await press(pilot, *["up"] * 25)
        while app.read[0] > 500_000:
            await press(pilot, "left")
        assert app.read == (500_000, [3.0])
        assert app.axis[0] >= 499_990
        assert app.axis[-1] <= 500_010


async def test_the_y_axis_fits_what_is_seen():
    app = CurvesApp()
    async with app.run_test(size=(60, 20)) as pilot:
        app.chart.plot([run(torch.linspace(9, 3, 1000))], [FLOOR])
        await settle(pilot)
        assert "floor 2.0000" in app.text
        await press(pilot, "home", *["up"] * 5)
        assert "floor" not in app.text
        assert all(float(row.split("┤")[0]) > 8 for row in app.rows if "┤" in row)
        await press(pilot, "0")
        assert "floor 2.0000" in app.text


@pytest.mark.parametrize("key", ["0", "escape"])
async def test_all_is_seen_again(key: str):
    app = CurvesApp()
    async with app.run_test(size=(60, 20)) as pilot:
        app.chart.plot([run()])
        await settle(pilot)
        before = app.rows
        await press(pilot, "up", "up", "shift+left")
        assert app.rows != before
        assert app.chart.looks == ["zoomed"]
        await press(pilot, key, "end")
        assert app.rows == before
        assert app.chart.looks == []


async def test_panning_shows_as_many_steps_as_before():
    app = CurvesApp()
    async with app.run_test(size=(60, 20)) as pilot:
        app.chart.plot([run()])
        await press(pilot, "up", "up", "up")
        right = app.axis
        for _ in range(2):
            await press(pilot, "shift+left")
        left = app.axis
        assert left[-1] < right[-1]
        await press(pilot, "shift+right", "shift+right")
        assert app.axis == right
        await press(pilot, *["shift+left"] * 60)
        assert app.axis[0] == 0
        assert app.read[0] > 0


async def test_what_is_zoomed_stays_while_the_run_goes_on():
    app = CurvesApp()
    async with app.run_test(size=(60, 20)) as pilot:
        app.chart.plot([run(LOSSES[:10_000])], reach=STEPS - 1)
        await press(pilot, "home", *["up"] * 10)
        before = app.rows
        for step in (20_000, 500_000, STEPS):
            app.chart.plot([run(LOSSES[:step])], reach=STEPS - 1)
            await settle(pilot)
            assert app.rows == before


async def test_with_the_cursor_at_the_end_it_follows_the_run():
    app = CurvesApp()
    async with app.run_test(size=(60, 20)) as pilot:
        app.chart.plot([run(LOSSES[:10_000])], reach=STEPS - 1)
        await press(pilot, "end", *["up"] * 12)
        assert app.chart.looks == ["follows the end"]
        width = app.axis[-1] - app.axis[0]
        for step in (10_300, 50_000):
            app.chart.plot([run(LOSSES[:step])], reach=STEPS - 1)
            await settle(pilot)
            assert app.read[0] == step - 1
            assert app.axis[-1] - app.axis[0] == pytest.approx(width, rel=0.3)
            assert abs(app.axis[-1] - step) < 2 * width
        await press(pilot, "left")
        assert app.chart.looks == ["zoomed"]


async def test_another_run_is_seen_from_its_beginning():
    app = CurvesApp()
    async with app.run_test(size=(60, 20)) as pilot:
        app.chart.plot([run(LOSSES[:1000])])
        await press(pilot, "home", "up", "up")
        app.chart.plot([run(LOSSES[:500], "next")])
        await settle(pilot)
        assert app.chart.looks == []
        assert app.read[0] == 499


async def test_a_run_that_has_gone_back_is_drawn_as_it_is():
    app, plain = CurvesApp(), CurvesApp()
    short = 5 - LOSSES[:300]
    async with app.run_test(size=(60, 20)) as pilot:
        app.chart.weight = 0.9
        app.chart.plot([run(LOSSES[:1000])], reach=999)
        app.chart.plot([run(short)], reach=999)
        await settle(pilot)
        went_back = app.rows
    async with plain.run_test(size=(60, 20)) as pilot:
        plain.chart.weight = 0.9
        plain.chart.plot([run(short)], reach=999)
        await settle(pilot)
        assert plain.rows[-2:] == went_back[-2:]
        assert plain.rows[0] == went_back[0]
