"""A number that keys move along a grid, ahead of where it is used."""

from tui.choice import Choice, series
from tui.panes.smoothing import KS, L2S


def test_the_grid_is_zero_and_the_series_of_one_two_five():
    assert series(-1, 1) == (0.0, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
    assert KS[:5] == (0.0, 0.001, 0.002, 0.005, 0.01)
    assert KS[-2:] == (500.0, 1000.0)
    assert L2S[0] == 0.0
    assert list(KS) == sorted(set(KS))


def test_a_choice_moves_along_its_grid_and_from_beside_it():
    choice = Choice((0.0, 1.0, 2.0))
    for by, value in [(-1, 0.0), (1, 1.0), (1, 2.0), (1, 2.0), (-1, 1.0)]:
        choice.choose(choice.next(by))
        assert choice.value == value
    choice.choose(1.5)
    assert (choice.next(-1), choice.next(1)) == (1.0, 2.0)
    choice.choose(9.0)
    assert (choice.next(-1), choice.next(1)) == (2.0, 9.0)


def test_a_choice_is_ahead_of_what_follows_it():
    choice = Choice((0.0, 1.0, 2.0))
    choice.choose(1.0)
    choice.choose(2.0)
    choice.follow(1.0)
    assert choice.value == 2.0
    choice.follow(2.0)
    choice.follow(0.0)
    assert choice.value == 0.0
