import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.errors import MakemoreError
from model.recipe import OPTIMISERS, RECIPES, SCHEDULES, Recipe


@pytest.mark.parametrize(
    ("first", "last", "lr"),
    [
        (0, 0, 100),
        (1, 9, 10),
        (10, 24, 1),
        (25, 49, 0.1),
        (50, 249, 0.01),
        (250, 500, 0.001),
    ],
)
def test_the_notebooks_learning_rate_falls_where_the_notebooks_does(
    first: int, last: int, lr: float
):
    recipe = RECIPES["notebook"]
    assert [recipe.lr(step) for step in range(first, last + 1)] == pytest.approx(
        [lr] * (last + 1 - first)
    )


def test_the_notebooks_recipe_adds_up_its_gradients_for_501_steps_from_seed_0():
    recipe = RECIPES["notebook"]
    assert (recipe.optimiser, recipe.steps, recipe.seed, recipe.n) == ("accumulate", 501, 0, 2)


@pytest.mark.parametrize("name", sorted(set(SCHEDULES) - {"rising"}))
@given(steps=st.integers(1, 1000))
def test_a_schedule_starts_at_its_highest_and_never_rises_or_reaches_zero(name: str, steps: int):
    recipe = Recipe("any", "adam", name, learning_rate=3, steps=steps)
    rates = [recipe.lr(step) for step in range(steps)]
    assert rates[0] == 3
    assert all(earlier >= later > 0 for earlier, later in pairwise(rates))


def test_the_recipes_go_by_their_names():
    for name, recipe in RECIPES.items():
        assert recipe.name == name


def test_a_recipe_is_changed_in_the_fields_that_are_named_and_no_other():
    recipe = RECIPES["notebook"].with_(n=3, seed=7)
    assert (recipe.n, recipe.seed) == (3, 7)
    assert recipe.with_(n=2, seed=0) == RECIPES["notebook"]


@pytest.mark.parametrize(
    "change",
    [
        {"n": 1},
        {"n": 65},
        {"model": "two-layer"},
        {"device": "tpu"},
        {"optimiser": "newton"},
        {"schedule": "linear"},
        {"steps": 0},
        {"steps": 10**9},
        {"learning_rate": 0},
        {"learning_rate": -1},
        {"learning_rate": math.nan},
        {"learning_rate": math.inf},
        {"l2": -1e-9},
        {"l2": -math.inf},
        {"l2": math.inf},
        {"l2": math.nan},
        {"seed": -1},
        {"seed": 2**32},
    ],
    ids=str,
)
def test_a_recipe_that_no_run_can_have_is_one_line_of_error(change: dict[str, object]):
    with pytest.raises(MakemoreError) as error:
        RECIPES["notebook"].with_(**change)
    assert str(error.value).isprintable()
    assert str(next(iter(change.values()))) in str(error.value)


@pytest.mark.parametrize("optimiser", OPTIMISERS)
@pytest.mark.parametrize("n", [2, 10])
def test_the_limits_of_a_recipe_are_allowed(optimiser: str, n: int):
    recipe = RECIPES["notebook"].with_(optimiser=optimiser, n=n, seed=2**32 - 1, steps=1)
    assert recipe.lr(0) == 100


def test_no_recipe_holds_w_back_unless_it_is_told_to():
    assert {recipe.l2 for recipe in RECIPES.values()} == {0}
    assert RECIPES["converge"].with_(l2=0.5).l2 == 0.5
