"""The penalty on W and the learning rate, set at the start or amid a run.

What trains with them is `model.training`, where the tests on a GPU are, too.
"""

import math

import pytest
import torch

from model.corpus import Corpus
from model.errors import MakemoreError
from model.evaluation import nll
from model.nets.one_layer import OneLayer, count_objective
from model.ngrams import count, examples
from model.optimisers import Adam, GradientDescent
from model.recipe import MOST_L2, OPTIMISERS, RECIPES, Recipe
from model.training import Trainer

NOTEBOOK = RECIPES["notebook"].with_(device="cpu")
CONVERGE = RECIPES["converge"].with_(device="cpu")


def finish(trainer: Trainer, chunk: int) -> None:
    while not trainer.finished:
        trainer.advance(chunk)


def trained(corpus: Corpus, recipe: Recipe) -> Trainer:
    trainer = Trainer(corpus, recipe)
    finish(trainer, 50)
    return trainer


OPTIMISER_OF = {
    "adam": Adam,
    "accumulate": lambda W: GradientDescent(W, 1),
    "gradient descent": lambda W: GradientDescent(W, 0),
    "sgd": lambda W: GradientDescent(W, 0.9),
    "adamw": lambda W: Adam(W, beta2=0.99),
}


@pytest.mark.parametrize("optimiser", OPTIMISERS)
@pytest.mark.parametrize("one_hot", [False, True])
@pytest.mark.parametrize("l2", [0.01, 3, 40])
def test_steps_follow_the_gradient_of_the_nll_plus_the_mean_square_of_w(
    vowels: Corpus, optimiser: str, one_hot: bool, l2: float
):
    recipe = CONVERGE.with_(optimiser=optimiser, one_hot=one_hot, l2=l2, n=3, steps=3)
    trainer = Trainer(vowels, recipe)
    xs, ys = examples(vowels, 3)
    W = trainer.network.W.double()
    plain = OPTIMISER_OF[optimiser](W)
    for step in range(3):
        leaf = W.detach().clone().requires_grad_()
        loss = torch.nn.functional.cross_entropy(leaf[xs], ys)
        (loss + l2 * (leaf**2).mean()).backward()
        plain.update(leaf.grad, torch.tensor([recipe.lr(step)]))
        trainer.advance(1)
        assert float(trainer.losses[step]) == pytest.approx(loss.item(), abs=1e-5)
        assert float((trainer.network.W - W).abs().max()) < 1e-4


@pytest.mark.parametrize("l2", [0, 0.1, 10])
def test_the_loss_is_the_nll_whatever_the_penalty(vowels: Corpus, l2: float):
    trainer, ngrams = Trainer(vowels, CONVERGE.with_(l2=l2, steps=60)), count(vowels, 2)
    while not trainer.finished:
        expected = nll(trainer.network, ngrams)
        report = trainer.advance(1)
        assert float(trainer.losses[trainer.step - 1]) == pytest.approx(expected, abs=1e-5)
        if report:
            assert report.loss == float(trainer.losses[report.step])


@pytest.mark.parametrize("recipe", [NOTEBOOK, CONVERGE], ids=lambda recipe: recipe.name)
def test_without_a_penalty_every_bit_is_that_of_the_objective_alone(vowels: Corpus, recipe: Recipe):
    trainer = trained(vowels, recipe.with_(steps=70, l2=0.0))
    ngrams = count(vowels, 2)
    W, objective = OneLayer(ngrams).W, count_objective(ngrams.N.float())
    plain = OPTIMISER_OF[recipe.optimiser](W)
    for step in range(70):
        loss, gradient = objective(W)
        assert float(loss) == float(trainer.losses[step])
        plain.update(gradient, torch.tensor([trainer.recipe.lr(step)]))
    assert torch.equal(trainer.network.W, W)


def test_a_penalty_that_is_set_amid_a_run_changes_the_later_steps_alone(vowels: Corpus):
    recipe = CONVERGE.with_(steps=120)
    plain, penalised = (trained(vowels, recipe.with_(l2=l2)) for l2 in (0, 2))
    trainer = Trainer(vowels, recipe)
    for most in (1, 30):
        trainer.advance(most)
    assert trainer.step == 31
    before = trainer.network.W.clone()
    trainer.adjust(recipe.with_(l2=2))
    assert torch.equal(trainer.network.W, before)
    assert trainer.recipe == recipe.with_(l2=2)
    finish(trainer, 7)
    # The loss of step 31 is had before its update, the first with the penalty.
    assert torch.equal(trainer.losses[:32], plain.losses[:32])
    assert bool((trainer.losses[33:] != plain.losses[33:]).all())
    assert float(trainer.network.W.square().sum()) < float(plain.network.W.square().sum())
    assert not torch.equal(trainer.network.W, penalised.network.W)


def test_a_penalty_may_be_set_before_the_first_step_or_set_to_what_it_is(vowels: Corpus):
    recipe = CONVERGE.with_(steps=60, l2=0.5)
    from_the_start = trained(vowels, recipe)
    trainer = Trainer(vowels, recipe.with_(l2=0))
    trainer.adjust(recipe)
    while not trainer.finished:
        trainer.advance(9)
        trainer.adjust(recipe)
    assert torch.equal(trainer.losses, from_the_start.losses)
    assert torch.equal(trainer.network.W, from_the_start.network.W)


def test_a_penalty_that_is_lifted_lets_the_network_reach_the_floor(vowels: Corpus):
    trainer = Trainer(vowels, CONVERGE.with_(l2=50, steps=2000))
    while trainer.step < 100:
        trainer.advance(50)
    assert float(trainer.losses[trainer.step - 1]) > trainer.floor + 0.1
    trainer.adjust(trainer.recipe.with_(l2=0))
    finish(trainer, 50)
    # Not all the way: Adam remembers the penalty's gradients for a thousand steps.
    assert float(trainer.losses[-1]) == pytest.approx(trainer.floor, abs=1e-2)


def test_the_stronger_the_penalty_the_nearer_is_the_network_to_uniform(names: Corpus):
    distances: list[float] = []
    for l2 in (0, 0.1, 1, 10, 100, 1e4):
        trainer = trained(names, CONVERGE.with_(l2=l2))
        distances.append(float((trainer.network.W.softmax(1) - 1 / 27).abs().sum(1).mean()))
    assert distances == sorted(distances, reverse=True)
    assert len(set(distances)) == len(distances)
    assert distances[-1] < 0.01 < 0.5 < distances[0]


@pytest.mark.parametrize("l2", [-1e-9, -math.inf, math.inf, math.nan])
def test_a_penalty_that_no_run_can_have_leaves_the_run_as_it_was(vowels: Corpus, l2: float):
    expected = trained(vowels, CONVERGE.with_(steps=60, l2=1))
    trainer = Trainer(vowels, CONVERGE.with_(steps=60, l2=1))
    trainer.advance(5)
    with pytest.raises(MakemoreError, match="L2 penalty") as error:
        trainer.adjust(trainer.recipe.with_(l2=l2))
    assert str(error.value).isprintable()
    finish(trainer, 50)
    assert trainer.recipe.l2 == 1
    assert torch.equal(trainer.losses, expected.losses)


@pytest.mark.parametrize("l2", [MOST_L2 + 1, 1e42, 1e300])
def test_a_penalty_that_is_too_strong_is_an_error_that_says_what_to_do(l2: float):
    with pytest.raises(MakemoreError, match="choose 0 to 1,000,000") as error:
        CONVERGE.with_(l2=l2)
    assert str(error.value).isprintable()


def test_a_learning_rate_that_is_set_amid_a_run_changes_the_later_steps_alone(vowels: Corpus):
    recipe = NOTEBOOK.with_(steps=120)
    plain = trained(vowels, recipe)
    trainer = Trainer(vowels, recipe)
    for most in (1, 30):
        trainer.advance(most)
    before = trainer.network.W.clone()
    trainer.adjust(recipe.with_(learning_rate=1000.0))
    assert torch.equal(trainer.network.W, before)
    finish(trainer, 7)
    assert torch.equal(trainer.losses[:32], plain.losses[:32])
    assert bool((trainer.losses[33:] != plain.losses[33:]).all())
    # At the rate of the step before, the update of step 31 is ten times what it was.
    again = Trainer(vowels, recipe)
    again.advance(1)
    again.advance(30)
    again.adjust(recipe.with_(learning_rate=1000.0))
    again.advance(1)
    once = Trainer(vowels, recipe)
    once.advance(1)
    once.advance(31)
    moved, usual = again.network.W - before, once.network.W - before
    assert float((moved - 10 * usual).abs().max()) < 1e-4 * float(moved.abs().max()) + 1e-5


def test_only_the_rate_its_schedule_and_the_penalty_are_taken_over(vowels: Corpus):
    trainer = Trainer(vowels, CONVERGE)
    other = NOTEBOOK.with_(learning_rate=3.0, l2=2.0, batch_size=5, steps=7, seed=9, n=4)
    trainer.adjust(other)
    assert trainer.recipe == CONVERGE.with_(learning_rate=3.0, l2=2.0, schedule="notebook")
