from collections import Counter, defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.corpus import Corpus, parse
from model.ngrams import Ngrams, count
from model.occurrences import Occurrence, occurrences

corpora = st.from_type(Corpus)
orders = st.integers(2, 10)

Pair = tuple[tuple[str, ...], str]


def plain_occurrences(corpus: Corpus, n: int) -> dict[Pair, list[Occurrence]]:
    """What a loop over the words finds for each context and outcome; "" is the boundary."""
    places: defaultdict[Pair, defaultdict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    times = Counter(corpus.words)
    for word in times:
        padded = [""] * (n - 1) + list(word) + [""]
        for place in range(len(word) + 1):
            pair = tuple(padded[place : place + n - 1]), padded[place + n - 1]
            places[pair][word].append(place)
    return {
        pair: [
            Occurrence(word, times[word], tuple(where))
            for word, where in sorted(words.items(), key=lambda item: (-times[item[0]], item[0]))
        ]
        for pair, words in places.items()
    }


def found(corpus: Corpus, context: str, outcome: str) -> list[tuple[str, int, tuple[int, ...]]]:
    """The occurrences after characters of which "^" is the boundary, and so is the outcome "$"."""
    tokens = {"^": 0, "$": 0}
    encoded = [
        tokens[character] if character in tokens else corpus.alphabet.encode(character)[0]
        for character in context + outcome
    ]
    every = occurrences(corpus, encoded[:-1], encoded[-1])
    return [(each.word, each.times, each.places) for each in every]


def pairs_of(ngrams: Ngrams) -> list[tuple[list[int], int, int]]:
    """The context, the outcome and the count of every pair that occurs."""
    contexts = ngrams.contexts.tokens(ngrams.context_ids).tolist()
    columns = contexts, ngrams.outcomes.tolist(), ngrams.counts.tolist()
    return list(zip(*columns, strict=True))


@given(corpora, orders)
def test_the_words_are_those_of_a_plain_loop(corpus: Corpus, n: int):
    characters = ("", *corpus.alphabet.characters)
    told = {
        (tuple(characters[token] for token in context), characters[outcome]): occurrences(
            corpus, context, outcome
        )
        for context, outcome, _ in pairs_of(count(corpus, n))
    }
    assert told == plain_occurrences(corpus, n)


@given(corpora, orders)
def test_times_and_places_together_are_the_count(corpus: Corpus, n: int):
    for context, outcome, times in pairs_of(count(corpus, n)):
        every = occurrences(corpus, context, outcome)
        assert sum(each.times * len(each.places) for each in every) == times


@given(corpora, orders)
def test_a_place_holds_the_outcome_and_follows_the_context(corpus: Corpus, n: int):
    for context, outcome, _ in pairs_of(count(corpus, n)):
        for each in occurrences(corpus, context, outcome):
            tokens = [0] * (n - 1) + corpus.alphabet.encode(each.word) + [0]
            for place in each.places:
                assert tokens[place : place + n] == [*context, outcome]
                assert (place == len(each.word)) == (outcome == 0)


def test_every_count_of_the_names_is_told_by_words(names: Corpus):
    for context, outcome, times in pairs_of(count(names, 2))[::20]:
        every = occurrences(names, context, outcome)
        assert sum(each.times * len(each.places) for each in every) == times
        assert every == sorted(every, key=lambda each: (-each.times, each.word))


def test_patterns_that_overlap_are_all_found():
    corpus = parse(b"aaaa\nbaaab\naa\naaaa\n", "words")
    assert found(corpus, "a", "a") == [
        ("aaaa", 2, (1, 2, 3)),
        ("aa", 1, (1,)),
        ("baaab", 1, (2, 3)),
    ]
    assert found(corpus, "aa", "a") == [("aaaa", 2, (2, 3)), ("baaab", 1, (3,))]
    assert found(corpus, "^^^a", "a") == [("aaaa", 2, (1,)), ("aa", 1, (1,))]


def test_the_most_frequent_word_is_first_and_then_the_alphabet_decides():
    corpus = parse(b"ab\ncab\nab\nbab\nbab\nbab\nabc\n", "words")
    assert [(word, times) for word, times, _ in found(corpus, "a", "b")] == [
        ("bab", 3),
        ("ab", 2),
        ("abc", 1),
        ("cab", 1),
    ]


@pytest.mark.parametrize(
    ("context", "outcome", "expected"),
    [
        ("^", "a", [("a.b", 1, (0,)), ("aab", 1, (0,))]),
        ("^", ".", [(".", 1, (0,)), (".a", 1, (0,))]),
        (".", "$", [(".", 1, (1,))]),
        ("^.", "$", [(".", 1, (1,))]),
        ("b", "$", [("a.b", 1, (3,)), ("aab", 1, (3,))]),
        ("a", ".", [("a.b", 1, (1,))]),
        ("^^", ".", [(".", 1, (0,)), (".a", 1, (0,))]),
        ("^.", "a", [(".a", 1, (1,))]),
        ("a.", "b", [("a.b", 1, (2,))]),
    ],
)
def test_a_real_dot_is_no_boundary_and_no_wildcard(
    context: str, outcome: str, expected: list[tuple[str, int, tuple[int, ...]]]
):
    assert found(parse(b"a.b\naab\n.\n.a\n", "words"), context, outcome) == expected


@pytest.mark.parametrize(("context", "outcome"), [("a", "a"), ("^", "b"), ("ab", "a"), ("^^", "$")])
def test_what_never_occurs_has_no_words_not_even_across_two_of_them(context: str, outcome: str):
    assert found(parse(b"ab\nab\n", "words"), context, outcome) == []
