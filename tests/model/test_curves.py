"""Curves that are thinned out and smoothed, however they grow."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from model.curves import Smoothed, Thinned, envelope

losses_of_any_length = st.lists(st.floats(0, 10, width=32), min_size=1, max_size=200)
wild = st.floats(0, 10, width=32) | st.sampled_from([math.nan, math.inf, -math.inf])
growth = st.lists(st.integers(1, 60), min_size=1, max_size=6)


# Thinned out


@given(losses_of_any_length, st.integers(1, 50))
def test_a_thinned_out_curve_keeps_the_extremes_of_each_bucket(losses: list[float], width: int):
    steps, values = envelope(torch.tensor(losses), width)
    assert steps == sorted(set(steps))
    assert values == [losses[step] for step in steps]
    for start in range(0, len(losses), width):
        bucket = losses[start : start + width]
        kept = [losses[step] for step in steps if start <= step < start + width]
        assert 1 <= len(kept) <= 2
        assert (min(kept), max(kept)) == (min(bucket), max(bucket))


@given(losses_of_any_length)
def test_a_curve_that_fits_is_kept_whole(losses: list[float]):
    assert envelope(torch.tensor(losses), 1) == (list(range(len(losses))), losses)


def test_a_curve_without_steps_has_no_points():
    assert envelope(torch.empty(0), 3) == ([], [])


@given(st.lists(wild, min_size=1, max_size=100), st.integers(1, 20))
def test_what_is_not_finite_hides_nothing(losses: list[float], width: int):
    _, values = envelope(torch.tensor(losses), width)
    for start in range(0, len(losses), width):
        finite = [each for each in losses[start : start + width] if math.isfinite(each)]
        if finite:
            assert {min(finite), max(finite)} <= set(values)


@given(losses_of_any_length, growth, st.integers(0, 150), st.integers(1, 20), st.integers(1, 250))
def test_a_part_that_grows_is_thinned_out_like_one_that_is_there(
    losses: list[float], parts: list[int], first: int, width: int, end: int
):
    curve = torch.tensor(losses)
    thinned, done = Thinned(first, width), 0
    begin = first - first % width
    for part in parts:
        done = min(done + part, len(losses))
        steps, values = thinned.points(curve[:done], end)
        expected, kept = envelope(curve[begin : max(begin, min(end, done))], width)
        assert steps == [begin + step for step in expected]
        assert values == kept


def test_a_curve_that_has_gone_back_is_thinned_out_anew():
    thinned = Thinned(0, 2)
    thinned.points(torch.arange(8.0), 8)
    assert thinned.points(torch.tensor([5.0, 4.0, 3.0]), 8) == ([0, 1, 2], [5.0, 4.0, 3.0])


# Smoothed


def one_by_one(losses: list[float], weight: float) -> list[float]:
    """The formula, step by step."""
    mean, seen, averages = 0.0, 0, []
    for loss in losses:
        if math.isfinite(loss):
            mean, seen = weight * mean + (1 - weight) * loss, seen + 1
            averages.append(mean / (1 - weight**seen))
        else:
            averages.append(loss)
    return averages


@given(st.lists(wild, max_size=200), growth, st.sampled_from([0.5, 0.9, 0.99, 0.999]))
def test_the_average_is_that_of_the_formula_however_the_curve_grows(
    losses: list[float], parts: list[int], weight: float
):
    curve, smoothed, done = torch.tensor(losses), Smoothed(weight), 0
    expected = one_by_one(curve.tolist(), weight)
    for part in [*parts, len(losses)]:
        done = min(done + part, len(losses))
        averages = smoothed.values(curve[:done]).tolist()
        assert averages == pytest.approx(expected[:done], rel=1e-5, nan_ok=True)


def test_a_constant_stays_itself_from_the_first_step_on():
    assert Smoothed(0.999).values(torch.full((1000,), 2.5)).tolist() == pytest.approx([2.5] * 1000)


def test_a_curve_that_has_gone_back_is_averaged_anew():
    smoothed = Smoothed(0.9)
    smoothed.values(torch.full((100,), 9.0))
    assert smoothed.values(torch.full((50,), 1.0)).tolist() == pytest.approx([1.0] * 50)
