import math
from collections import Counter
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from model.corpus import Corpus, parse
from model.counts import MOST_K, CountModel
from model.errors import MakemoreError
from model.ngrams import Ngrams, count, examples

orders = st.integers(2, 10)
corpora = st.from_type(Corpus)
ks = st.sampled_from([1e-6, 0.5, 1, 30])

# The notebook's P[0].
P0 = [
    *[0.0000, 0.1377, 0.0408, 0.0481, 0.0528, 0.0478, 0.0130, 0.0209, 0.0273],
    *[0.0184, 0.0756, 0.0925, 0.0491, 0.0792, 0.0358, 0.0123, 0.0161, 0.0029],
    *[0.0512, 0.0642, 0.0408, 0.0024, 0.0117, 0.0096, 0.0042, 0.0167, 0.0290],
]


def test_the_first_row_of_p_is_the_notebooks(names_bigrams: Ngrams):
    assert [round(p, 4) for p in CountModel(names_bigrams).P[0].tolist()] == P0


def test_the_floor_of_the_names_is_the_notebooks(names_bigrams: Ngrams):
    assert round(CountModel(names_bigrams).floor, 4) == 2.4540


@pytest.mark.parametrize(("n", "floor"), [(2, 2.4540), (3, 2.1857), (4, 1.8842), (5, 1.6058)])
def test_the_floor_falls_with_the_order_as_the_design_says(names: Corpus, n: int, floor: float):
    assert round(CountModel(count(names, n)).floor, 4) == floor


@given(corpora, orders)
def test_every_row_of_p_is_a_distribution(corpus: Corpus, n: int):
    P = CountModel(count(corpus, n)).P
    assert bool((P >= 0).all())
    assert P.sum(1).tolist() == pytest.approx([1] * len(P), abs=1e-12)


@given(corpora, orders)
def test_p_is_the_share_of_each_outcome_in_its_row(corpus: Corpus, n: int):
    ngrams = count(corpus, n)
    for row, shares in zip(ngrams.N.tolist(), CountModel(ngrams).P.tolist(), strict=True):
        assert shares == pytest.approx([times / sum(row) for times in row], abs=1e-15)


@given(corpora, orders)
def test_the_floor_is_the_mean_nll_of_the_examples(corpus: Corpus, n: int):
    xs, ys = (column.tolist() for column in examples(corpus, n))
    rows, pairs = Counter(xs), Counter(zip(xs, ys, strict=True))
    nlls = [-math.log(pairs[x, y] / rows[x]) for x, y in zip(xs, ys, strict=True)]
    assert CountModel(count(corpus, n)).floor == pytest.approx(sum(nlls) / len(nlls), abs=1e-12)


@given(corpora, st.integers(2, 9))
def test_a_longer_context_never_raises_the_floor(corpus: Corpus, n: int):
    lower, higher = (CountModel(count(corpus, order)).floor for order in (n, n + 1))
    assert higher <= lower + 1e-12


def test_a_corpus_without_a_choice_has_a_floor_of_zero_and_not_of_minus_zero():
    floor = CountModel(count(parse(b"ab\n", "words"), 2)).floor
    assert floor == 0
    assert math.copysign(1, floor) == 1


@given(corpora, orders)
def test_log_probs_are_the_logarithms_of_p(corpus: Corpus, n: int):
    ngrams = count(corpus, n)
    model = CountModel(ngrams)
    contexts = ngrams.contexts.tokens(torch.arange(len(ngrams.contexts)))
    assert (model.alphabet, model.context_length) == (corpus.alphabet, n - 1)
    assert model.log_probs(contexts).tolist() == model.P.log().tolist()


def test_a_context_never_seen_has_no_likely_outcome(vowels: Corpus):
    model = CountModel(count(vowels, 3))
    seen, unseen = (vowels.alphabet.encode(context) for context in ("em", "vv"))
    log_probs = model.log_probs(torch.tensor([seen, unseen]))
    assert bool((log_probs[0] > -math.inf).any())
    assert log_probs[1].tolist() == [-math.inf] * len(vowels.alphabet)
    assert model.log_probs(torch.empty((0, 2), dtype=torch.int64)).shape == (0, 8)


def test_asking_a_model_does_not_change_it(vowels: Corpus):
    model = CountModel(count(vowels, 2))
    before = model.P.tolist()
    model.log_probs(torch.tensor([[0], [1], [2]]))
    assert model.P.tolist() == before


# Smoothing


def test_laplaces_rule_counts_everything_once_more():
    model = CountModel(count(parse(b"ab\nab\nb\n", "words"), 2), k=1)
    # After the start a twice and b once, after a twice b, after b three times the end; V is 3.
    assert model.P.flatten().tolist() == pytest.approx(
        [1 / 6, 3 / 6, 2 / 6, 1 / 5, 1 / 5, 3 / 5, 4 / 6, 1 / 6, 1 / 6], abs=1e-15
    )


@given(corpora, orders, ks)
def test_a_smoothed_p_is_the_share_of_each_raised_count_in_its_row(
    corpus: Corpus, n: int, k: float
):
    ngrams = count(corpus, n)
    model, size = CountModel(ngrams, k), len(corpus.alphabet)
    for row, shares in zip(ngrams.N.tolist(), model.P.tolist(), strict=True):
        raised = [(times + k) / (sum(row) + k * size) for times in row]
        assert shares == pytest.approx(raised, abs=1e-15)
        assert sum(shares) == pytest.approx(1, abs=1e-12)
        assert min(shares) > 0


@given(corpora, orders, ks)
def test_smoothed_log_probs_are_the_logarithms_of_the_smoothed_p(corpus: Corpus, n: int, k: float):
    ngrams = count(corpus, n)
    contexts = ngrams.contexts.tokens(torch.arange(len(ngrams.contexts)))
    model = CountModel(ngrams, k)
    assert model.log_probs(contexts).tolist() == model.P.log().tolist()


@given(ks)
def test_with_smoothing_all_outcomes_are_alike_after_a_context_never_seen(k: float):
    corpus = parse(b"vim\nemma\n", "words")
    asked = torch.tensor([corpus.alphabet.encode(context) for context in ("vv", "em")])
    unseen, seen = CountModel(count(corpus, 3), k).log_probs(asked).exp()
    assert unseen.tolist() == pytest.approx([1 / len(corpus.alphabet)] * len(corpus.alphabet))
    assert seen.max() > seen.min() > 0


@given(corpora, orders, ks)
def test_the_floor_does_not_move_with_k(corpus: Corpus, n: int, k: float):
    ngrams = count(corpus, n)
    assert CountModel(ngrams, k).floor == CountModel(ngrams).floor


@given(corpora, orders)
def test_the_larger_k_the_nearer_is_every_row_to_uniform(corpus: Corpus, n: int):
    ngrams = count(corpus, n)
    distances = [
        (CountModel(ngrams, k).P - 1 / len(corpus.alphabet)).abs().amax(1)
        for k in (0, 0.1, 1, 10, 1e4, MOST_K)
    ]
    for nearer, farther in pairwise(reversed(distances)):
        assert bool((nearer < farther).all())
    assert float(distances[-1].max()) < 1e-4


@pytest.mark.parametrize("k", [-1e-9, 1e308, math.inf, math.nan])
def test_a_k_that_would_leave_nothing_of_the_counts_is_refused(vowels: Corpus, k: float):
    with pytest.raises(MakemoreError, match="choose 0 to"):
        CountModel(count(vowels, 2), k)
