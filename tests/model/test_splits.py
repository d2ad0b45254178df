import random
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.corpus import Corpus, parse
from model.ngrams import count
from model.splits import Split, split

corpora = st.from_type(Corpus)
seeds = st.integers(0, 2**32 - 1)


def parts(three: Split) -> list[Corpus]:
    return [three.train, three.dev, three.test]


def test_the_names_are_split_as_in_the_lectures(names: Corpus):
    three = split(names)
    assert [part.word_count for part in parts(three)] == [25_626, 3_203, 3_204]
    # What the lectures show after random.seed(42); random.shuffle(words).
    assert three.train.words[:5] == ["yuheng", "diondre", "xavien", "jori", "juanluis"]


def test_the_names_are_shuffled_with_seed_42(names: Corpus, names_path: Path):
    words = names_path.read_text(encoding="utf-8").split()
    random.seed(42)
    random.shuffle(words)
    three = split(names)
    assert three.train.words == words[:25_626]
    assert three.dev.words == words[25_626:28_829]
    assert three.test.words == words[28_829:]


@given(corpora, seeds)
def test_every_word_is_in_one_part_as_often_as_in_the_corpus(corpus: Corpus, seed: int):
    together = [word for part in parts(split(corpus, seed)) for word in part.words]
    assert Counter(together) == Counter(corpus.words)


@given(corpora, seeds)
def test_four_fifths_are_to_learn_from_and_the_rest_is_halved(corpus: Corpus, seed: int):
    train, dev, test = (part.word_count for part in parts(split(corpus, seed)))
    assert abs(train - 0.8 * corpus.word_count) < 1
    assert abs(dev - 0.1 * corpus.word_count) < 1
    assert abs(test - 0.1 * corpus.word_count) <= 1


@given(corpora, seeds)
def test_the_parts_share_the_alphabet_of_the_whole(corpus: Corpus, seed: int):
    for part in parts(split(corpus, seed)):
        assert part.alphabet == corpus.alphabet
        assert part.whole is corpus


@given(corpora, st.integers(2, 10), seeds)
def test_the_parts_are_counted_into_the_counts_of_the_whole(corpus: Corpus, n: int, seed: int):
    whole = count(corpus, n)
    totals = Counter[tuple[tuple[int, ...], int]]()
    for part in parts(split(corpus, seed)):
        assert part.examples == count(part, n).total
        totals += cells(part, n)
    assert totals == cells(corpus, n)
    assert whole.total == totals.total()


def cells(corpus: Corpus, n: int) -> Counter[tuple[tuple[int, ...], int]]:
    """How often each outcome follows the tokens of each context."""
    ngrams = count(corpus, n)
    contexts = map(tuple, ngrams.contexts.tokens(ngrams.context_ids).tolist())
    pairs = zip(contexts, ngrams.outcomes.tolist(), strict=True)
    return Counter(dict(zip(pairs, ngrams.counts.tolist(), strict=True)))


def test_a_part_knows_characters_that_only_another_part_holds():
    corpus = parse(b"ab\ncd\nef\ngh\nij\n", "words")
    three = split(corpus)
    assert not set(three.test.text) & set(three.train.text) - {"\n"}
    assert three.train.alphabet.encode(three.test.words[0])


@pytest.mark.parametrize(
    ("words", "sizes"),
    [
        (1, [0, 0, 1]),
        (2, [1, 0, 1]),
        (3, [2, 0, 1]),
        (9, [7, 1, 1]),
        (10, [8, 1, 1]),
        (100, [80, 10, 10]),
    ],
)
def test_a_small_corpus_leaves_parts_empty(words: int, sizes: list[int]):
    corpus = Corpus("words", "ab\n" * words)
    three = split(corpus)
    assert [part.word_count for part in parts(three)] == sizes
    assert [count(part, 3).total for part in parts(three)] == [3 * size for size in sizes]


def test_a_seed_fixes_the_split_and_another_one_changes_it(names: Corpus):
    first, again, other = (split(names, seed).dev.words for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_splitting_leaves_the_corpus_and_the_callers_random_numbers_alone(vowels: Corpus):
    before, words = random.getstate(), list(vowels.words)
    split(vowels)
    assert random.getstate() == before
    assert vowels.words == words


def test_a_part_is_named_after_the_whole_and_itself(vowels: Corpus):
    assert [part.name for part in parts(split(vowels))] == [
        "vowels, train",
        "vowels, dev",
        "vowels, test",
    ]
