import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

import model.ngrams
from model.corpus import Corpus
from model.counts import CountModel
from model.nets.one_layer import OneLayer, one_hot_objective
from model.ngrams import count, examples
from model.tables import VIEWS, largest_differences

corpora = st.from_type(Corpus)
orders = st.integers(2, 10)
seeds = st.integers(0, 2**32 - 1)
ks = st.sampled_from([0, 0.5, 3])

Views = dict[str, Tensor]


def pair_of(corpus: Corpus, n: int, k: float, seed: int) -> tuple[CountModel, OneLayer]:
    """Both models; the network in double precision, so that rounding hides nothing."""
    ngrams = count(corpus, n)
    network = OneLayer(ngrams, seed)
    network.double()
    return CountModel(ngrams, k), network


def seen(counts: CountModel, network: OneLayer, ids: Tensor) -> Views:
    return {view.name: view.rows(counts, network, ids) for view in VIEWS}


@given(corpora, orders, ks, seeds)
def test_every_view_is_its_plain_formula(corpus: Corpus, n: int, k: float, seed: int):
    counts, network = pair_of(corpus, n, k, seed)
    N, W = counts.ngrams.N.double(), network.W
    P = (N + k) / (N + k).sum(1, keepdim=True)
    Q = W.exp() / W.exp().sum(1, keepdim=True)
    _, gradient = one_hot_objective(*examples(corpus, n))(W)
    expected = {
        "N": N,
        "P": P,
        "log P": P.log(),
        "W": W,
        "network P": Q,
        "gradient": gradient,
        "difference": Q - P,
    }
    views = seen(counts, network, torch.arange(len(N)))
    assert list(views) == list(expected)
    for name, rows in views.items():
        assert rows.dtype == torch.float64
        torch.testing.assert_close(rows, expected[name], rtol=0, atol=1e-12, msg=name)


@given(corpora, orders, ks, st.data())
def test_a_view_of_some_contexts_is_those_rows_of_the_whole(
    corpus: Corpus, n: int, k: float, data: st.DataObject
):
    counts, network = pair_of(corpus, n, k, 0)
    size = len(counts.ngrams.contexts)
    ids = torch.tensor(data.draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=9)))
    whole, some = seen(counts, network, torch.arange(size)), seen(counts, network, ids)
    for name, rows in some.items():
        torch.testing.assert_close(rows, whole[name][ids], rtol=0, atol=1e-15, msg=name)


@given(corpora, orders, ks, seeds)
def test_the_rows_of_probabilities_sum_to_1_and_those_of_what_moves_them_to_0(
    corpus: Corpus, n: int, k: float, seed: int
):
    counts, network = pair_of(corpus, n, k, seed)
    views = seen(counts, network, torch.arange(len(network.W)))
    sums = {name: rows.sum(1) for name, rows in views.items()}
    for name, total in {"P": 1, "network P": 1, "gradient": 0, "difference": 0}.items():
        assert float((sums[name] - total).abs().max()) < 1e-12, name


@given(corpora, orders, seeds)
def test_the_gradient_of_a_softmax_of_the_frequencies_is_zero(corpus: Corpus, n: int, seed: int):
    counts, network = pair_of(corpus, n, 0, seed)
    network.W.data = counts.P.clamp(min=1e-300).log()
    views = seen(counts, network, torch.arange(len(network.W)))
    assert float(views["gradient"].abs().max()) < 1e-12
    assert float(views["difference"].abs().max()) < 1e-12


def test_smoothing_moves_p_and_leaves_the_counts_and_the_gradient_alone(vowels: Corpus):
    (plain, network), (smooth, _) = (pair_of(vowels, 3, k, 0) for k in (0, 1))
    ids = torch.arange(len(network.W))
    before, after = seen(plain, network, ids), seen(smooth, network, ids)
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved == {"P", "log P", "difference"}


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_a_view_of_the_counts_needs_no_network(vowels: Corpus, view):
    counts, network = pair_of(vowels, 2, 0, 0)
    ids = torch.tensor([0, 1])
    if view.of_network:
        with pytest.raises(AssertionError):
            view.rows(counts, None, ids)
    else:
        assert torch.equal(view.rows(counts, None, ids), view.rows(counts, network, ids))


def test_the_views_with_two_sides_of_zero_are_those_that_say_so(vowels: Corpus):
    counts, network = pair_of(vowels, 2, 1, 0)
    views = seen(counts, network, torch.arange(len(network.W)))
    two_sided = {name for name, rows in views.items() if rows.min() < 0 < rows.max()}
    assert {view.name for view in VIEWS if view.signed} == two_sided


# The largest differences


@pytest.mark.parametrize("chunk", [1, 40, 1 << 20])
@given(corpora, orders, ks, seeds, st.sampled_from([1, 3, 20, 100_000]))
def test_the_largest_differences_are_those_of_the_whole_tables(
    chunk: int, corpus: Corpus, n: int, k: float, seed: int, most: int
):
    counts, network = pair_of(corpus, n, k, seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model.ngrams, "CHUNK", chunk)
        told = largest_differences(counts, network, most)

    P, Q = counts.P, network.W.softmax(1)
    largest = (P - Q).abs().flatten().sort(descending=True).values[:most]
    sizes = [abs(each.second - each.first) for each in told]
    # Cells that tie may stand in for each other, but no cell stands twice.
    assert sizes == pytest.approx(largest.tolist(), abs=1e-12)
    assert sizes == sorted(sizes, reverse=True)
    assert len({(each.context, each.outcome) for each in told}) == len(told)
    for each in told:
        cell = each.context, each.outcome
        assert each.first == pytest.approx(float(P[cell]), abs=1e-12)
        assert each.second == pytest.approx(float(Q[cell]), abs=1e-12)


def test_one_row_that_differs_holds_all_the_largest_differences(vowels: Corpus):
    counts, network = pair_of(vowels, 2, 0, 0)
    network.W.data = counts.P.clamp(min=1e-300).log()
    network.W[5] = -math.inf
    network.W[5, 4] = 0
    told = largest_differences(counts, network, len(vowels.alphabet))
    gone = counts.P[5].clone()
    gone[4] -= 1
    differing = int((gone.abs() > 1e-9).sum())
    assert differing > 1
    assert {(each.context, each.outcome) for each in told[:differing]} == {
        (5, int(outcome)) for outcome in (gone.abs() > 1e-9).nonzero().flatten()
    }


def test_no_differences_are_told_where_none_are_asked_for(vowels: Corpus):
    assert largest_differences(*pair_of(vowels, 2, 0, 0), 0) == []
