"""The chart as a user sees it: rows of text, and which of their cells are sent again."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual.app import App, ComposeResult
from textual.containers import Container
from textual.geometry import Region

from tui.widgets.axes import steady
from tui.widgets.chart import Bars, Chart, Line, Reference

FLOOR = Reference(2.454, "floor 2.4540")


def losses(steps: int) -> list[float]:
    return [2.535 + 1.235 * math.exp(-step / 40) for step in range(steps)]


class WatchedChart(Chart):
    """Records every region that it asks Textual to repaint."""

    def __init__(self, **options) -> None:
        super().__init__(**options)
        self.repainted: list[Region | None] = []

    def refresh(self, *regions: Region, **options):
        self.repainted += regions or [None]
        return super().refresh(*regions, **options)


class ChartApp(App[None]):
    CSS = "Chart { height: 1fr; }"

    def __init__(self, **options) -> None:
        super().__init__()
        self.chart = WatchedChart(**options)

    def compose(self) -> ComposeResult:
        with Container():
            yield self.chart

    @property
    def rows(self) -> list[str]:
        return [self.chart.render_line(y).text for y in range(self.chart.size.height)]


async def picture(*series, size=(28, 8), x_range=None, log_scale=False, **options) -> list[str]:
    app = ChartApp(**options)
    async with app.run_test(size=size) as pilot:
        app.chart.log_scale = log_scale
        app.chart.show(*series, x_range=x_range)
        await pilot.pause()
        return app.rows


async def test_line_and_axes():
    assert await picture(Line([0, 10], [0, 10]), x_range=(0, 10)) == [
        "10┤                    ⢀⡠⠔⠊⠉",
        "  │                ⢀⡠⠔⠊⠁    ",
        "  │            ⢀⡠⠔⠊⠁        ",
        " 5┤        ⢀⡠⠔⠊⠁            ",
        "  │    ⢀⡠⠔⠊⠁                ",
        " 0┤⣀⡠⠔⠊⠁                    ",
        "  └┬───────────┬───────────┬",
        "   0           5          10",
    ]


async def test_bars():
    assert await picture(Bars([0, 1, 2], [1, 2, 4])) == [
        "4┤                  ███████ ",
        " │                  ███████ ",
        " │                  ███████ ",
        "2┤         ▐██████▌ ███████ ",
        " │ ███████ ▐██████▌ ███████ ",
        "0┤ ███████ ▐██████▌ ███████ ",
        " └────┬────────┬───────┬────",
        "      0        1       2    ",
    ]


async def test_more_bars_than_columns_lose_no_peak():
    rows = await picture(Bars(range(2000), [9.0 if k == 777 else 1.0 for k in range(2000)]))
    assert any(column in rows[0] for column in "▐▌█")


async def test_negative_bars_hang_from_zero():
    assert await picture(Bars([0, 1, 2, 3], [2, -2, 1, -1])) == [
        " 2┤▐████▌                   ",
        "  │▐████▌       ▄▄▄▄▄       ",
        "  │▐████▌       █████       ",
        " 0┤▝▀▀▀▀▘ █████ ▀▀▀▀▀ ▐████▌",
        "  │       █████       ▝▀▀▀▀▘",
        "-2┤       █████             ",
        "  └───┬───────────┬─────────",
        "      0           2         ",
    ]


async def test_ascii_uses_only_ascii():
    rows = await picture(Line(range(9), losses(9)), Bars([3], [2]), FLOOR, ascii=True)
    assert "".join(rows).isascii()
    assert "*" in "".join(rows)
    assert "#" in "".join(rows)


async def test_reference_is_dotted_where_the_curve_is_solid():
    assert await picture(Line([0, 500], [3, 3]), FLOOR, x_range=(0, 500)) == [
        "3.0┤⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉",
        "   │                        ",
        "2.8┤                        ",
        "2.6┤                        ",
        "   │                        ",
        "2.4┤⠂floor 2.4540⠂⠂⠂⠂⠂⠂⠂⠂⠂⠂⠂",
        "   └┬────────┬─────────┬────",
        "    0       200       400   ",
    ]


@pytest.mark.parametrize("size", [(28, 8), (46, 14), (100, 30), (200, 40)])
async def test_loss_curve_uses_the_height_above_its_floor(size):
    rows = await picture(Line(range(501), losses(501)), FLOOR, x_range=(0, 500), size=size)
    assert [len(row) for row in rows] == [size[0]] * size[1]
    assert "floor 2.4540" in "".join(rows)
    assert "3.0┤" in "\n".join(rows)
    numbers = [int(number) for number in rows[-1].split()]
    assert numbers == [k * numbers[1] for k in range(len(numbers))]
    used = [row for row in rows[:-2] if any("\u2800" < character <= "\u28ff" for character in row)]
    assert len(used) > 0.9 * (size[1] - 2)


async def test_label_gives_way_to_the_curve():
    beneath = await picture(Line([0, 500], [3.8, 3.8]), FLOOR, x_range=(0, 500))
    above = await picture(Line(range(501), losses(501)), FLOOR, x_range=(0, 500))
    assert "floor 2.4540" in beneath[-3]
    assert "floor 2.4540" in above[-4]


async def test_lines_differ_by_mark_and_have_a_legend():
    lines = [Line([0, 10], [k, k], f"run {k}") for k in range(6)]
    text = "\n".join(await picture(*lines, size=(46, 14)))
    for mark, line in zip("*+xo%@", lines, strict=True):
        assert f"{mark} {line.label}" in text
        assert text.count(mark) > 2


async def test_points_are_not_joined():
    rows = await picture(Line([0, 5, 10], [0, 5, 10], style="points"))
    assert "".join(rows).count("*") == 3


@pytest.mark.parametrize("text", ["[bold]x[/]", "[/nonsense", "字典"])
async def test_labels_are_shown_as_they_are(text):
    rows = await picture(Line([0, 1], [0, 9], label=text), Reference(5, text), size=(40, 10))
    assert sum(row.count(text) for row in rows) == 2


async def test_labels_of_two_references_do_not_overlap():
    rows = await picture(Line([0, 9], [0, 9]), Reference(5, "above"), Reference(5.01, "below"))
    assert sum("above" in row for row in rows) == sum("below" in row for row in rows) == 1


async def test_control_characters_are_spelled_out():
    rows = await picture(Line([0, 1], [0, 9]), Reference(5, "a\x1b[2J\nb"), size=(40, 10))
    assert any("a␛[2J␊b" in row for row in rows)


async def test_log_scale():
    curve = Line(range(3), [1, 100, 10000])
    assert await picture(curve, log_scale=True, size=(28, 10)) == [
        "10000┤                   ⣀⠔⠉",
        "     │                ⢀⠤⠊   ",
        " 1000┤              ⡠⠒⠁     ",
        "     │           ⢀⠔⠉        ",
        "  100┤        ⢀⠤⠊⠁          ",
        "   10┤     ⢀⡠⠒⠁             ",
        "     │   ⡠⠔⠁                ",
        "    1┤⣀⠔⠊                   ",
        "     └┬──────────┬─────────┬",
        "      0          1         2",
    ]


async def test_log_scale_leaves_out_what_has_no_logarithm():
    curve = Line(range(5), [1, 0, 100, -3, 10000])
    bare = Line([0, 2, 4], [1, 100, 10000])
    references = Reference(0, "zero"), Reference(-1, "less")
    assert await picture(curve, *references, log_scale=True) == await picture(bare, log_scale=True)
    assert "no data yet" in "".join(await picture(Line([0], [0]), log_scale=True))


async def test_log_scale_can_be_switched():
    app = ChartApp()
    async with app.run_test(size=(28, 10)) as pilot:
        app.chart.show(Line(range(3), [1, 100, 10000]))
        await pilot.pause()
        linear = app.rows
        app.chart.log_scale = True
        await pilot.pause()
        assert app.rows != linear
        app.chart.log_scale = False
        await pilot.pause()
        assert app.rows == linear


async def test_values_that_are_not_finite_are_left_out():
    curve = Line(range(5), [1, math.nan, math.inf, -math.inf, 3])
    assert await picture(curve) == await picture(Line([0, 4], [1, 3]))
    assert await picture(curve, Reference(math.nan, "nowhere")) == await picture(curve)


async def test_points_outside_the_range_are_left_out():
    far = Line([-1e12, 0, 10, 1e12], [9, 0, 1, 9])
    near = Line([0, 10], [0, 1])
    assert await picture(far, x_range=(0, 10)) == await picture(near, x_range=(0, 10))


DECADES = [10.0**power for power in range(-2, 3)]


async def test_a_logarithmic_x_axis_gives_every_decade_the_same_room():
    assert await picture(Line(DECADES, range(5)), size=(46, 8), log_x=True) == [
        "4┤                                    ⢀⣀⡠⠤⠒⠒⠉⠉",
        " │                             ⢀⣀⠤⠤⠒⠊⠉⠁       ",
        " │                      ⢀⣀⠤⠤⠒⠊⠉⠁              ",
        "2┤               ⣀⡠⠤⠔⠒⠊⠉⠁                     ",
        " │       ⢀⣀⡠⠤⠒⠒⠉⠉                             ",
        "0┤⣀⣀⠤⠤⠒⠊⠉⠁                                    ",
        " └┬──────────┬──────────┬─────────┬──────────┬",
        "  0.01      0.1         1         10       100",
    ]


@pytest.mark.parametrize("x_range", [None, (0.01, 100), (0, 100)])
async def test_what_is_not_positive_has_no_place_on_a_logarithmic_x_axis(x_range):
    plain = Line(DECADES, range(5))
    more = Line([-1, 0, *DECADES], [99, 99, *range(5)])
    expected = await picture(plain, size=(46, 8), log_x=True)
    assert await picture(more, size=(46, 8), x_range=x_range, log_x=True) == expected


async def test_a_part_of_a_decade_has_round_ticks():
    line = Line([2, 8], [0, 3])
    rows = await picture(line, size=(46, 6), x_range=(2, 8), log_x=True)
    assert rows[-1].split() == ["2", "4", "6", "8"]
    ticks = [column for column, cell in enumerate(rows[-2]) if cell == "┬"]
    assert ticks[1] - ticks[0] == pytest.approx(ticks[3] - ticks[1], abs=1)


async def test_a_line_keeps_its_mark_where_another_has_no_points():
    full = Line([0, 9], [1, 1], "train")
    both = "\n".join(await picture(full, Line([0, 9], [2, 2], "dev")))
    one = "\n".join(await picture(Line([], [], "none"), full, Line([0, 9], [2, 2], "dev")))
    assert "* train" in both
    assert "+ train" in one
    assert "x dev" in one
    assert "none" not in one


async def test_what_is_said_without_data_can_change():
    app = ChartApp(empty="wait")
    async with app.run_test(size=(28, 5)) as pilot:
        assert "wait" in "".join(app.rows)
        app.chart.empty = "too little"
        await pilot.pause()
        assert "too little" in "".join(app.rows)
        app.chart.show(Line([0, 1], [0, 1]))
        await pilot.pause()
        assert "too little" not in "".join(app.rows)


async def test_lengths_must_agree():
    with pytest.raises(ValueError, match="2 xs but 1 ys"):
        Line([1, 2], [1])


@pytest.mark.parametrize("size", [(1, 1), (5, 2), (20, 3), (9, 40)])
async def test_too_small_a_chart_says_so(size):
    rows = await picture(Line(range(9), losses(9)), FLOOR, size=size)
    assert "no room".startswith("".join(rows).strip())
    assert "".join(rows).strip()


async def test_empty_chart_says_so():
    rows = await picture(size=(28, 5), empty="nothing [yet]")
    assert rows == [" " * 28] * 2 + ["       nothing [yet]        "] + [" " * 28] * 2
    assert "no data yet" in "".join(await picture(FLOOR))


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


def test_limits_move_rarely_and_include_the_data():
    limits, moves = None, 0
    for steps in range(1, 502):
        curve = losses(steps)
        before, limits = limits, steady(limits, min(curve), max(curve))
        assert limits[0] - 1e-9 < min(curve) <= max(curve) < limits[1] + 1e-9
        moves += limits != before
    assert moves < 15
    assert limits[1] - limits[0] < 1.5 * (max(curve) - min(curve))


def test_limits_of_a_loss_and_its_floor():
    assert steady(None, 2.454, 3.7677) == pytest.approx((2.4, 3.8))


def test_only_the_limit_that_is_passed_moves():
    assert steady((0.0, 10.0), -0.5, 9.0) == (-5.0, 10.0)
    assert steady((0.0, 10.0), 1.0, 10.5) == (0.0, 15.0)


def test_limits_are_chosen_anew_when_too_little_is_used():
    assert steady((0.0, 10.0), 4.0, 8.0) == (0.0, 10.0)
    assert steady((0.0, 10.0), 6.0, 8.0) == pytest.approx((6.0, 8.0))


numbers = st.one_of(st.floats(), st.integers(), st.sampled_from([0, 5e-324, 1e300, -1e308]))
finite = st.floats(-1e9, 1e9)
series = st.lists(
    st.one_of(
        st.lists(st.tuples(numbers, numbers), max_size=20).map(
            lambda points: Line([x for x, _ in points], [y for _, y in points], "name")
        ),
        st.lists(st.tuples(numbers, numbers), max_size=20).map(
            lambda points: Bars([x for x, _ in points], [y for _, y in points])
        ),
        st.builds(Reference, numbers, st.text(max_size=8)),
    ),
    max_size=8,
)


async def test_nothing_crashes_it():
    app = ChartApp()
    async with app.run_test(size=(30, 10)):

        @given(
            series,
            st.tuples(st.integers(0, 60), st.integers(0, 30)),
            st.none() | st.tuples(finite, finite).map(sorted).map(tuple),
            st.booleans(),
            st.booleans(),
            st.booleans(),
        )
        @settings(deadline=None, max_examples=300)
        def draw(some, size, x_range, log_scale, log_x, ascii):
            chart = Chart(ascii=ascii, log_x=log_x)
            chart.set_reactive(Chart.log_scale, log_scale)
            chart._series, chart._x_range = tuple(some), x_range
            rows = chart.picture(size=Region(0, 0, *size).size)
            assert [len(row) for row in rows] == [size[0]] * size[1]

        draw()


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
