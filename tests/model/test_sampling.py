import math
from collections import Counter
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from model.corpus import Corpus, parse
from model.counts import CountModel
from model.draws import Draws
from model.errors import MakemoreError
from model.language_model import LanguageModel
from model.nets.one_layer import OneLayer
from model.ngrams import Ngrams, count
from model.sampling import Draw, parting, sample, trace
from model.scoring import score

corpora = st.from_type(Corpus)
orders = st.integers(2, 10)
seeds = st.integers(0, 2**32 - 1)

LONG = parse(b"abc" * 80 + b"\n" + b"acb" * 80, "long words")


def cut(text: str) -> Draws:
    return Draws(prefix=text, max_length=len(text) + 5)


def chi_square(observed: Counter[tuple[str, str]], expected: dict[tuple[str, str], float]) -> float:
    return sum((observed[cell] - times) ** 2 / times for cell, times in expected.items())


# What is drawn follows the model


@pytest.mark.parametrize("temperature", [0.5, 1, 2])
def test_the_frequencies_of_what_is_drawn_follow_p(names_bigrams: Ngrams, temperature: float):
    draws = Draws(count=20_000, seed=1, temperature=temperature, max_length=10_000)
    words = sample(CountModel(names_bigrams), draws).words
    drawn = Counter(pair for word in words for pair in pairwise(f".{word}."))

    characters = f".{names_bigrams.alphabet.characters}"
    expected: dict[tuple[str, str], float] = {}
    for context, row in zip(characters, names_bigrams.N.tolist(), strict=True):
        weights = [times ** (1 / temperature) for times in row]
        visits = sum(times for (first, _), times in drawn.items() if first == context)
        for outcome, weight in zip(characters, weights, strict=True):
            expected[context, outcome] = visits * weight / sum(weights)

    # Nothing impossible, and at cells of five expected draws or more the statistic of the
    # chi-square distribution, whose mean is df and whose variance is 2 df, within five sigma.
    assert all(expected[cell] > 0 for cell in drawn)
    expected = {cell: times for cell, times in expected.items() if times >= 5}
    degrees = len(expected) - 27
    assert degrees > 100
    assert chi_square(drawn, expected) < degrees + 5 * math.sqrt(2 * degrees)


@given(corpora, orders, seeds, st.sampled_from([0.3, 1, 4]), st.none() | st.integers(1, 4))
def test_a_draw_inverts_the_cumulative_distribution_at_its_uniform(
    corpus: Corpus, n: int, seed: int, temperature: float, top_k: int | None
):
    model = CountModel(count(corpus, n))
    draws = Draws(count=3, seed=seed, temperature=temperature, top_k=top_k)
    for draw in trace(model, draws, 2):
        assert draw.probs is not None
        assert draw.uniform is not None
        assert draw.choice is not None
        assert sum(draw.probs) == pytest.approx(1, abs=1e-12)
        assert draw.probs[draw.choice] > 0
        assert sum(draw.probs[: draw.choice]) <= draw.uniform + 1e-12
        assert draw.uniform <= sum(draw.probs[: draw.choice + 1]) + 1e-12


@given(corpora, st.integers(2, 4), seeds)
def test_every_token_that_is_drawn_is_possible(corpus: Corpus, n: int, seed: int):
    model = CountModel(count(corpus, n))
    for word in sample(model, Draws(seed=seed)):
        characters = score(model, word.word).tokens[: len(word.word)]
        assert all(token.p > 0 for token in characters)
        assert math.isfinite(word.nll)


def greedy(model: CountModel, length: int) -> str:
    """The word that always goes on with the likeliest token of a bigram model."""
    tokens = [0]
    while len(tokens) <= length:
        tokens.append(int(model.P[tokens[-1]].argmax()))
        if tokens[-1] == 0:
            return model.alphabet.decode(tokens[1:-1])
    return model.alphabet.decode(tokens[1:])


@pytest.mark.parametrize("temperature", [1e-4, 1e-300, 1e-310, 5e-324])
def test_towards_temperature_zero_the_likeliest_word_is_drawn(
    names_bigrams: Ngrams, temperature: float
):
    model = CountModel(names_bigrams)
    words = sample(model, Draws(count=20, temperature=temperature, max_length=30)).words
    assert set(words) == {greedy(model, 30)}


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_top_token_alone_makes_the_likeliest_word(names_bigrams: Ngrams, seed: int):
    model = CountModel(names_bigrams)
    words = sample(model, Draws(count=5, seed=seed, top_k=1, max_length=30)).words
    assert set(words) == {greedy(model, 30)}


def test_towards_an_infinite_temperature_all_that_is_possible_is_alike(vowels: Corpus):
    model = CountModel(count(vowels, 2))
    for draw in trace(model, Draws(temperature=1e308), 0):
        assert draw.probs is not None
        possible = [p for p in draw.probs if p > 0]
        assert possible == pytest.approx([1 / len(possible)] * len(possible))


@pytest.mark.parametrize("k", [1, 2, 5, 26])
def test_only_the_k_likeliest_tokens_are_drawn(names_bigrams: Ngrams, k: int):
    model = CountModel(names_bigrams)
    drawn: set[tuple[int, int]] = set()
    for word in sample(model, Draws(count=500, top_k=k)):
        tokens = [0, *model.alphabet.encode(word.word), *([0] * (word.ending == "boundary"))]
        drawn.update(pairwise(tokens))
    for context, outcome in drawn:
        row = model.P[context]
        assert row[outcome] >= row.sort(descending=True).values[k - 1]
    assert max(Counter(context for context, _ in drawn).values()) == k


def test_more_top_tokens_than_there_are_restrict_nothing(vowels: Corpus):
    model = CountModel(count(vowels, 2))
    assert sample(model, Draws(top_k=999)).words == sample(model, Draws()).words


# Draws come from the seed alone


def models_of_long_words() -> list[LanguageModel]:
    ngrams = count(LONG, 3)
    return [CountModel(ngrams), OneLayer(ngrams)]


@pytest.mark.parametrize("model", models_of_long_words(), ids=["counts", "one-layer"])
@pytest.mark.parametrize("fewer", [1, 2, 15, 16, 17, 63])
def test_a_seed_draws_the_same_words_whatever_their_count(model: LanguageModel, fewer: int):
    all_of_them = sample(model, Draws(count=100, seed=3, max_length=150))
    first = sample(model, Draws(count=fewer, seed=3, max_length=150))
    assert list(first) == list(all_of_them)[:fewer]


@pytest.mark.parametrize("length", [1, 15, 16, 17, 63, 64, 65, 130])
def test_a_seed_draws_the_same_words_up_to_any_maximum_length(length: int):
    model = CountModel(count(LONG, 2))
    whole = sample(model, Draws(count=50, seed=3, max_length=300)).words
    assert max(map(len, whole)) > 130
    shorter = sample(model, Draws(count=50, seed=3, max_length=length)).words
    assert shorter == [word[:length] for word in whole]


@given(corpora, orders, seeds, st.integers(0, 8))
def test_a_word_is_drawn_alone_as_it_is_among_others(corpus: Corpus, n: int, seed: int, index: int):
    model, draws = CountModel(count(corpus, n)), Draws(count=9, seed=seed)
    together = sample(model, draws)[index]
    story = trace(model, draws, index)
    tokens = [draw.choice for draw in story if draw.choice]
    assert model.alphabet.decode(tokens) == together.word
    assert sum(draw.nll for draw in story) == pytest.approx(together.nll, abs=1e-9)


def test_the_same_seed_draws_the_same_words_again(names_bigrams: Ngrams):
    model, draws = CountModel(names_bigrams), Draws(count=50, seed=11)
    assert list(sample(model, draws)) == list(sample(model, draws))


def test_another_seed_draws_other_words(names_bigrams: Ngrams):
    model = CountModel(names_bigrams)
    words = [tuple(sample(model, Draws(seed=seed)).words) for seed in (0, 1, 2, 2**32 - 1)]
    assert len(set(words)) == len(words)


def test_drawing_leaves_the_callers_random_numbers_alone(names_bigrams: Ngrams):
    torch.manual_seed(1)
    expected = torch.rand(3).tolist()
    torch.manual_seed(1)
    sample(CountModel(names_bigrams), Draws())
    assert torch.rand(3).tolist() == expected


def test_two_models_are_given_the_same_uniforms_and_part_where_they_differ(names_bigrams: Ngrams):
    counts, network, draws = CountModel(names_bigrams), OneLayer(names_bigrams), Draws(seed=4)
    for index in range(draws.count):
        stories = trace(counts, draws, index), trace(network, draws, index)
        words = (sample(model, draws).words[index] for model in (counts, network))
        place = parting(*words)
        for one, other in zip(*stories, strict=False):
            assert one.uniform == other.uniform
        assert place is not None
        choices = [[draw.choice for draw in story] for story in stories]
        assert choices[0][:place] == choices[1][:place]
        assert choices[0][place] != choices[1][place]


@pytest.mark.parametrize(
    ("first", "second", "index"),
    [
        ("anna", "anna", None),
        ("ann", "anna", 3),
        ("anna", "ann", 3),
        ("", "a", 0),
        ("emma", "ella", 1),
        ("", "", None),
    ],
)
def test_two_words_part_at_the_first_draw_that_differs(first: str, second: str, index: int | None):
    assert parting(first, second) == index


def test_an_order_whose_contexts_outgrow_64_bits_is_drawn_from():
    characters = "".join(map(chr, range(0x4E00, 0x4E00 + 300)))
    corpus = parse(f"{characters[:150]}\n{characters[150:]}\n".encode(), "words")
    words = sample(CountModel(count(corpus, 10)), Draws(count=20, max_length=200)).words
    assert set(words) == set(corpus.words)


# Prefixes, and how words end


def test_every_word_begins_with_the_prefix(names_bigrams: Ngrams):
    for word in sample(CountModel(names_bigrams), Draws(count=50, prefix="mar")):
        assert word.word.startswith("mar")
        assert word.ending == "boundary"


def test_a_prefix_is_no_draw_but_costs_what_the_model_says(names_bigrams: Ngrams):
    model, draws = CountModel(names_bigrams), Draws(prefix="mar")
    story = trace(model, draws, 0)
    assert [draw.uniform is None for draw in story[:4]] == [True, True, True, False]
    assert [draw.choice for draw in story[:3]] == model.alphabet.encode("mar")
    word = sample(model, draws)[0]
    assert word.nll == pytest.approx(score(model, word.word).nll, abs=1e-9)


@pytest.mark.parametrize("prefix", ["\u00eb", "em\nma", "\x1b[31m", "\U0001f600", "A"])
def test_a_prefix_of_unknown_characters_is_one_line_of_error(vowels: Corpus, prefix: str):
    model = CountModel(count(vowels, 2))
    for use in (lambda: sample(model, cut(prefix)), lambda: trace(model, cut(prefix), 0)):
        with pytest.raises(MakemoreError, match="alphabet") as error:
            use()
        assert str(error.value).isprintable()


def test_a_context_never_seen_ends_the_word_and_makes_it_impossible(vowels: Corpus):
    model = CountModel(count(vowels, 3))
    for word in sample(model, Draws(prefix="vv")):
        assert (word.word, word.nll, word.ending) == ("vv", math.inf, "unseen")


@pytest.mark.parametrize("prefix", ["vv", "vvm", "vvmo"])
def test_the_trace_shows_nothing_to_draw_from_after_a_context_never_seen(
    vowels: Corpus, prefix: str
):
    story = trace(CountModel(count(vowels, 3)), Draws(prefix=prefix), 0)
    seen = {("..", True), (".v", False), ("vv", False), ("vm", False), ("mo", False)}
    assert {(draw.context, draw.probs is not None) for draw in story} <= seen
    assert story[-1] == Draw(prefix[-2:], None, None, None, math.inf)


def test_a_network_ends_a_word_in_a_context_that_it_has_no_weights_for(vowels: Corpus):
    network = OneLayer(count(vowels, 3))
    seen = {pair for word in vowels.words for pair in pairwise(f".{word}")}
    unseen = [word for word in sample(network, Draws(count=50)) if word.ending == "unseen"]
    assert unseen
    for word in unseen:
        assert word.nll == math.inf
        assert tuple(f".{word.word}"[-2:]) not in seen


def test_a_model_of_nan_has_no_opinion_and_ends_every_word(vowels: Corpus):
    network = OneLayer(count(vowels, 2))
    network.W.fill_(math.nan)
    assert {(word.word, word.ending) for word in sample(network, Draws())} == {("", "unseen")}


def test_the_maximum_length_cuts_a_word_without_an_end():
    model = CountModel(count(LONG, 2))
    words = sample(model, Draws(count=30, max_length=7))
    assert {word.ending for word in words if len(word.word) == 7} == {"length"}
    for word in words:
        assert len(word.word) <= 7
        tokens = score(model, word.word).tokens
        spent = tokens if word.ending == "boundary" else tokens[:-1]
        assert word.nll == pytest.approx(sum(token.nll for token in spent), abs=1e-9)


def test_a_cut_word_has_as_many_draws_as_characters():
    model, draws = CountModel(count(LONG, 3)), Draws(max_length=20)
    assert sample(model, draws)[0].ending == "length"
    assert len(trace(model, draws, 0)) == 20


@given(corpora, orders, seeds)
def test_the_nll_of_a_word_is_its_score_and_the_sum_of_its_trace(corpus: Corpus, n: int, seed: int):
    model, draws = CountModel(count(corpus, n)), Draws(count=4, seed=seed, max_length=300)
    for index, word in enumerate(sample(model, draws)):
        if word.ending == "boundary":
            assert word.nll == pytest.approx(score(model, word.word).nll, abs=1e-9)
        assert word.nll == pytest.approx(sum(draw.nll for draw in trace(model, draws, index)))


def test_the_nll_knows_nothing_of_temperature_and_top_k(names_bigrams: Ngrams):
    model = CountModel(names_bigrams)
    for word in sample(model, Draws(temperature=0.5, top_k=5)):
        assert word.nll == pytest.approx(score(model, word.word).nll, abs=1e-9)


def test_a_sample_is_a_sequence_of_its_words(names_bigrams: Ngrams):
    words = sample(CountModel(names_bigrams), Draws(count=4))
    assert len(words) == len(words.words) == len(words.nlls) == 4
    assert [words[index] for index in range(4)] == list(words)
