import pytest
import torch
from hypothesis import given, settings

from model.corpus import Corpus
from model.errors import MakemoreError
from model.rate_finder import STEPS, Found, find_rate
from model.recipe import RECIPES, Recipe
from model.training import Trainer

NOTEBOOK = RECIPES["notebook"].with_(device="cpu")
GRADIENT_DESCENT = RECIPES["converge"].with_(optimiser="gradient descent", device="cpu")
MLP = RECIPES["mlp"].with_(device="cpu")
SMALL = MLP.with_(n=3, data="all", width=4, hidden=8, batch_size=4)


def found(corpus: Corpus, recipe: Recipe) -> Found:
    *_, last = find_rate(corpus, recipe)
    return last


def loss_at(corpus: Corpus, recipe: Recipe, rate: float) -> float:
    """The mean of the last of 100 steps; infinite where there is none."""
    recipe = recipe.with_(learning_rate=rate, schedule="constant", steps=100, warmup=0, data="all")
    trainer = Trainer(corpus, recipe)
    try:
        for _ in trainer.run():
            pass
    except MakemoreError:
        return float("inf")
    return float(trainer.losses[-20:].mean())


# What the lectures found by hand for such networks lies within.
@pytest.mark.parametrize(
    ("recipe", "low", "high"),
    [(GRADIENT_DESCENT, 3, 100), (MLP, 3e-4, 1e-2)],
    ids=["one-layer", "mlp"],
)
def test_the_suggested_rate_learns_where_far_lower_and_higher_ones_do_not(
    names: Corpus, recipe: Recipe, low: float, high: float
):
    rate = found(names, recipe).suggested
    assert low <= rate <= high
    loss = loss_at(names, recipe, rate)
    assert loss < loss_at(names, recipe, rate / 100) - 0.1
    assert loss < loss_at(names, recipe, rate * 1000) - 0.1


@pytest.mark.parametrize("name", ["rnn", "gru", "wavenet", "makemore"])
def test_the_suggested_rate_is_near_that_of_the_recipes_of_the_networks(names: Corpus, name: str):
    recipe = RECIPES[name].with_(device="cpu")
    rate = found(names, recipe).suggested
    assert recipe.learning_rate / 10 < rate < recipe.learning_rate * 10


def test_where_gradients_add_up_each_step_is_tried_on_its_own(vowels: Corpus):
    assert found(vowels, NOTEBOOK) == found(vowels, GRADIENT_DESCENT)


def test_the_rates_rise_by_the_same_factor_until_the_loss_diverges(vowels: Corpus):
    test = found(vowels, GRADIENT_DESCENT)
    factors = [after / rate for rate, after in zip(test.rates, test.rates[1:], strict=False)]
    assert factors == pytest.approx([factors[0]] * len(factors))
    assert factors[0] > 1
    assert len(test.rates) < STEPS
    assert test.diverged


def test_each_step_says_what_is_known_then(vowels: Corpus):
    tests = list(find_rate(vowels, SMALL))
    for number, test in enumerate(tests, 1):
        assert len(test.rates) == len(test.losses) == len(test.smoothed) == number
        assert test.rates == tests[-1].rates[:number]
        assert test.losses == tests[-1].losses[:number]
        assert test.diverged <= (test is tests[-1])


def test_the_suggestion_is_a_tenth_of_the_rate_at_the_lowest_smoothed_loss():
    rates = tuple(10.0 ** (-4 + number / 10) for number in range(61))
    valley = Found(rates, tuple(abs(number - 40) / 10 + 2 for number in range(61)))
    assert (valley.lowest, valley.suggested) == (1.0, 0.1)
    spike = tuple(0 if number == 10 else loss for number, loss in enumerate(valley.losses))
    assert Found(rates, spike).suggested == 0.1


def test_the_same_seed_finds_the_same_and_another_one_something_else(vowels: Corpus):
    first, second = found(vowels, SMALL), found(vowels, SMALL)
    assert first == second
    assert first != found(vowels, SMALL.with_(seed=1))


def test_the_rate_of_the_recipe_its_schedule_and_its_length_do_not_matter(vowels: Corpus):
    other = SMALL.with_(learning_rate=1e30, schedule="constant", steps=7, warmup=100)
    assert found(vowels, other) == found(vowels, SMALL)


def test_a_run_that_goes_on_meanwhile_is_not_disturbed(vowels: Corpus):
    recipe = SMALL.with_(steps=20)
    alone, beside = Trainer(vowels, recipe), Trainer(vowels, recipe)
    list(alone.run())
    for _ in find_rate(vowels, recipe):
        beside.advance(1)
    assert torch.equal(beside.generator.get_state(), alone.generator.get_state())
    assert torch.equal(beside.losses, alone.losses)


@given(corpus=...)
def test_every_corpus_has_a_rate_for_the_one_layer_network(corpus: Corpus):
    for n in (2, 4):
        assert 1e-3 <= found(corpus, GRADIENT_DESCENT.with_(n=n)).suggested <= 1000


@settings(max_examples=10)
@given(corpus=...)
def test_every_corpus_has_a_rate_for_a_network_with_batches(corpus: Corpus):
    for optimiser in ("adamw", "sgd"):
        recipe = SMALL.with_(optimiser=optimiser, clip=0.0)
        assert 1e-6 <= found(corpus, recipe).suggested <= 10


def test_what_cannot_be_trained_is_told(vowels: Corpus):
    if torch.cuda.is_available():
        pytest.skip("this machine has the device")
    with pytest.raises(MakemoreError, match="cuda"):
        found(vowels, SMALL.with_(device="cuda"))
