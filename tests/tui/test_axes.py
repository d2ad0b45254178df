"""The limits of a chart's axes."""

import pytest
from charts import losses

from tui.widgets.axes import steady


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
