"""The chart of a run in the training pane: read, zoomed, smoothed, with all that is beside it."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from workbench import ENDLESS, workbench

from model.reports import Report, Reports
from model.yardstick import Yardstick
from tui.panes.training import TrainingPane
from tui.widgets.curves import Curves

WIDE = (160, 40)


@pytest.mark.parametrize("size", [(80, 24), WIDE])
async def test_the_chart_is_gone_to_and_its_keys_are_named(size: tuple[int, int], words_file: Path):
    async with workbench(words_file, size=size) as bench:
        await bench.press("2")
        await bench.train()
        await bench.looked()
        plain = bench.shown("#training").splitlines()[-1]
        await bench.press("shift+tab", "shift+tab")
        assert isinstance(bench.app.focused, Curves)
        assert Curves.KEYS in bench.shown("#training").splitlines()[-1]
        losses = bench.app.snapshot.losses
        assert losses is not None
        assert f"step 100 · loss {float(losses[100]):.5f}" in bench.shown("#loss")
        await bench.press("up", "home")
        assert f"step 0 · loss {float(losses[0]):.5f}" in bench.shown("#loss")
        assert "zoomed" in bench.shown("#training").splitlines()[0]
        await bench.press("tab")
        assert bench.shown("#training").splitlines()[-1] == plain
        assert "step 0" not in bench.shown("#loss")


async def test_m_smooths_more_and_then_no_more(words_file: Path):
    async with workbench(words_file, size=WIDE) as bench:
        await bench.train()
        await bench.press("2")
        await bench.until(lambda: "gap" in bench.shown("#gaps"), "what stands beside the chart")
        before = bench.shown("#loss")
        for weight in ("0.9", "0.99", "0.999"):
            await bench.press("m")
            assert f"smoothed {weight}" in bench.shown("#training").splitlines()[0]
            assert bench.shown("#loss") != before
        await bench.press("m")
        assert "smoothed" not in bench.shown("#training")
        assert bench.shown("#loss") == before


async def test_what_is_zoomed_stays_while_the_run_goes_on_and_goes_with_it(words_file: Path):
    async with workbench(words_file, recipe=ENDLESS) as bench:
        await bench.press("2", "f", "space")
        await bench.steps(2000)
        await bench.until(lambda: bench.app.look and bench.app.snapshot.step > 1000, "a look")
        await bench.press("shift+tab", "shift+tab", "home", *["up"] * 12)
        before = bench.shown("#loss")
        step = bench.app.snapshot.step
        await bench.until(lambda: bench.app.snapshot.step > step + 500, "more steps")
        assert bench.shown("#loss").splitlines()[1:] == before.splitlines()[1:]
        await bench.press("r")
        await bench.until(lambda: bench.app.snapshot.step == 0, "another run")
        assert "zoomed" not in bench.shown("#training")


@pytest.mark.parametrize("size", [(80, 24), (120, 40), WIDE])
async def test_all_that_a_run_has_is_told_apart_without_colour(
    size: tuple[int, int], words_file: Path
):
    judged = [Report(25 * n, 1.0, 2.0, (), 2.6 - n / 10, 3.0 - n / 20) for n in range(4)]
    judged += [Report(99, 1.0, 2.0, ())]
    changes = ((30, "lr 0.01"), (80, "batch 64"))
    async with workbench(words_file, size=size) as bench:
        await bench.press("2")
        await bench.train()
        await bench.looked()
        pane = bench.app.query_one(TrainingPane)
        pane.yardstick = Yardstick("counts", 6, 1.9)
        recipe = bench.app.snapshot.recipe.with_(data="train")
        pane.snapshot = replace(
            bench.app.snapshot, reports=Reports(judged), changes=changes, recipe=recipe
        )
        await bench.press("shift+tab", "shift+tab", "home")
        shown = bench.shown("#loss")
        for text in ("* loss", "t train", "d dev", "lr 0.01", "batch 64", "counts n=6 1.9000"):
            assert text in shown
        assert f"floor {bench.app.snapshot.floor:.4f}" in shown
        read = " ".join(shown.replace(" · ", " ").split())
        assert re.search(r"step 0 loss \d\.\d+ t 2\.60000? d 3\.00000?", read)
        assert shown.count("d") >= 4 + 2 + 1  # its points, the legend, what is read
        assert shown.count("┊") > 5
