"""Words from models that remember what they have read."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from model.corpus import Corpus, parse
from model.draws import Draws
from model.language_model import IncrementalModel, LanguageModel, State
from model.nets.network import Network, Reader
from model.sampling import READ_AT_ONCE, Sample, partings, sample, trace
from model.scoring import score
from tests.model.networks import READERS, ZOO, small

corpora = st.from_type(Corpus)
seeds = st.integers(0, 2**32 - 1)

each_network = pytest.mark.parametrize("name", ZOO)
each_reader = pytest.mark.parametrize("name", READERS)


class Forgetful:
    """A network that is only asked for what follows whole contexts."""

    def __init__(self, network: Network) -> None:
        self.alphabet = network.alphabet
        self.context_length = network.context_length
        self.log_probs = network.log_probs


class Counting:
    """A network that counts the tokens that it reads, and the contexts that it is asked for."""

    def __init__(self, network: Reader) -> None:
        self.alphabet = network.alphabet
        self.context_length = network.context_length
        self.start = network.start
        self.network = network
        self.tokens_read: list[int] = []
        self.contexts_asked: list[int] = []

    def log_probs(self, contexts: Tensor) -> Tensor:
        self.contexts_asked.append(len(contexts))
        return self.network.log_probs(contexts)

    def read(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        self.tokens_read.append(len(tokens))
        return self.network.read(tokens, state)


def counting(name: str, corpus: Corpus, n: int) -> Counting:
    network = small(name, corpus.alphabet, n)
    assert isinstance(network, Reader)
    return Counting(network)


def assert_alike(one: Sample, other: Sample) -> None:
    assert one.words == other.words
    assert [word.ending for word in one] == [word.ending for word in other]
    assert one.nlls == pytest.approx(other.nlls, abs=1e-9)


def test_models_that_read_are_known_by_what_they_can(vowels: Corpus):
    network = small("gru", vowels.alphabet, 5)
    assert isinstance(network, IncrementalModel)
    assert not isinstance(Forgetful(network), IncrementalModel)


@each_network
@given(
    corpora,
    st.integers(2, 17),
    seeds,
    st.sampled_from([0.3, 1, 4]),
    st.none() | st.integers(1, 4),
    st.integers(0, 3),
)
def test_what_is_remembered_changes_no_word(
    name: str, corpus: Corpus, n: int, seed: int, temperature: float, top_k: int | None, length: int
):
    network = small(name, corpus.alphabet, n)
    prefix = next(iter(corpus.words))[:length]
    draws = Draws(20, seed, prefix, temperature, top_k, max_length=25)
    assert_alike(sample(network, draws), sample(Forgetful(network), draws))


@each_reader
@pytest.mark.parametrize("n", [3, 4, 5, 9])
def test_words_longer_than_the_context_are_drawn_on(name: str, n: int):
    corpus = parse(b"abcdefghijk\nlmnopqrst\nuvwxyz", "any letters")
    network = small(name, corpus.alphabet, n)
    draws = Draws(count=50, seed=2, max_length=40)
    words = sample(network, draws)
    assert max(len(word) for word in words.words) > n + 5
    assert_alike(words, sample(Forgetful(network), draws))


def test_a_seed_draws_the_same_words_whatever_their_count(vowels: Corpus):
    network = small("gru", vowels.alphabet, 9)
    many = sample(network, Draws(count=READ_AT_ONCE + 5, max_length=9))
    assert_alike(many, sample(Forgetful(network), Draws(count=READ_AT_ONCE + 5, max_length=9)))
    few = sample(network, Draws(count=7, max_length=9))
    assert list(few.words) == many.words[:7]


@each_reader
def test_beginnings_that_are_alike_are_read_once(name: str, vowels: Corpus):
    model = counting(name, vowels, 9)
    words = sample(model, Draws(count=300, seed=1, max_length=9)).words
    distinct = [{word[:length] for word in words if len(word) >= length} for length in range(9)]
    assert len(distinct[2]) < 50 < len(distinct[5])
    # What follows the eighth character was asked at a place beyond the context's length.
    assert model.tokens_read == [len(beginnings) for beginnings in distinct[:8]]
    assert len(model.contexts_asked) <= 2


def test_a_model_with_few_contexts_is_asked_once_for_all(vowels: Corpus):
    model = counting("rnn", vowels, 3)
    sample(model, Draws(count=100))
    assert (model.tokens_read, model.contexts_asked) == ([], [len(vowels.alphabet) ** 2])


@each_network
@pytest.mark.parametrize("index", [0, 3, 8])
def test_a_trace_tells_how_a_word_was_drawn(name: str, index: int, vowels: Corpus):
    network, draws = small(name, vowels.alphabet, 6), Draws(count=9, prefix="mi", max_length=20)
    together = sample(network, draws)[index]
    story = trace(network, draws, index)
    assert network.alphabet.decode(draw.choice for draw in story if draw.choice) == together.word
    assert sum(draw.nll for draw in story) == pytest.approx(together.nll, abs=1e-9)
    padded = f".....{together.word}"
    for place, draw in enumerate(story):
        assert draw.context == padded[place : place + 5]
        assert draw.probs is not None
        assert draw.choice is not None
        context = [0] * 5 + network.alphabet.encode(together.word[:place])
        asked = network.log_probs(torch.tensor([context[-5:]])).exp()[0]
        assert draw.probs == pytest.approx(asked.tolist(), abs=1e-9)
        if draw.uniform is not None:
            assert sum(draw.probs[: draw.choice]) <= draw.uniform + 1e-9
            assert draw.uniform <= sum(draw.probs[: draw.choice + 1]) + 1e-9


@each_network
def test_a_word_costs_its_score(name: str, vowels: Corpus):
    network = small(name, vowels.alphabet, 9)
    for word in sample(network, Draws(count=30, seed=3, max_length=60)):
        if word.ending == "boundary":
            assert word.nll == pytest.approx(score(network, word.word).nll, abs=1e-9)


def test_the_partings_of_two_networks_are_explained(vowels: Corpus):
    models: tuple[LanguageModel, LanguageModel] = (
        small("transformer", vowels.alphabet, 9),
        small("lstm", vowels.alphabet, 5),
    )
    draws = Draws(count=40, max_length=20)
    samples = sample(models[0], draws), sample(models[1], draws)
    found = partings(models, draws, samples)
    assert sum(each is not None for each in found) > 20
    for index, each in enumerate(found):
        if each is not None:
            stories = [trace(model, draws, index) for model in models]
            for story, turn in zip(stories, each.turns, strict=True):
                draw = story[each.place]
                assert draw.choice is not None
                assert draw.uniform == each.uniform
                assert turn.outcome == vowels.alphabet.label(draw.choice)
                assert turn.low - 1e-9 <= each.uniform <= turn.high + 1e-9


def test_a_network_of_nan_has_no_opinion_and_ends_every_word(vowels: Corpus):
    network = small("gru", vowels.alphabet, 9)
    network.flatten()[0].fill_(math.nan)
    assert {(word.word, word.ending) for word in sample(network, Draws())} == {("", "unseen")}
