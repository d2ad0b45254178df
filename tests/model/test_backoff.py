"""A back-off model: what is known after a context, and what is left to a shorter one."""

import math

import pytest
import torch

from model.alphabet import Alphabet
from model.backoff import BackoffModel, Level


def level(contexts: dict[int, float], ngrams: dict[int, float]) -> Level:
    """Of codes and the weights of contexts, the probabilities of n-grams."""
    return Level(
        torch.tensor(list(contexts), dtype=torch.int64),
        torch.tensor(list(contexts.values()), dtype=torch.float64).log(),
        torch.tensor(list(ngrams), dtype=torch.int64),
        torch.tensor(list(ngrams.values()), dtype=torch.float64).log(),
    )


@pytest.fixture
def trigrams() -> BackoffModel:
    """Over "a" and "b", V = 3: what follows "", <s>, "a", "b", "<s> a" and "b a"."""
    return BackoffModel(
        Alphabet("ab"),
        (
            level({0: 1.0}, {0: 0.2, 1: 0.3, 2: 0.5}),
            level({0: 0.5, 1: 0.25, 2: 0.8}, {1: 0.9, 3: 0.6, 5: 0.125}),  # <s> a; a </s>, a b
            level({3: 0.1, 5: 0.4}, {1: 0.75, 5: 0.7}),  # <s> a a; b a b
        ),
    )


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        ([0, 0], [0.5 * 0.2, 0.9, 0.5 * 0.5]),  # the word's beginning
        ([0, 1], [0.1 * 0.6, 0.75, 0.1 * 0.125]),
        ([2, 1], [0.4 * 0.6, 0.4 * 0.25 * 0.3, 0.7]),
        ([1, 1], [0.6, 0.25 * 0.3, 0.125]),  # "a a" was never seen, "a" was
        ([1, 2], [0.8 * 0.2, 0.8 * 0.3, 0.8 * 0.5]),  # nothing was seen after "b"
        ([2, 0], [0.5 * 0.2, 0.9, 0.5 * 0.5]),  # another word says nothing
        ([-1, 1], [0.6, 0.25 * 0.3, 0.125]),  # what is no token says nothing
        ([-1, 2], [0.8 * 0.2, 0.8 * 0.3, 0.8 * 0.5]),
        ([1, -1], [0.2, 0.3, 0.5]),
    ],
)
def test_what_a_context_does_not_know_the_shorter_one_says_less_its_weight(
    trigrams: BackoffModel, context: list[int], expected: list[float]
):
    (row,) = trigrams.log_probs(torch.tensor([context])).exp().tolist()
    assert row == pytest.approx(expected, abs=1e-12)


def test_rows_come_in_the_order_of_their_contexts(trigrams: BackoffModel):
    contexts = torch.cartesian_prod(torch.arange(3), torch.arange(3))
    together = trigrams.log_probs(contexts)
    assert together.tolist() == [trigrams.log_probs(row[None])[0].tolist() for row in contexts]
    assert trigrams.log_probs(contexts[:0]).shape == (0, 3)


def test_a_model_says_what_it_is_about(trigrams: BackoffModel):
    assert (trigrams.n, trigrams.context_length, trigrams.alphabet.characters) == (3, 2, "ab")
    assert trigrams.tokens(2).tolist() == [[0, 1], [2, 1]]
    assert trigrams.tokens(1).tolist() == [[0], [1], [2]]
    assert trigrams.tokens(0).tolist() == [[]]


def test_nothing_is_more_than_certain_whatever_the_weights_say():
    levels = (level({0: 1.0}, {0: 0.5, 1: 0.5}), level({1: 1e300}, {}))
    (row,) = BackoffModel(Alphabet("a"), levels).log_probs(torch.tensor([[1]])).tolist()
    assert row == [0, 0]
    assert math.copysign(1, row[0]) == 1
