import math
from collections import Counter, defaultdict

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from torch import Tensor

import model.ngrams
from model.corpus import Corpus, parse
from model.counts import CountModel
from model.evaluation import add_k_nlls, gap_by_context, nll
from model.nets.one_layer import OneLayer
from model.ngrams import count
from model.recipe import RECIPES
from model.scoring import score
from model.splits import split
from model.training import Trainer

corpora = st.from_type(Corpus)
several_words = corpora.filter(lambda corpus: corpus.word_count > 1)
orders = st.integers(2, 10)
seeds = st.integers(0, 2**32 - 1)

KS = torch.tensor([0, 1e-3, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 1000], dtype=torch.float64)


def part_of(whole: Corpus, *words: str) -> Corpus:
    return Corpus("part", "".join(f"{word}\n" for word in words), whole)


def double_network(corpus: Corpus, n: int, seed: int) -> OneLayer:
    """A network in double precision, so that rounding hides nothing."""
    network = OneLayer(count(corpus, n), seed)
    network.double()
    return network


def plain_rows(corpus: Corpus, n: int) -> list[Counter[str]]:
    """The outcomes after each context, in the order of the contexts; "" is the boundary."""
    rows: defaultdict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for word in corpus.words:
        padded = [""] * (n - 1) + list(word) + [""]
        for place in range(len(word) + 1):
            rows[tuple(padded[place : place + n - 1])][padded[place + n - 1]] += 1
    return [rows[context] for context in sorted(rows)]


def plain_gaps(corpus: Corpus, n: int, W: Tensor) -> list[float]:
    """f * KL(P_row || softmax(W_row)) of every context, number by number."""
    gaps: list[float] = []
    tokens = {"": 0} | {
        character: 1 + at for at, character in enumerate(corpus.alphabet.characters)
    }
    for row, weights in zip(plain_rows(corpus, n), W.tolist(), strict=True):
        partition = sum(map(math.exp, weights))
        divergence = sum(
            times / row.total() * math.log(times / row.total() * partition)
            - times / row.total() * weights[tokens[outcome]]
            for outcome, times in row.items()
        )
        gaps.append(row.total() / corpus.examples * divergence)
    return gaps


# Where the gap comes from


@pytest.mark.parametrize("n", [2, 3, 4])
def test_the_gap_of_the_names_is_the_divergence_of_every_row(names: Corpus, n: int):
    ngrams, network = count(names, n), double_network(names, n, 1)
    gaps, expected = gap_by_context(network, ngrams), plain_gaps(names, n, network.W)
    assert gaps.tolist() == pytest.approx(expected, abs=1e-12)
    gap = nll(network, ngrams) - CountModel(ngrams).floor
    assert gap == pytest.approx(sum(expected), abs=1e-10)
    assert gap > 1
    assert float(gaps.min()) >= -1e-12


@given(corpora, orders, seeds)
def test_the_gap_is_the_divergence_of_every_row(corpus: Corpus, n: int, seed: int):
    ngrams, network = count(corpus, n), double_network(corpus, n, seed)
    gaps, expected = gap_by_context(network, ngrams), plain_gaps(corpus, n, network.W)
    assert gaps.dtype == torch.float64
    assert gaps.tolist() == pytest.approx(expected, abs=1e-12)
    assert float(gaps.min()) >= -1e-12
    loss = nll(network, ngrams)
    assert loss - CountModel(ngrams).floor == pytest.approx(sum(expected), abs=1e-10)


@pytest.mark.parametrize("n", [2, 3, 5])
@pytest.mark.parametrize("recipe", ["notebook", "converge"])
def test_the_gap_is_the_trainers_loss_minus_its_floor_at_every_step(
    names: Corpus, n: int, recipe: str
):
    trainer = Trainer(names, RECIPES[recipe].with_(n=n, steps=20, device="cpu"))
    ngrams = count(names, n)
    while not trainer.finished:
        gaps = gap_by_context(trainer.network, ngrams)  # the loss is that before the step
        trainer.advance(1)
        loss = float(trainer.losses[trainer.step - 1])
        assert loss - trainer.floor == pytest.approx(float(gaps.sum()), abs=2e-6)
        assert float(gaps.min()) >= -1e-7


@given(corpora, orders, seeds)
def test_the_nll_of_a_network_is_the_trainers_loss(corpus: Corpus, n: int, seed: int):
    trainer = Trainer(corpus, RECIPES["converge"].with_(n=n, seed=seed, steps=2, device="cpu"))
    ngrams = count(corpus, n)
    for step in range(2):
        expected = nll(trainer.network, ngrams)
        trainer.advance(1)
        assert float(trainer.losses[step]) == pytest.approx(expected, abs=2e-6)


@given(corpora, orders)
def test_frequencies_have_no_gap_to_themselves(corpus: Corpus, n: int):
    ngrams = count(corpus, n)
    gaps = gap_by_context(CountModel(ngrams), ngrams)
    assert gaps.shape == (len(ngrams.contexts),)
    assert float(gaps.abs().max()) < 1e-12


def test_one_wrong_row_is_all_of_the_gap(vowels: Corpus):
    ngrams = count(vowels, 2)
    network = OneLayer(ngrams)
    network.W.data = CountModel(ngrams).P.clamp(min=1e-300).log()
    network.W[3] = 0
    gaps = gap_by_context(network, ngrams)
    row = ngrams.N[3].double() / ngrams.row_sums[3]
    entropy = -float(torch.xlogy(row, row).sum())
    share = int(ngrams.row_sums[3]) / ngrams.total
    assert float(gaps[3]) == pytest.approx(share * (math.log(len(vowels.alphabet)) - entropy))
    gaps[3] = 0
    assert float(gaps.abs().max()) < 1e-12


def test_a_context_is_infinitely_wrong_where_what_occurs_is_held_for_impossible():
    corpus = parse(b"ab\ncb\n", "words")
    model, ngrams = CountModel(count(part_of(corpus, "ab"), 2)), count(corpus, 2)
    assert ngrams.context_labels(range(4)) == [".", "a", "b", "c"]
    # No word begins with c, and nothing was seen after it.
    assert gap_by_context(model, ngrams).tolist() == [math.inf, 0, 0, math.inf]
    assert nll(model, ngrams) == math.inf


# What a model costs on words that it has not seen


@given(corpora, orders)
def test_the_count_model_has_the_floor_on_what_it_counted(corpus: Corpus, n: int):
    ngrams = count(corpus, n)
    assert nll(CountModel(ngrams), ngrams) == pytest.approx(CountModel(ngrams).floor, abs=1e-12)


@given(several_words, orders, seeds, st.sampled_from([0, 0.1, 2]))
def test_the_nll_is_the_mean_of_the_scores_of_the_words(
    corpus: Corpus, n: int, seed: int, k: float
):
    three = split(corpus, seed)
    ngrams = count(three.test, n)
    for either in (CountModel(count(three.train, n), k), double_network(three.train, n, seed)):
        total = sum(score(either, word).nll for word in three.test.words)
        assert nll(either, ngrams) == pytest.approx(total / three.test.examples, abs=1e-9)


@pytest.mark.parametrize("chunk", [1, 17, 40])
@given(corpora, orders, seeds)
def test_evaluating_in_blocks_changes_nothing(chunk: int, corpus: Corpus, n: int, seed: int):
    ngrams, network = count(corpus, n), double_network(corpus, n, seed)
    at_once = nll(network, ngrams), gap_by_context(network, ngrams).tolist()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model.ngrams, "CHUNK", chunk)
        in_blocks = nll(network, ngrams), gap_by_context(network, ngrams).tolist()
    assert in_blocks == at_once


# Every amount of smoothing at once


@given(several_words, orders, seeds)
@example(parse(b"ab\ncd\nef\ngh\nij\n", "words with nothing in common"), 2, 42)
def test_every_k_costs_what_its_count_model_costs(corpus: Corpus, n: int, seed: int):
    three = split(corpus, seed)
    train, held_out = count(three.train, n), count(three.test, n)
    nlls = add_k_nlls(train, held_out, KS)
    assert nlls.dtype == torch.float64
    assert nlls.tolist() == pytest.approx(
        [nll(CountModel(train, k), held_out) for k in KS.tolist()], abs=1e-12
    )


@given(corpora, orders)
def test_every_k_costs_on_what_was_counted_what_its_count_model_costs(corpus: Corpus, n: int):
    ngrams = count(corpus, n)
    nlls = add_k_nlls(ngrams, ngrams, KS)
    assert float(nlls[0]) == pytest.approx(CountModel(ngrams).floor, abs=1e-12)
    assert nlls.tolist() == pytest.approx(
        [nll(CountModel(ngrams, k), ngrams) for k in KS.tolist()], abs=1e-12
    )
    assert nlls.tolist() == sorted(nlls.tolist())  # on its own words no smoothing helps


def test_contexts_and_characters_that_training_lacks_cost_what_the_hand_says():
    whole = parse(b"ab\nab\nacb\n", "words")
    train, held_out = count(part_of(whole, "ab", "ab"), 2), count(part_of(whole, "acb"), 2)
    # In training a follows the start in 2 of 2, c an a in 0 of 2, b a c in 0 of 0, and the end a b
    # in 2 of 2; the alphabet has four outcomes.
    nlls = add_k_nlls(train, held_out, torch.tensor([0, 1]))
    shares = [3 / 6, 1 / 6, 1 / 4, 3 / 6]
    assert nlls.tolist() == pytest.approx([math.inf, -sum(map(math.log, shares)) / 4], abs=1e-12)


def test_with_ever_more_smoothing_all_outcomes_are_alike(vowels: Corpus):
    three = split(vowels)
    nlls = add_k_nlls(count(three.train, 3), count(three.dev, 3), torch.tensor([1e9]))
    assert nlls.tolist() == pytest.approx([math.log(len(vowels.alphabet))], abs=1e-6)


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_smoothing_costs_the_names_on_what_was_counted_and_helps_on_the_dev_words(
    names: Corpus, n: int
):
    three = split(names)
    train = count(three.train, n)
    learned, held_out = (add_k_nlls(train, count(part, n), KS) for part in (three.train, three.dev))
    assert bool((learned.diff() > 0).all())
    assert float(learned[0]) == pytest.approx(CountModel(train).floor, abs=1e-12)
    assert float(held_out[0]) == math.inf
    best = int(held_out.argmin())
    assert 0 < best < len(KS) - 1
    assert bool((held_out[1 : best + 1].diff() < 0).all())
    assert bool((held_out[best:].diff() > 0).all())


# Empty parts


def test_no_words_have_no_nll(vowels: Corpus):
    nothing, ngrams = count(part_of(vowels), 2), count(vowels, 2)
    assert math.isnan(nll(CountModel(ngrams), nothing))
    assert bool(add_k_nlls(ngrams, nothing, KS).isnan().all())


@pytest.mark.parametrize("n", [2, 5])
def test_without_words_to_learn_from_all_outcomes_are_alike_or_impossible(vowels: Corpus, n: int):
    nothing, ngrams = count(part_of(vowels), n), count(vowels, n)
    uniform = math.log(len(vowels.alphabet))
    nlls = add_k_nlls(nothing, ngrams, torch.tensor([0, 1]))
    assert nlls.tolist() == pytest.approx([math.inf, uniform], abs=1e-12)
    assert nll(CountModel(nothing, 1), ngrams) == pytest.approx(uniform, abs=1e-12)
