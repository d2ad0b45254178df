"""The chart whose curves are read: their moving average, and what is drawn beside them."""

import re

import pytest
import torch
from curves_app import LOSSES, SLOPE, CurvesApp, press, run, settle
from textual.widgets import Button

from model.curves import Smoothed
from tui.widgets.chart import Mark
from tui.widgets.curve import Curve

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
