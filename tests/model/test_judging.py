"""A model's NLL on words, by whichever way is the shorter one."""

import math

import pytest
import torch
from running import CORPUS, WORDS, nll_of

from model import batches
from model.corpus import Corpus, parse
from model.counts import CountModel
from model.evaluation import nll
from model.judging import Part, mean
from model.language_model import LanguageModel
from model.mixture import Mixture
from model.nets import NETWORKS, network_class
from model.ngrams import count
from model.recipe import recipe_for
from model.scoring import score
from model.smoothing import SMOOTHINGS, smooth


def network(name: str) -> LanguageModel:
    recipe = recipe_for(name)
    return network_class(name).of(count(CORPUS, recipe.n), recipe).frozen()


def smoothed(name: str) -> LanguageModel:
    return smooth(count(CORPUS, 4), name)


COUNTS = CountModel(count(CORPUS, 3), k=0.1)
MODELS = [
    *(pytest.param(lambda name=name: network(name), id=name) for name in NETWORKS),
    *(pytest.param(lambda name=name: smoothed(name), id=name) for name in SMOOTHINGS),
    pytest.param(lambda: COUNTS, id="add-k"),
    pytest.param(lambda: Mixture(network("gru"), COUNTS, 0.4), id="mixture"),
]


@pytest.mark.parametrize("make", MODELS)
def test_it_is_the_nll_of_the_ngrams(make):
    model = make()
    long = parse("\n".join([*WORDS, "isabella" * 9]).encode(), "words")
    for corpus in (CORPUS, Corpus("long", long.text, CORPUS)):
        by_ngrams = nll(model, count(corpus, model.context_length + 1))
        assert nll_of(model, corpus) == pytest.approx(by_ngrams, rel=1e-5)


@pytest.mark.parametrize("make", MODELS)
def test_each_token_has_its_own_probability_in_the_order_of_the_words(make):
    model = make()
    log_ps = torch.cat(list(Part(CORPUS).log_probs(model))).tolist()
    scores = [token for word in CORPUS.words for token in score(model, word).tokens]
    assert log_ps == pytest.approx([math.log(token.p) for token in scores], abs=1e-4)


@pytest.mark.parametrize("at_once", [1, 7, 64, 1 << 20])
def test_the_size_of_the_blocks_changes_nothing(at_once: int, monkeypatch: pytest.MonkeyPatch):
    model = network("lstm")
    whole = nll_of(model, CORPUS)
    monkeypatch.setattr(batches, "AT_ONCE", at_once)
    blocks = list(Part(CORPUS).judge(model))
    assert sum(block.examples for block in blocks) == CORPUS.examples
    assert (len(blocks) == 1) is (at_once > CORPUS.examples)
    assert mean(blocks) == pytest.approx(whole, rel=1e-6)


@pytest.mark.parametrize("model", [network("mlp"), COUNTS], ids=["network", "counts"])
def test_no_words_have_no_nll(model: LanguageModel):
    assert math.isnan(nll_of(model, Corpus("nothing", "", CORPUS)))


def test_a_context_that_was_never_seen_is_no_opinion():
    parts = Corpus("half", "".join(f"{word}\n" for word in WORDS[:5]), CORPUS)
    blind = network_class("one-layer").of(count(parts, 4), recipe_for("one-layer"))
    assert nll_of(blind, parts) < math.inf
    assert nll_of(blind, CORPUS) == math.inf


def test_who_judges_may_train_meanwhile():
    for _ in Part(CORPUS).log_probs(network("mlp")):
        assert torch.is_grad_enabled()
