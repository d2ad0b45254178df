"""The chart as a user sees it: rows of text."""

import math

import pytest
from charts import FLOOR, ChartApp, losses, picture
from hypothesis import given, settings
from hypothesis import strategies as st
from textual.geometry import Region

from tui.widgets.chart import Bars, Chart, Line, Reference


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
    rows = await picture(Line(range(9), losses(9)), Bars([3], [2]), FLOOR, app_classes="-ascii")
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


async def test_labels_of_references_that_have_no_room_do_not_overlap_either():
    wall = [Line([0, 9], [y, y]) for y in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9)]
    rows = await picture(*wall, Reference(5, "above"), Reference(5.01, "below"))
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
            app.set_class(ascii, "-ascii")
            chart = Chart(log_x=log_x)
            chart.set_reactive(Chart.log_scale, log_scale)
            chart._series, chart._x_range = tuple(some), x_range
            rows = chart.picture(size=Region(0, 0, *size).size)
            assert [len(row) for row in rows] == [size[0]] * size[1]

        draw()
