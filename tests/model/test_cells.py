"""The cells of the table, and the ways from context to context."""

import math

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from model.alphabet import BOUNDARY
from model.corpus import Corpus, parse
from model.counts import CountModel
from model.errors import MakemoreError
from model.nets.one_layer import OneLayer
from model.ngrams import Ngrams, count
from model.tables import cell_of, context_after, find_contexts

corpora = st.from_type(Corpus)
orders = st.integers(2, 10)


def contexts_of(ngrams: Ngrams) -> list[tuple[int, ...]]:
    """The tokens of every context, in the order of their ids."""
    return [tuple(ngrams.context_tokens(id)) for id in range(len(ngrams.contexts))]


def plain_contexts(corpus: Corpus, n: int) -> list[tuple[int, ...]]:
    """The context before each outcome of the corpus."""
    streams = [[BOUNDARY] * (n - 1) + corpus.alphabet.encode(word) for word in corpus.words]
    return [
        tuple(stream[place : place + n - 1])
        for stream in streams
        for place in range(len(stream) - n + 2)
    ]


# Cells


@given(corpora, orders, st.sampled_from([0, 1, 2.5]), st.data())
def test_a_cell_is_what_a_plain_loop_counts(corpus: Corpus, n: int, k: float, data: st.DataObject):
    counts = CountModel(count(corpus, n), k)
    network = OneLayer(counts.ngrams, 0)
    size = len(corpus.alphabet)
    context = data.draw(st.integers(0, len(counts.ngrams.contexts) - 1))
    outcome = data.draw(st.integers(0, size - 1))
    cell = cell_of(counts, network, context, outcome)

    tokens = contexts_of(counts.ngrams)[context]
    streams = [[0] * (n - 1) + corpus.alphabet.encode(word) + [0] for word in corpus.words]
    after = [
        stream[place]
        for stream in streams
        for place in range(n - 1, len(stream))
        if tuple(stream[place - n + 1 : place]) == tokens
    ]
    row = [(after.count(each) + k) / (len(after) + k * size) for each in range(size)]
    assert (cell.count, cell.row_count) == (after.count(outcome), len(after))
    assert cell.row.tolist() == pytest.approx(row, abs=1e-12)
    assert cell.p == pytest.approx(row[outcome], abs=1e-12)
    better = {each for each in range(size) if after.count(each) > after.count(outcome)}
    assert cell.rank == (1 + len(better) if row[outcome] else None)

    weights = network.W[context].double()
    expected = weights.exp() / weights.exp().sum()
    assert cell.q == pytest.approx(float(expected[outcome]), abs=1e-6)
    assert cell.network_rank == 1 + int((weights > weights[outcome]).sum())


def test_a_cell_without_a_network_has_none(vowels: Corpus):
    cell = cell_of(CountModel(count(vowels, 2)), None, 0, 0)
    assert (cell.network_row, cell.q, cell.network_rank) == (None, None, None)
    assert (cell.p, cell.rank, cell.count) == (0, None, 0)


def test_what_a_network_holds_for_impossible_has_no_rank(vowels: Corpus):
    counts = CountModel(count(vowels, 2))
    network = OneLayer(counts.ngrams, 0)
    network.W[1, 2] = -math.inf
    cell = cell_of(counts, network, 1, 2)
    assert (cell.q, cell.network_rank) == (0, None)


# From a context to the next


@given(corpora, orders)
def test_walking_along_a_word_passes_exactly_the_contexts_that_occur(corpus: Corpus, n: int):
    ngrams = count(corpus, n)
    tokens = contexts_of(ngrams)
    passed = set()
    for word in set(corpus.words):
        context, before = 0, [BOUNDARY] * (n - 1)
        passed.add(context)
        for token in corpus.alphabet.encode(word):
            context = context_after(ngrams, context, token)
            before = [*before, token][1:]
            assert context is not None
            assert list(tokens[context]) == before
            passed.add(context)
        assert context_after(ngrams, context, BOUNDARY) == 0
    assert passed == set(range(len(tokens)))


@given(corpora)
def test_with_one_character_of_context_it_is_the_row_of_the_character(corpus: Corpus):
    ngrams = count(corpus, 2)
    for context in (0, len(ngrams.contexts) // 2, len(ngrams.contexts) - 1):
        for token in range(len(corpus.alphabet)):
            assert context_after(ngrams, context, token) == token


@given(corpora, orders, st.data())
def test_where_a_context_never_occurs_as_much_of_it_as_possible_is_kept(
    corpus: Corpus, n: int, data: st.DataObject
):
    ngrams = count(corpus, n)
    tokens = contexts_of(ngrams)
    context = data.draw(st.integers(0, len(tokens) - 1))
    token = data.draw(st.integers(1, len(corpus.alphabet) - 1))
    found = context_after(ngrams, context, token)

    tail = (*tokens[context], token)[1:]
    starts = [(0,) * (n - 1 - kept) + tail[n - 1 - kept :] for kept in range(n - 1, 0, -1)]
    ends = [each for each in tokens if each[-1] == token]
    assert tokens[found] == next(each for each in [*starts, *ends] if each in tokens)


def test_it_falls_back_to_a_words_beginning_then_to_any_context():
    ngrams = count(parse(b"abc\nbd\nxab", "few"), 3)
    labels = ngrams.context_labels(range(len(ngrams.contexts)))
    steps = {("ab", "c"): "bc", ("bc", "b"): ".b", ("bc", "c"): "bc", ("bd", "d"): "bd"}
    for (before, typed), after in steps.items():
        found = context_after(ngrams, labels.index(before), ngrams.alphabet.encode(typed)[0])
        assert labels[found] == after


def test_a_character_that_is_in_no_context_leads_nowhere():
    ngrams = count(Corpus("one", "ab\n"), 2)
    lonely = Ngrams(
        2, count(Corpus("more", "abc\n"), 2).alphabet, ngrams.contexts, *([ngrams.codes] * 2)
    )
    assert context_after(lonely, 0, 3) is None


# Finding


def plain_find(ngrams: Ngrams, wanted: list[int]) -> list[int]:
    """Those that hold `wanted` at their very end first, then one further to the left, and so on."""
    places: list[tuple[int, int]] = []
    for id, tokens in enumerate(contexts_of(ngrams)):
        starts = [
            start
            for start in range(len(tokens) - len(wanted) + 1)
            if list(tokens[start : start + len(wanted)]) == wanted
        ]
        if starts:
            places.append((-max(starts), id))
    return [id for _, id in sorted(places)]


@given(corpora, orders, st.data())
def test_every_part_of_every_label_is_found_as_a_plain_loop_finds_it(
    corpus: Corpus, n: int, data: st.DataObject
):
    ngrams = count(corpus, n)
    tokens = data.draw(st.sampled_from(contexts_of(ngrams)))
    start = data.draw(st.integers(0, n - 2))
    part = list(tokens[start : data.draw(st.integers(start + 1, n - 1))])
    # What a control character looks like cannot be typed; the character itself can.
    typed = "".join("." if each == BOUNDARY else corpus.alphabet.decode([each]) for each in part)
    typed = "".join(
        "." if token == BOUNDARY else f"\\{character}" if character in ".\\" else character
        for token, character in zip(part, typed, strict=True)
    )
    found = find_contexts(ngrams, typed).tolist()
    assert found == plain_find(ngrams, part)
    assert found


def test_dots_backslashes_and_blanks_are_found_as_they_are_shown():
    ngrams = count(parse(b"a.b\nc\\d\ne f\ngh", "odd"), 2)
    labels = ngrams.context_labels(range(len(ngrams.contexts)))
    for shown in (".", "\\.", "\\\\", "␣"):
        assert [labels[id] for id in find_contexts(ngrams, shown).tolist()] == [shown]
    assert find_contexts(ngrams, " ").tolist() == find_contexts(ngrams, "␣").tolist()
    assert find_contexts(ngrams, "\\").tolist() == find_contexts(ngrams, "\\\\").tolist()
    assert find_contexts(ngrams, "\\a").tolist() == find_contexts(ngrams, "a").tolist()


def test_an_open_box_of_the_corpus_is_itself():
    ngrams = count(parse("a␣\nb c".encode(), "boxes"), 2)
    box, blank = (find_contexts(ngrams, typed).tolist() for typed in "␣ ")
    assert box != blank
    assert ngrams.alphabet.decode(box) == "␣"
    assert ngrams.alphabet.decode(blank) == " "


@given(corpora, orders, st.characters(codec="utf-8"))
def test_a_character_that_no_word_has_is_refused(corpus: Corpus, n: int, character: str):
    assume(character not in corpus.alphabet.characters and character not in ".\\␣")
    with pytest.raises(MakemoreError, match="alphabet"):
        find_contexts(count(corpus, n), character)


def test_nothing_and_too_much_are_not_found(vowels: Corpus):
    ngrams = count(vowels, 3)
    assert find_contexts(ngrams, "").tolist() == []
    assert find_contexts(ngrams, "emm").tolist() == []
    assert find_contexts(ngrams, "...").tolist() == []


# The order of the rows


@given(corpora, orders)
def test_the_most_frequent_contexts_come_first(corpus: Corpus, n: int):
    ngrams = count(corpus, n)
    tokens = contexts_of(ngrams)
    every = plain_contexts(corpus, n)
    assert set(every) == set(tokens)
    expected = sorted(range(len(tokens)), key=lambda id: (-every.count(tokens[id]), id))
    assert ngrams.by_frequency.tolist() == expected
    assert torch.equal(
        ngrams.row_sums[ngrams.by_frequency], ngrams.row_sums.sort(descending=True)[0]
    )


@given(corpora, orders)
def test_the_tokens_of_a_context_are_those_of_its_id(corpus: Corpus, n: int):
    ngrams = count(corpus, n)
    tokens = contexts_of(ngrams)
    assert tokens == sorted(set(tokens))
    assert ngrams.contexts.ids(torch.tensor(tokens)).tolist() == list(range(len(tokens)))
    labels = ngrams.context_labels(range(len(tokens)))
    assert labels == [ngrams.alphabet.labels(each) for each in tokens]
