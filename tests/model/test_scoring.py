import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from model.corpus import Corpus, parse
from model.counts import CountModel
from model.nets.one_layer import OneLayer
from model.ngrams import Ngrams, count
from model.scoring import TokenScore, WordScore, rank, score

corpora = st.from_type(Corpus)
orders = st.integers(2, 10)


def test_emma_costs_what_the_counts_of_the_names_say(names_bigrams: Ngrams):
    emma = score(CountModel(names_bigrams), "emma")
    # From the table by hand: 1531 of 32033 words begin with e, and so on.
    shares = [1531 / 32033, 769 / 20423, 168 / 6642, 2590 / 6642, 6640 / 33885]
    assert [token.p for token in emma.tokens] == pytest.approx(shares, abs=1e-12)
    assert emma.nll == pytest.approx(12.5690, abs=5e-5)
    assert emma.nll_per_token == pytest.approx(2.5138, abs=5e-5)


def test_every_token_is_shown_with_its_context(names_bigrams: Ngrams):
    tokens = score(CountModel(names_bigrams), "ab").tokens
    assert [(token.context, token.outcome) for token in tokens] == [
        (".", "a"),
        ("a", "b"),
        ("b", "."),
    ]


def test_a_real_dot_is_shown_unlike_the_boundary():
    tokens = score(CountModel(count(parse(b"a.\n", "words"), 3)), "a.").tokens
    assert [(token.context, token.outcome) for token in tokens] == [
        ("..", "a"),
        (".a", "\\."),
        ("a\\.", "."),
    ]


@given(corpora, orders)
def test_the_mean_over_the_corpus_is_the_floor(corpus: Corpus, n: int):
    model = CountModel(count(corpus, n))
    total = sum(score(model, word).nll for word in corpus.words)
    assert total / corpus.examples == pytest.approx(model.floor, abs=1e-9)


@given(corpora, st.integers(2, 5), st.text())
def test_any_text_has_a_score_without_a_crash(corpus: Corpus, n: int, word: str):
    ngrams = count(corpus, n)
    for model in (CountModel(ngrams), OneLayer(ngrams)):
        result = score(model, word)
        assert len(result.tokens) == len(word) + 1
        assert result.nll == pytest.approx(sum(token.nll for token in result.tokens))
        for token in result.tokens:
            assert 0 <= token.p <= 1 + 1e-12
            assert token.nll == (-math.log(token.p) if token.p else math.inf)
            assert (token.context + token.outcome).isprintable()


def test_a_bigram_that_never_occurs_is_impossible_and_the_rest_is_not(names_bigrams: Ngrams):
    result = score(CountModel(names_bigrams), "abqz")
    assert [token.p > 0 for token in result.tokens] == [True, True, False, False, True]
    assert result.nll == result.nll_per_token == result.tokens[2].nll == math.inf


@pytest.mark.parametrize(("n", "impossible"), [(2, 2), (3, 3), (5, 5)])
def test_an_unknown_character_is_impossible_and_so_is_what_has_it_in_its_context(
    n: int, impossible: int
):
    word = "aaaaaaaaaaaaaaa"
    model = OneLayer(count(parse(word.encode(), "words"), n))
    zeros = [
        place for place, token in enumerate(score(model, "aaaa?aaaaaaaa").tokens) if not token.p
    ]
    assert zeros == list(range(4, 4 + impossible))


def test_what_a_terminal_obeys_is_spelled_out(names_bigrams: Ngrams):
    tokens = score(CountModel(names_bigrams), "a\x1bb").tokens
    assert [(token.context, token.outcome) for token in tokens][1:3] == [
        ("a", "\u241b"),
        ("\u241b", "b"),
    ]


def test_the_empty_word_is_the_end_at_once(names_bigrams: Ngrams):
    (token,) = score(CountModel(names_bigrams), "").tokens
    assert (token.context, token.outcome, token.p) == (".", ".", 0)


def test_what_is_certain_costs_zero_and_not_minus_zero():
    result = score(CountModel(count(parse(b"ab\n", "words"), 2)), "ab")
    assert result.nll == 0
    assert [math.copysign(1, token.nll) for token in result.tokens] == [1, 1, 1]
    assert math.copysign(1, result.nll) == 1


def test_a_word_of_ten_thousand_characters_is_scored(names_bigrams: Ngrams):
    result = score(CountModel(names_bigrams), "an" * 5000)
    assert len(result.tokens) == 10_001
    assert math.isfinite(result.nll)


# Ranks and perplexity


@given(corpora, st.integers(2, 5), st.sampled_from([0, 0.5]), st.integers(0, 2**32 - 1))
def test_a_rank_is_the_place_among_the_outcomes_of_the_context(
    corpus: Corpus, n: int, k: float, seed: int
):
    ngrams = count(corpus, n)
    word = corpus.words[0]
    tokens = [0] * (n - 1) + corpus.alphabet.encode(word) + [0]
    contexts = torch.tensor(tokens[:-1]).unfold(0, n - 1, 1)
    for model in (CountModel(ngrams, k), OneLayer(ngrams, seed)):
        rows = model.log_probs(contexts).double().exp().tolist()
        for token, row in zip(score(model, word).tokens, rows, strict=True):
            assert token.rank is not None
            # Ties share the best place of theirs.
            assert sorted(row, reverse=True).index(token.p) == token.rank - 1


def test_the_likeliest_has_rank_1_and_the_impossible_none(names_bigrams: Ngrams):
    model = CountModel(names_bigrams)
    assert [token.rank for token in score(model, "an").tokens] == [1, 2, 1]
    impossible = score(model, "abq\u00ebz").tokens
    assert [token.rank is None for token in impossible] == [
        *[False, False],
        *[True, True, True],  # bq never occurs, and no character is after an unknown one
        False,
    ]
    for token in impossible:
        assert (token.rank is None) == (token.p == 0)


@pytest.mark.parametrize(
    ("token", "expected"), [(0, 4), (1, 1), (2, 2), (3, 2), (4, None), (5, None)]
)
def test_outcomes_that_tie_share_a_rank(token: int, expected: int | None):
    row = torch.tensor([0.1, 0.4, 0.25, 0.25, 0, 0]).log()
    assert rank(row, token) == expected


def test_nothing_has_a_rank_after_a_context_never_seen():
    tokens = score(CountModel(count(parse(b"ab\nba\n", "words"), 3)), "aab").tokens
    assert [token.context for token in tokens] == ["..", ".a", "aa", "ab"]
    assert [token.rank for token in tokens] == [1, None, None, 1]


@given(corpora, st.integers(2, 5), st.integers(0, 2**32 - 1))
def test_the_perplexity_is_the_geometric_mean_of_one_over_p(corpus: Corpus, n: int, seed: int):
    result = score(OneLayer(count(corpus, n), seed), corpus.words[-1])
    product = math.prod(token.p for token in result.tokens)
    assert result.perplexity == pytest.approx(product ** (-1 / len(result.tokens)), rel=1e-9)


def test_a_model_without_an_opinion_is_as_perplexed_as_there_are_outcomes(names_bigrams: Ngrams):
    network = OneLayer(names_bigrams)
    network.W.zero_()
    assert score(network, "emma").perplexity == pytest.approx(27)


def test_what_is_certain_has_perplexity_1_and_what_is_impossible_an_infinite_one():
    model = CountModel(count(parse(b"ab\n", "words"), 2))
    assert score(model, "ab").perplexity == 1
    assert score(model, "ba").perplexity == math.inf


def test_a_perplexity_beyond_all_numbers_is_infinite():
    token = TokenScore("a", "b", p=5e-324, rank=2)
    assert math.isfinite(token.nll)
    assert WordScore("b", (token,)).perplexity == math.inf
