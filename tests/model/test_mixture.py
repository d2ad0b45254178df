"""Two models that write one distribution, and the share that each of them has."""

import math

import pytest
import torch
from running import CORPUS, nll_of

from model.corpus import parse
from model.counts import CountModel
from model.errors import MakemoreError
from model.judging import Part, weighted_on
from model.mixture import Mixture, best_share
from model.ngrams import count
from model.sampling import Draws, sample
from model.smoothing import smooth
from model.splits import split

PARTS = split(CORPUS)
SHORT, LONG = (CountModel(count(PARTS.train, n), k=0.1) for n in (2, 4))


def test_each_probability_is_the_weighted_mean_of_both_models():
    mixture = Mixture(SHORT, LONG, 0.3)
    contexts = torch.tensor([[0, 0, 0], [0, 0, 5], [3, 1, 2], [9, 9, 9]])
    expected = 0.3 * SHORT.log_probs(contexts[:, 2:]).exp() + 0.7 * LONG.log_probs(contexts).exp()
    assert torch.allclose(mixture.log_probs(contexts).exp(), expected, atol=1e-12)
    assert torch.allclose(expected.sum(1), torch.ones(4, dtype=torch.float64))


@pytest.mark.parametrize("pair", [(SHORT, LONG), (LONG, SHORT)])
def test_a_mixture_looks_as_far_back_as_either_model(pair: tuple[CountModel, CountModel]):
    mixture = Mixture(*pair, 0.5)
    assert mixture.context_length == 3
    assert mixture.alphabet == CORPUS.alphabet
    assert len(sample(mixture, Draws(count=20))) == 20


@pytest.mark.parametrize(("share", "alone"), [(1.0, SHORT), (0.0, LONG)])
def test_the_whole_share_is_one_model_alone(share: float, alone: CountModel):
    assert nll_of(Mixture(SHORT, LONG, share), CORPUS) == pytest.approx(nll_of(alone, CORPUS))


def test_what_one_model_holds_for_impossible_the_other_lends():
    never, ever = CountModel(count(PARTS.train, 4)), SHORT
    assert nll_of(never, PARTS.dev) == math.inf
    assert nll_of(Mixture(never, ever, 0.5), PARTS.dev) < math.inf


def test_models_of_different_alphabets_are_refused():
    other = CountModel(count(parse(b"one\ntwo\n", "numbers"), 2))
    with pytest.raises(MakemoreError, match="different alphabets"):
        Mixture(SHORT, other, 0.5)


def test_no_other_share_has_a_lower_nll_on_dev():
    models = SHORT, smooth(count(PARTS.train, 3), "kneser-ney")
    best = weighted_on(Part(PARTS.dev), *models)
    assert 0 < best.share < 1
    lowest = nll_of(best, PARTS.dev)
    for share in torch.linspace(0, 1, 101).tolist():
        assert nll_of(Mixture(*models, share), PARTS.dev) >= lowest - 1e-12


@pytest.mark.parametrize(
    ("first", "second", "share"),
    [
        ([0.5, 0.6], [0.4, 0.5], 1.0),
        ([0.4, 0.5], [0.5, 0.6], 0.0),
        ([1.0, 0.0], [0.0, 1.0], 0.5),
        ([1.0, 1.0, 0.0], [0.0, 0.0, 1.0], 2 / 3),
        ([1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], 2 / 3),
    ],
    ids=["the first is better", "the second is better", "even", "two to one", "one impossible"],
)
def test_the_share_follows_who_knows_the_tokens(
    first: list[float], second: list[float], share: float
):
    log_ps = (torch.tensor(ps, dtype=torch.float64).log() for ps in (first, second))
    assert best_share(*log_ps) == pytest.approx(share, abs=1e-9)
