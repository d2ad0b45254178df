"""Where the words of two models part; they are drawn in `model.sampling`."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from model.corpus import Corpus, parse
from model.counts import CountModel
from model.draws import Draws
from model.language_model import LanguageModel
from model.nets.one_layer import OneLayer
from model.ngrams import Ngrams, count
from model.sampling import Draw, Turn, parting, partings, sample, trace

corpora = st.from_type(Corpus)
orders = st.integers(2, 10)
seeds = st.integers(0, 2**32 - 1)

Models = tuple[LanguageModel, LanguageModel]


def partings_of(models: Models, draws: Draws):
    """The partings, and the samples that they part."""
    samples = sample(models[0], draws), sample(models[1], draws)
    return partings(models, draws, samples), samples


def is_turn(turn: Turn, draw: Draw, uniform: float, model: LanguageModel) -> bool:
    """Whether a model's trace tells of the same draw."""
    if draw.probs is None or draw.choice is None:
        return turn == Turn(None, 0.0, 1.0)
    below = sum(draw.probs[: draw.choice])
    return (
        turn.outcome == model.alphabet.label(draw.choice)
        and turn.low == pytest.approx(below, abs=1e-12)
        and turn.high == pytest.approx(below + draw.probs[draw.choice], abs=1e-12)
        and 0 <= turn.low <= uniform + 1e-15
        and uniform < turn.high <= 1
    )


def check(models: Models, draws: Draws) -> int:
    """Compare every parting with the traces of both models; how many there are."""
    found, samples = partings_of(models, draws)
    assert len(found) == draws.count
    for index, (told, *words) in enumerate(zip(found, *(s.words for s in samples), strict=True)):
        assert (told is None) == (words[0] == words[1])
        if told is None:
            continue
        assert told.place == parting(*words)
        stories = [trace(model, draws, index)[told.place] for model in models]
        longest = max(zip(models, stories, strict=True), key=lambda pair: pair[0].context_length)
        assert told.context == longest[1].context
        assert {told.uniform} == {story.uniform for story in stories} - {None}
        for turn, story, model in zip(told.turns, stories, models, strict=True):
            assert is_turn(turn, story, told.uniform, model)
        assert told.turns[0].outcome != told.turns[1].outcome
    return sum(told is not None for told in found)


@given(corpora, orders, seeds, st.sampled_from([0.3, 1, 4]), st.none() | st.integers(1, 4))
def test_words_part_where_the_traces_of_both_models_do(
    corpus: Corpus, n: int, seed: int, temperature: float, top_k: int | None
):
    ngrams = count(corpus, n)
    draws = Draws(5, seed, temperature=temperature, top_k=top_k, max_length=40)
    check((CountModel(ngrams), OneLayer(ngrams, seed)), draws)
    check((OneLayer(ngrams, 1), CountModel(ngrams, 0.5)), draws)


@given(corpora, orders, orders, seeds)
def test_models_of_two_orders_part_in_the_longer_context(
    corpus: Corpus, first: int, second: int, seed: int
):
    models = CountModel(count(corpus, first), 0.1), CountModel(count(corpus, second))
    check(models, Draws(4, seed, max_length=40))


@pytest.mark.parametrize("temperature", [0.5, 1, 2])
@pytest.mark.parametrize("top_k", [None, 3])
def test_most_words_of_the_counts_and_a_new_network_part(
    names_bigrams: Ngrams, temperature: float, top_k: int | None
):
    models = CountModel(names_bigrams), OneLayer(names_bigrams)
    draws = Draws(60, 5, temperature=temperature, top_k=top_k)
    assert check(models, draws) > 40


def test_words_part_after_any_number_of_draws():
    corpus = parse(b"abc" * 80 + b"\n" + b"acb" * 80, "long words")
    models = CountModel(count(corpus, 3)), CountModel(count(corpus, 3), 0.3)
    draws = Draws(30, 3, max_length=200)
    assert check(models, draws) > 20
    places = [told.place for told in partings_of(models, draws)[0] if told]
    assert min(places) < 16 < 64 < max(places)  # the uniforms are drawn 16 at once


def test_words_part_after_the_prefix(names_bigrams: Ngrams):
    models = CountModel(names_bigrams), OneLayer(names_bigrams)
    draws = Draws(30, prefix="mar")
    assert check(models, draws) > 20
    assert min(told.place for told in partings_of(models, draws)[0] if told) == 3


def test_the_end_of_a_word_is_a_turn(names_bigrams: Ngrams):
    models = CountModel(names_bigrams), OneLayer(names_bigrams)
    found, (counted, _) = partings_of(models, Draws(60))
    ended = [
        (told, word)
        for told, word in zip(found, counted.words, strict=True)
        if told and told.turns[0].outcome == "."
    ]
    assert ended
    for told, word in ended:
        assert told.place == len(word)


def test_a_model_that_never_saw_the_context_has_no_outcome(vowels: Corpus):
    ngrams = count(vowels, 3)
    models = CountModel(ngrams, 1), OneLayer(ngrams)
    draws = Draws(60)
    found, (_, written) = partings_of(models, draws)
    assert check(models, draws) > 20
    unseen = [
        (told, word.ending)
        for told, word in zip(found, written, strict=True)
        if told and told.turns[1].outcome is None
    ]
    assert unseen
    for told, ending in unseen:
        assert ending == "unseen"
        assert told.turns[1] == Turn(None, 0.0, 1.0)
        assert told.turns[0].outcome is not None


def test_a_prefix_that_one_model_never_saw_leaves_it_without_an_outcome(vowels: Corpus):
    ngrams = count(vowels, 3)
    models = CountModel(ngrams), CountModel(ngrams, 1)
    draws = Draws(20, prefix="vv")
    assert check(models, draws)
    outcomes = {told.turns[0].outcome for told in partings_of(models, draws)[0] if told}
    assert outcomes == {None}


def test_a_model_does_not_part_from_itself(names_bigrams: Ngrams):
    model = CountModel(names_bigrams)
    assert partings_of((model, model), Draws(20))[0] == [None] * 20


def test_telling_where_words_part_leaves_the_callers_random_numbers_alone(names_bigrams: Ngrams):
    torch.manual_seed(1)
    expected = torch.rand(3).tolist()
    torch.manual_seed(1)
    partings_of((CountModel(names_bigrams), OneLayer(names_bigrams)), Draws(20))
    assert torch.rand(3).tolist() == expected
