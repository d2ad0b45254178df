"""The chart whose curves are read: its cursor, its zoom, and its moving average."""

import math
import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widgets import Button
from workbench import key_event
from workbench import settle as settle_screen

from model.curves import Smoothed
from tui.widgets.chart import Mark, Reference
from tui.widgets.curve import Curve
from tui.widgets.curves import Curves

FLOOR = Reference(2.0, "floor 2.0000")
STEPS = 1_000_000
LOSSES = (
    2.5 + torch.exp(-torch.arange(STEPS) / 100_000) + 0.1 * torch.sin(torch.arange(STEPS) * 1.7)
)
SLOPE = torch.linspace(4, 3, 1000)


class CurvesApp(App[None]):
    CSS = "Curves { height: 1fr; } Button { display: none; &.-shown { display: block; } }"

    def __init__(self) -> None:
        super().__init__()
        self.chart = Curves()

    def compose(self) -> ComposeResult:
        yield self.chart
        yield Button()

    @property
    def rows(self) -> list[str]:
        return [self.chart.render_line(y).text for y in range(self.chart.size.height)]

    @property
    def text(self) -> str:
        return "\n".join(self.rows)

    @property
    def read(self) -> tuple[int, list[float]]:
        """The step under the cursor and the values there."""
        numbers = [float(one.replace(",", "")) for one in re.findall(r"-?\d[\d,.]*", self.rows[0])]
        return int(numbers[0]), numbers[1:]

    @property
    def axis(self) -> list[float]:
        return [float(each) for each in self.rows[-1].split()]


async def settle(pilot: Pilot) -> None:
    """Wait until all is drawn, in threads as well."""
    await settle_screen(pilot)
    await pilot.app.workers.wait_for_complete()
    await settle_screen(pilot)


async def press(pilot: Pilot, *keys: str) -> None:
    for key in keys:
        pilot.app.post_message(key_event(key))
        await settle(pilot)


def run(
    losses: torch.Tensor = LOSSES, key: str = "run", label: str = "loss", mark: str = ""
) -> Curve:
    return Curve(key, losses, label, mark)


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


# The moving average


async def test_the_average_is_read_beside_what_it_is_of():
    app = CurvesApp()
    async with app.run_test(size=(60, 20)) as pilot:
        app.chart.plot([run(LOSSES[:1000])])
        await settle(pilot)
        for weight in (0.9, 0.99, 0.999):
            app.chart.action_smooth()
            await settle(pilot)
            expected = float(Smoothed(weight).values(LOSSES[:1000])[-1])
            assert app.read[1] == pytest.approx([float(LOSSES[999]), expected], abs=1e-5)
            assert app.chart.looks[0] == f"smoothed {weight}"
        app.chart.action_smooth()
        assert app.chart.looks == []


async def test_the_losses_stay_as_dots_behind_their_average():
    app = CurvesApp()
    async with app.run_test(size=(60, 20)) as pilot:
        app.chart.plot([run(LOSSES[:1000])])
        app.chart.weight = 0.99
        await settle(pilot)
        faint = app.chart.get_component_rich_style("chart--faint")
        line = app.chart.get_component_rich_style("chart--line-1")
        styles = {seg.style for y in range(20) for seg in app.chart.render_line(y)}
        assert {faint, line} <= styles
        app.chart.plot([run(LOSSES[:1000]), run(LOSSES[:1000], "other", "other")])
        await settle(pilot)
        styles = {seg.style for y in range(20) for seg in app.chart.render_line(y)}
        assert faint not in styles
        assert app.rows[0].count("~") == 2


async def test_of_a_curve_of_some_steps_there_is_no_average():
    app = CurvesApp()
    async with app.run_test(size=(80, 20)) as pilot:
        app.chart.plot([Curve("dev", torch.tensor([3.0, 2.0]), "dev", "d", (0, 40))])
        await settle(pilot)
        before = app.rows
        app.chart.weight = 0.9
        await settle(pilot)
        assert app.rows == before


# What is beside the curves


async def test_a_mark_stands_at_its_step_with_its_text():
    app = CurvesApp()
    async with app.run_test(size=(60, 20)) as pilot:
        app.query_one(Button).add_class("-shown")
        marks = [Mark(250, "lr 0.01"), Mark(750, "batch 64"), Mark(5000, "later")]
        app.chart.plot([run(SLOPE)], marks)
        await press(pilot, "tab")
        for text, share in (("lr 0.01", 0.25), ("batch 64", 0.75)):
            [row] = [row for row in app.rows if text in row]
            column = row.index(text) - 1
            left = row.index("│") if "│" in row else row.index("┤")
            assert (column - left) / (60 - left) == pytest.approx(share, abs=0.03)
            assert sum(row[column] == "┊" for row in app.rows) > 8
        assert "later" not in app.text


async def test_marks_that_are_close_have_their_texts_one_below_the_other():
    app = CurvesApp()
    async with app.run_test(size=(60, 20)) as pilot:
        app.chart.plot([run(LOSSES[:1000])], [Mark(500 + n, f"change {n}") for n in range(4)])
        await settle(pilot)
        assert [sum(f"change {n}" in row for row in app.rows) for n in range(4)] == [1] * 4


async def test_a_text_beside_a_mark_hides_no_curve():
    app = CurvesApp()
    async with app.run_test(size=(40, 12)) as pilot:
        app.chart.plot([run(torch.full((100,), 3.0))])
        await settle(pilot)
        before = app.text
        app.chart.plot([run(torch.full((100,), 3.0))], [Mark(50, "x" * 15), Mark(51, "y" * 60)])
        await settle(pilot)
        assert "x" * 15 in app.text
        assert "y" not in app.text
        braille = re.compile("[\u2801-\u28ff]")
        assert len(braille.findall(app.text)) == len(braille.findall(before))


async def test_lines_with_letters_bear_them_at_their_ends_too():
    app = CurvesApp()
    async with app.run_test(size=(60, 20)) as pilot:
        short = [run(2 + n + LOSSES[:3], f"{n}", f"run {n}", "ABCDEFGH"[n]) for n in range(8)]
        app.chart.plot([*short, run(LOSSES[:10_000], "long", "long", "Z")])
        await settle(pilot)
        plot = "".join(row[2:45] for row in app.rows[1:-2])
        assert set("ABCDEFGHZ") <= set(plot)
