"""Numbers as shades: every step can be told from the others, on every terminal."""

import colorsys
import math
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from rich.color import Color, ColorSystem
from rich.style import Style

from tui.widgets.shades import STEPS, Scale, colour, figure, shading

HALF = STEPS // 2
UNSIGNED = range(1, STEPS + 1)
SIGNED = [step for step in range(-HALF, HALF + 1) if step]
RAMPS = [(signed, dark) for signed in (False, True) for dark in (False, True)]

numbers = st.floats(-1e9, 1e9)
anything = st.floats() | st.sampled_from([0.0, -0.0, math.inf, -math.inf, math.nan])


def rgb(color: Color | None) -> tuple[int, int, int]:
    assert color is not None
    return tuple(color.get_truecolor())


def luminance(style: Style) -> float:
    """The relative luminance of sRGB."""
    linear = [
        each / 255 / 12.92 if each <= 10 else ((each / 255 + 0.055) / 1.055) ** 2.4
        for each in rgb(style.bgcolor)
    ]
    return sum(weight * each for weight, each in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def lightness(style: Style) -> float:
    """CIE L*, from 0 to 100, which is even to the eye."""
    return 116 * luminance(style) ** (1 / 3) - 16


def ramp(signed: bool, dark: bool) -> list[Style]:
    return [colour(step, signed=signed, dark=dark) for step in (SIGNED if signed else UNSIGNED)]


# Colours


@pytest.mark.parametrize(("signed", "dark"), RAMPS)
def test_every_step_has_its_own_colour_also_with_256(signed: bool, dark: bool):
    styles = ramp(signed, dark)
    assert len({rgb(style.bgcolor) for style in styles}) == len(styles) == STEPS
    downgraded = [style.bgcolor.downgrade(ColorSystem.EIGHT_BIT) for style in styles]
    assert len({color.number for color in downgraded}) == STEPS
    assert [rgb(color) for color in downgraded] == [rgb(style.bgcolor) for style in styles]


@pytest.mark.parametrize("dark", [False, True])
def test_more_is_always_further_from_the_background(dark: bool):
    levels = [lightness(style) for style in ramp(False, dark)]
    assert levels == sorted(levels, reverse=not dark)
    assert len(set(levels)) == len(levels)
    below = [lightness(colour(-step, signed=True, dark=dark)) for step in range(1, HALF + 1)]
    above = [lightness(colour(step, signed=True, dark=dark)) for step in range(1, HALF + 1)]
    for side in (below, above):
        assert side == sorted(side, reverse=not dark)
        assert all(abs(one - two) > 3 for one, two in pairwise(side))


@pytest.mark.parametrize("dark", [False, True])
def test_neighbours_can_be_told_by_their_lightness_alone(dark: bool):
    levels = [lightness(style) for style in ramp(False, dark)]
    assert all(abs(one - two) > 3 for one, two in pairwise(levels))


@pytest.mark.parametrize("dark", [False, True])
def test_the_sides_of_zero_are_blue_and_orange(dark: bool):
    for step in range(1, HALF + 1):
        hues = [
            colorsys.rgb_to_hls(*(each / 255 for each in rgb(style.bgcolor)))[0] * 360
            for style in (colour(sign * step, signed=True, dark=dark) for sign in (-1, 1))
        ]
        assert 180 <= hues[0] <= 260, step
        assert hues[1] <= 60, step


@pytest.mark.parametrize("dark", [False, True])
def test_figures_can_be_read_on_every_colour_without_a_sign(dark: bool):
    check_contrast(False, dark)


@pytest.mark.parametrize("dark", [False, True])
def test_figures_can_be_read_on_every_colour_with_a_sign(dark: bool):
    check_contrast(True, dark)


def check_contrast(signed: bool, dark: bool):
    for style in ramp(signed, dark):
        behind = luminance(style)
        before = 1.0 if rgb(style.color) == (255, 255, 255) else 0.0
        contrast = (max(behind, before) + 0.05) / (min(behind, before) + 0.05)
        assert contrast >= 3, style


@pytest.mark.parametrize("signed", [False, True])
def test_without_colour_every_step_is_shaded_in_its_own_way(signed: bool):
    steps = [0, *(SIGNED if signed else UNSIGNED)]
    texts = [shading(step, signed=signed) for step in steps]
    assert len(set(texts)) == len(texts)
    assert all(len(text) == 2 for text in texts)
    ink = [sum(" ░▒▓█".index(each) for each in text if each not in "+-·") for text in texts]
    assert ink[0] == 0
    sides = [ink[1:]] if not signed else [ink[1 : HALF + 1][::-1], ink[HALF + 1 :]]
    for side in sides:
        assert side == sorted(set(side))


# Scales

KINDS = (
    Scale(0, 1000),
    Scale(0, 1, root=True),
    Scale(-10, 0),
    Scale(-5, 5, signed=True),
    Scale(-0.01, 0.01, signed=True, root=True),
)


@st.composite
def kinds_and_numbers(draw: st.DrawFn) -> tuple[Scale, list[float]]:
    """A scale and numbers that it can have, with some that are none among them."""
    scale = draw(st.sampled_from(KINDS))
    finite = st.floats(scale.low * 10, scale.high * 10)
    return scale, draw(st.lists(finite | st.sampled_from([math.nan, -math.inf]), max_size=20))


@given(kinds_and_numbers())
def test_a_fitted_scale_has_round_limits_around_all_numbers_and_zero(
    given: tuple[Scale, list[float]],
):
    kind, some = given
    scale = kind.fitted(some)
    finite = [each for each in some if math.isfinite(each)]
    assert scale.low <= 0 <= scale.high
    assert scale.low < scale.high
    assert all(scale.low <= each <= scale.high for each in finite)
    assert (scale.signed, scale.root) == (kind.signed, kind.root)
    assert (scale.low < 0, scale.high > 0) == (kind.low < 0, kind.high > 0)
    if kind.signed:
        assert scale.low == -scale.high
    reach = max(-scale.low, scale.high)
    assert f"{reach:.10e}"[0] in "125"
    # Neither wider than the numbers need, nor so narrow that noise looks like something.
    least = max(max(map(abs, finite), default=0), max(-kind.low, kind.high) / 100)
    assert least * (1 - 1e-9) <= reach <= 2.5 * least * (1 + 1e-9)


@given(kinds_and_numbers(), st.lists(st.floats(0.01, 1), min_size=1, max_size=9))
def test_a_fitted_scale_stays_while_the_numbers_fill_a_third_of_it(
    given: tuple[Scale, list[float]], shares: list[float]
):
    kind, some = given
    before = kind.fitted(some)
    reach = before.high or before.low
    for share in shares:
        after = kind.fitted([share * reach], before)
        if share >= 0.34:
            assert after is before
        assert after.low <= share * reach <= after.high
    assert kind.fitted([2 * reach], before) != before
    assert kind.fitted([reach / 2], KINDS[1 if kind is KINDS[0] else 0]).kind == kind.kind


@given(kinds_and_numbers())
def test_larger_numbers_have_no_smaller_steps(given: tuple[Scale, list[float]]):
    kind, some = given
    scale = kind.fitted(some)
    finite = sorted(each for each in some if math.isfinite(each))
    steps = [scale.step(each) for each in finite]
    assert steps == sorted(steps)
    assert set(steps) <= {0, *scale.steps}


@given(numbers, st.booleans())
def test_opposite_numbers_have_opposite_steps(number: float, root: bool):
    scale = Scale(-100.0, 100.0, signed=True, root=root)
    assert scale.step(-number) == -scale.step(number)
    assert scale.steps == list(range(-HALF, HALF + 1))
    assert [scale.step(each) for each in (-100, 0, 100)] == [-HALF, 0, HALF]


@pytest.mark.parametrize("scale", [Scale(0, 1), Scale(-10, 0), Scale(-1, 1, signed=True)])
def test_what_is_no_number_has_no_step(scale: Scale):
    assert [scale.step(each) for each in (-math.inf, math.nan)] == [0, 0]


def test_zero_is_nothing_where_it_is_the_least_and_most_where_it_is_the_most():
    assert Scale(0, 5).step(0) == Scale(-5, 5, signed=True).step(0) == 0
    assert Scale(-10, 0).step(0) == STEPS


@pytest.mark.parametrize("scale", [Scale(0, 8), Scale(0, 8, root=True), Scale(-8, 0)])
def test_every_step_is_used_and_what_lies_outside_has_the_last(scale: Scale):
    width = scale.high - scale.low
    shares = [scale.low + width * part / 1000 for part in range(1, 1001)]
    assert {scale.step(each) for each in shares} == set(scale.steps) == set(UNSIGNED)
    assert scale.step(scale.high + 5) == STEPS
    assert scale.step(scale.low - 5) == 1
    assert scale.step(scale.low + 1e-12) == 1


def test_the_root_leaves_steps_for_small_numbers():
    plain, root = (Scale(0, 100, root=root) for root in (False, True))
    assert len({plain.step(each) for each in range(1, 13)}) == 1
    assert len({root.step(each) for each in range(1, 13)}) == 3


# Figures

rooms = st.integers(2, 12)


@given(anything, rooms)
def test_a_figure_is_never_longer_than_its_room(number: float, room: int):
    assert 1 <= len(figure(number, room)) <= room


@given(numbers, rooms)
def test_a_figure_is_within_rounding_of_its_number(number: float, room: int):
    assume(len(f"{number:.0f}") <= room)
    text = figure(number, room)
    decimals = len(text.partition(".")[2])
    assert abs(float(text) - number) <= 0.5 * 10.0**-decimals * (1 + 1e-9)


@pytest.mark.parametrize("number", [123_456, -12_345, 99_999, -1234.5])
def test_a_figure_without_room_for_its_number_is_of_its_size(number: float):
    text = figure(number, 4)
    shown = float(text.lower().replace("k", "e3").replace("m", "e6"))
    assert shown == pytest.approx(number, rel=0.5)


def test_figures_are_as_exact_as_their_room_allows():
    expected = {0.5: ".5000", 0.12345: ".1235", 12.3456: "12.35", -0.25: "-.250", 7.0: "7"}
    for number, text in expected.items():
        assert figure(number, 5) == text
    assert [figure(each, 2) for each in (math.inf, -math.inf, math.nan)] == ["∞", "-∞", "?"]
