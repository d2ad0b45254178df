import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from model.corpus import Corpus
from model.counts import CountModel
from model.nets.one_layer import OneLayer, count_objective, one_hot_objective
from model.ngrams import Ngrams, count, examples
from model.optimisers import Adam, GradientDescent
from model.recipe import RECIPES

corpora = st.from_type(Corpus)
orders = st.integers(2, 5)
seeds = st.integers(0, 2**32 - 1)

# The loss of the notebook's recipe at every 50th step, bigrams of names.txt, seed 0, CPU.
NOTEBOOK_LOSSES = [
    *[3.7677, 2.5871, 2.5762, 2.5625, 2.5523, 2.5456],
    *[2.5446, 2.5429, 2.5406, 2.5380, 2.5352],
]


def weights(ngrams: Ngrams, seed: int) -> Tensor:
    """W of a network that starts from `seed`, in double precision."""
    return OneLayer(ngrams, seed).W.double()


@given(corpora, orders, seeds)
def test_the_shortcut_has_the_loss_and_the_gradient_of_the_notebooks_way(
    corpus: Corpus, n: int, seed: int
):
    ngrams = count(corpus, n)
    W = weights(ngrams, seed)
    loss, gradient = count_objective(ngrams.N.double())(W)
    notebook_loss, notebook_gradient = one_hot_objective(*examples(corpus, n))(W)
    assert float(loss) == pytest.approx(float(notebook_loss), abs=1e-12)
    assert float((gradient - notebook_gradient).abs().max()) < 1e-12


@given(corpora, orders, seeds)
def test_no_weights_have_a_loss_below_the_floor(corpus: Corpus, n: int, seed: int):
    ngrams = count(corpus, n)
    loss, _ = count_objective(ngrams.N.double())(weights(ngrams, seed))
    assert float(loss) >= CountModel(ngrams).floor - 1e-12


def test_the_logarithms_of_p_are_weights_that_reach_the_floor(names_bigrams: Ngrams):
    model = CountModel(names_bigrams)
    W = model.P.clamp(min=1e-300).log()
    loss, gradient = count_objective(names_bigrams.N.double())(W)
    assert float(loss) == pytest.approx(model.floor, abs=1e-12)
    assert float(gradient.abs().max()) < 1e-12


@given(corpora, orders, seeds)
def test_the_gradient_of_each_context_sums_to_zero(corpus: Corpus, n: int, seed: int):
    ngrams = count(corpus, n)
    _, gradient = count_objective(ngrams.N.double())(weights(ngrams, seed))
    assert float(gradient.sum(1).abs().max()) < 1e-12


def test_an_objective_leaves_the_weights_alone(vowels: Corpus):
    ngrams = count(vowels, 2)
    W = OneLayer(ngrams).W
    before = W.clone()
    count_objective(ngrams.N.float())(W)
    one_hot_objective(*examples(vowels, 2))(W)
    assert torch.equal(W, before)
    assert not W.requires_grad


def test_the_notebooks_recipe_has_the_notebooks_losses(names_bigrams: Ngrams):
    recipe, network = RECIPES["notebook"], OneLayer(names_bigrams, RECIPES["notebook"].seed)
    objective, optimiser = count_objective(names_bigrams.N.float()), GradientDescent(network.W, 1)
    losses: list[float] = []
    for step in range(recipe.steps):
        loss, gradient = objective(network.W)
        losses.append(float(loss))
        optimiser.update(gradient, torch.tensor([recipe.lr(step)]))
    assert losses[::50] == pytest.approx(NOTEBOOK_LOSSES, abs=1e-4)


def test_the_converge_recipe_reaches_the_floor(names_bigrams: Ngrams):
    recipe, network = RECIPES["converge"], OneLayer(names_bigrams, RECIPES["converge"].seed)
    objective, optimiser = count_objective(names_bigrams.N.float()), Adam(network.W)
    assert recipe.steps <= 501
    for step in range(recipe.steps):
        _, gradient = objective(network.W)
        optimiser.update(gradient, torch.tensor([recipe.lr(step)]))
    loss, _ = count_objective(names_bigrams.N.double())(network.W.double())
    assert 0 <= float(loss) - CountModel(names_bigrams).floor < 1e-4


def test_a_seed_fixes_the_weights(names_bigrams: Ngrams):
    assert torch.equal(OneLayer(names_bigrams, 5).W, OneLayer(names_bigrams, 5).W)
    assert not torch.equal(OneLayer(names_bigrams, 5).W, OneLayer(names_bigrams, 6).W)


def test_drawing_the_weights_leaves_the_callers_random_numbers_alone(names_bigrams: Ngrams):
    torch.manual_seed(1)
    expected = torch.rand(3).tolist()
    torch.manual_seed(1)
    OneLayer(names_bigrams, 0)
    assert torch.rand(3).tolist() == expected


def test_the_weights_start_as_the_notebooks(names_bigrams: Ngrams):
    torch.manual_seed(0)
    assert torch.equal(OneLayer(names_bigrams, 0).W, torch.randn((27, 27)))


@given(corpora, orders, seeds)
def test_the_outcomes_of_every_context_are_a_distribution(corpus: Corpus, n: int, seed: int):
    ngrams = count(corpus, n)
    network = OneLayer(ngrams, seed)
    contexts = ngrams.contexts.tokens(torch.arange(len(ngrams.contexts)))
    log_probs = network.log_probs(contexts)
    assert (network.alphabet, network.context_length) == (corpus.alphabet, n - 1)
    assert log_probs.shape == (len(contexts), len(corpus.alphabet))
    assert log_probs.exp().sum(1).tolist() == pytest.approx([1] * len(contexts), abs=1e-5)


def test_a_context_never_seen_has_no_likely_outcome(vowels: Corpus):
    network = OneLayer(count(vowels, 3))
    seen, unseen = (vowels.alphabet.encode(context) for context in ("em", "vv"))
    log_probs = network.log_probs(torch.tensor([seen, unseen]))
    assert bool(log_probs[0].isfinite().all())
    assert log_probs[1].tolist() == [-math.inf] * len(vowels.alphabet)


def test_the_logits_are_the_rows_of_w_and_nothing_after_a_context_never_seen(vowels: Corpus):
    ngrams = count(vowels, 3)
    network = OneLayer(ngrams)
    ids = torch.tensor([4, 0, 4])
    asked = torch.cat([ngrams.contexts.tokens(ids), torch.tensor([vowels.alphabet.encode("vv")])])
    logits = network.scores(asked)
    assert torch.equal(logits[:3], network.W[ids])
    assert logits[3].tolist() == [-math.inf] * len(vowels.alphabet)
    assert torch.equal(network.log_probs(asked)[:3], logits[:3].log_softmax(1))


def test_asking_a_network_does_not_change_it(vowels: Corpus):
    network = OneLayer(count(vowels, 2))
    before = network.W.clone()
    asked = torch.tensor([[0], [1], [-1]])
    network.scores(asked).zero_()
    network.log_probs(asked).zero_()
    assert torch.equal(network.W, before)


def test_a_frozen_network_does_not_learn(vowels: Corpus):
    network = OneLayer(count(vowels, 2))
    frozen, start = network.frozen(), torch.tensor([[0]])
    before = frozen.log_probs(start)
    network.W.mul_(2)
    assert torch.equal(frozen.log_probs(start), before)
    assert not torch.equal(network.log_probs(start), before)
