"""Which cells of a chart are sent again, and when."""

from charts import FLOOR, ChartApp, losses
from textual.containers import Container

from tui.widgets.chart import Bars, Line, Reference


async def test_streaming_moves_no_axis_and_repaints_little():
    app = ChartApp()
    async with app.run_test(size=(60, 20)) as pilot:
        app.chart.show(Line(range(1), losses(1)), FLOOR, x_range=(0, 500))
        await pilot.pause()
        axis = [row[:4] for row in app.rows], app.rows[-2:]
        app.chart.repainted.clear()
        for steps in range(50, 501, 50):
            app.chart.show(Line(range(steps), losses(steps)), FLOOR, x_range=(0, 500))
            await pilot.pause()
            assert ([row[:4] for row in app.rows], app.rows[-2:]) == axis
        assert None not in app.chart.repainted
        assert sum(region.area for region in app.chart.repainted) < 60 * 20 / 2


async def test_only_the_cells_that_changed_are_repainted():
    app = ChartApp()
    async with app.run_test(size=(28, 8)) as pilot:
        app.chart.show(Line([0, 100], [0, 10]), x_range=(0, 100))
        await pilot.pause()
        before = app.rows
        app.chart.repainted.clear()
        app.chart.show(Line([0, 100], [0, 10]), Reference(5, "half"), x_range=(0, 100))
        await pilot.pause()
        changed = {
            (x, y)
            for y, (old, new) in enumerate(zip(before, app.rows, strict=True))
            for x in range(28)
            if old[x] != new[x]
        }
        repainted = {
            (x, y) for r in app.chart.repainted for y in r.line_range for x in r.column_range
        }
        assert changed
        assert changed <= repainted
        assert {y for _, y in changed} == {y for _, y in repainted}
        assert min(changed)[0] == min(repainted)[0]


async def test_equal_data_draws_nothing():
    app = ChartApp()
    async with app.run_test(size=(46, 14)) as pilot:
        ys = losses(100)
        app.chart.show(Line(range(100), ys), FLOOR)
        await pilot.pause()
        picture = app.chart._rows
        app.chart.repainted.clear()
        app.chart.show(Line(list(range(100)), list(ys)), Reference(2.454, "floor 2.4540"))
        await pilot.pause()
        assert app.chart.repainted == []
        assert app.chart._rows is picture


async def test_a_growing_list_is_new_data():
    app = ChartApp()
    async with app.run_test(size=(28, 8)) as pilot:
        xs, ys = [0], [0.0]
        app.chart.show(Line(xs, ys), x_range=(0, 2))
        await pilot.pause()
        before = app.rows
        xs.append(1)
        ys.append(1.0)
        app.chart.show(Line(xs, ys), x_range=(0, 2))
        await pilot.pause()
        assert app.rows != before


async def test_hidden_chart_draws_when_it_is_shown():
    app = ChartApp()
    async with app.run_test(size=(46, 14)) as pilot:
        app.query_one(Container).display = False
        await pilot.pause()
        app.chart.repainted.clear()
        old = app.chart._rows
        app.chart.show(Line(range(100), losses(100)), FLOOR)
        await pilot.pause()
        assert app.chart._rows is old
        assert app.chart.repainted == []
        app.query_one(Container).display = True
        await pilot.pause()
        assert "floor 2.4540" in "".join(app.rows)


async def test_follows_the_size():
    app = ChartApp()
    async with app.run_test(size=(46, 14)) as pilot:
        app.chart.show(Line(range(100), losses(100)), FLOOR)
        for size in [(100, 30), (28, 8), (3, 2), (46, 14)]:
            await pilot.resize_terminal(*size)
            await pilot.pause()
            assert [len(row) for row in app.rows] == [size[0]] * size[1]
        assert "floor 2.4540" in "".join(app.rows)
        app.chart.styles.border = ("round", "red")
        await pilot.pause()
        assert [len(row) for row in app.rows] == [44] * 12


async def test_each_part_has_the_style_of_its_component():
    app = ChartApp()
    async with app.run_test(size=(46, 14)) as pilot:
        curve = Line([0, 500], [3, 3], "loss")
        app.chart.show(curve, Bars([150, 350], [2.9, 2.9]), FLOOR, x_range=(0, 500))
        await pilot.pause()
        styles = {
            character: segment.style
            for y in range(14)
            for segment in app.chart.render_line(y)
            for character in segment.text
        }
        for character, component in {
            "│": "axis",
            "5": "axis",
            "└": "axis",
            "⠉": "line-1",
            "f": "label",
            "█": "bar",
        }.items():
            assert styles[character] == app.chart.get_component_rich_style(f"chart--{component}")


async def test_follows_the_theme():
    def colours() -> set:
        segments = [segment for y in range(14) for segment in app.chart.render_line(y)]
        return {segment.style and segment.style.color for segment in segments}

    app = ChartApp()
    async with app.run_test(size=(46, 14)) as pilot:
        app.chart.show(Line(range(100), losses(100)), FLOOR)
        await pilot.pause()
        dark = colours()
        app.theme = "textual-light"
        await pilot.pause()
        assert len(dark) >= 3
        assert not dark & colours()


async def test_repaints_the_right_cells_inside_a_border():
    app = ChartApp()
    async with app.run_test(size=(46, 14)) as pilot:
        app.chart.styles.border = ("round", "red")
        app.chart.styles.padding = (1, 3)
        app.chart.show(Line(range(100), losses(100)), FLOOR, x_range=(0, 500))
        await pilot.pause()
        for steps in range(150, 501, 50):
            app.chart.show(Line(range(steps), losses(steps)), FLOOR, x_range=(0, 500))
            await pilot.pause()
        shown = [strip.text[4:-4] for strip in app.screen._compositor.render_strips()]
        assert shown[2:-2] == app.rows
