from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from model import trie
from model.corpus import Corpus, parse
from model.errors import MakemoreError
from model.ngrams import Ngrams, count, detokenise, examples, merge, tokenise

orders = st.integers(2, 10)
corpora = st.from_type(Corpus)

Context = tuple[str, ...]


def splits(n: int, word: str) -> list[tuple[Context, str]]:
    """The notebook's `all_splits`, with "" for the boundary: it sorts first, and is no "."."""
    augmented = [""] * (n - 1) + list(word) + [""]
    return [(tuple(augmented[i : i + n - 1]), augmented[i + n - 1]) for i in range(len(word) + 1)]


def notebook_counts(words: list[str], n: int) -> Counter[tuple[Context, str]]:
    return Counter(pair for word in words for pair in splits(n, word))


def contexts_of(ngrams: Ngrams) -> list[Context]:
    characters = ("", *ngrams.alphabet.characters)
    rows = ngrams.contexts.tokens(torch.arange(len(ngrams.contexts))).tolist()
    return [tuple(characters[token] for token in row) for row in rows]


def counts_of(ngrams: Ngrams) -> dict[tuple[Context, str], int]:
    contexts, outcomes = contexts_of(ngrams), ("", *ngrams.alphabet.characters)
    columns = ngrams.context_ids, ngrams.outcomes, ngrams.counts
    return {
        (contexts[context], outcomes[outcome]): times
        for context, outcome, times in zip(*(column.tolist() for column in columns), strict=True)
    }


@given(corpora, orders)
def test_the_counts_are_the_notebooks(corpus: Corpus, n: int):
    assert counts_of(count(corpus, n)) == notebook_counts(corpus.words, n)


@given(corpora, orders)
def test_the_contexts_are_in_the_order_of_their_tokens(corpus: Corpus, n: int):
    expected = sorted({context for context, _ in notebook_counts(corpus.words, n)})
    assert contexts_of(count(corpus, n)) == expected
    assert expected[0] == ("",) * (n - 1)


@given(corpora, orders)
def test_the_examples_are_the_notebooks_training_set(corpus: Corpus, n: int):
    contexts, characters = contexts_of(count(corpus, n)), ("", *corpus.alphabet.characters)
    xs, ys = (column.tolist() for column in examples(corpus, n))
    told = [(contexts[x], characters[y]) for x, y in zip(xs, ys, strict=True)]
    assert told == [pair for word in corpus.words for pair in splits(n, word)]


@given(corpora, orders)
def test_the_table_the_sums_and_the_pairs_agree(corpus: Corpus, n: int):
    ngrams = count(corpus, n)
    assert ngrams.N.shape == (len(ngrams.contexts), len(corpus.alphabet))
    assert ngrams.N[ngrams.context_ids, ngrams.outcomes].tolist() == ngrams.counts.tolist()
    assert ngrams.row_sums.tolist() == ngrams.N.sum(1).tolist()
    assert ngrams.column_sums.tolist() == ngrams.N.sum(0).tolist()
    assert ngrams.total == int(ngrams.N.sum()) == corpus.examples


@given(corpora, orders)
def test_a_context_is_found_by_its_tokens(corpus: Corpus, n: int):
    contexts = count(corpus, n).contexts
    ids = torch.arange(len(contexts))
    assert contexts.ids(contexts.tokens(ids)).tolist() == ids.tolist()


@given(corpora, orders)
def test_counts_are_looked_up_without_the_table(corpus: Corpus, n: int):
    ngrams = count(corpus, n)
    outcomes = torch.arange(len(corpus.alphabet))
    ids = torch.arange(-1, len(ngrams.contexts)).flip(0)  # -1 is a context that never occurs
    expected = [*reversed(ngrams.N.tolist()), [0] * len(outcomes)]
    assert ngrams.rows(ids).tolist() == expected
    assert ngrams.counts_of(ids.unsqueeze(1), outcomes).tolist() == expected
    for outcome in outcomes:
        told = ngrams.counts_of(ids, outcome.expand(len(ids))).tolist()
        assert told == [row[outcome] for row in expected]
    assert ngrams.counts_of(ngrams.context_ids, ngrams.outcomes).tolist() == ngrams.counts.tolist()


def test_no_rows_are_looked_up_for_no_contexts(vowels: Corpus):
    assert count(vowels, 3).rows(torch.empty(0, dtype=torch.int64)).shape == (0, 8)


@pytest.mark.parametrize("chunk", [1, 16, 50, 1 << 20])
@given(corpora, orders)
def test_blocks_hold_every_context_once_in_rows_that_fit_into_a_block(
    chunk: int, corpus: Corpus, n: int
):
    ngrams = count(corpus, n)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trie, "BLOCK", chunk)
        blocks = [block.tolist() for block in ngrams.blocks()]
    assert [each for block in blocks for each in block] == list(range(len(ngrams.contexts)))
    for block in blocks:
        assert len(block) == 1 or len(block) * len(corpus.alphabet) <= chunk


@given(corpora, st.integers(2, 4), st.data())
def test_a_context_never_seen_has_no_id(corpus: Corpus, n: int, data: st.DataObject):
    contexts = count(corpus, n).contexts
    seen = contexts.tokens(torch.arange(len(contexts))).tolist()
    tokens = st.integers(-1, len(corpus.alphabet) - 1)
    context = data.draw(st.lists(tokens, min_size=n - 1, max_size=n - 1))
    expected = seen.index(context) if context in seen else -1
    assert contexts.ids(torch.tensor([context])).tolist() == [expected]


def test_the_contexts_are_found_many_at_once():
    contexts = count(parse(b"ab\nba\n", "words"), 3).contexts
    asked = torch.tensor([[2, 1], [1, 1], [0, 0], [0, 2], [1, 0], [0, -1], [1, -1]])
    assert contexts.ids(asked).tolist() == [4, -1, 0, 2, -1, -1, -1]


def test_contexts_are_shown_with_the_boundary_as_a_dot():
    ngrams = count(parse(b"a.\n", "words"), 3)
    assert ngrams.context_labels(range(len(ngrams.contexts))) == ["..", ".a", "a\\."]


def test_a_word_of_ten_thousand_characters_is_counted():
    word = "abc" * 3334
    assert counts_of(count(parse(word.encode(), "words"), 3)) == notebook_counts([word], 3)


@given(corpora)
def test_a_corpus_is_told_again_from_its_tokens(corpus: Corpus):
    assert detokenise(tokenise(corpus).long(), corpus.alphabet) == corpus.words


def test_an_alphabet_of_more_than_a_byte_holds_is_counted():
    words = ["".join(map(chr, range(0x4E00 + start, 0x4E00 + start + 40))) for start in range(400)]
    corpus = parse("\n".join(words).encode(), "words")
    assert len(corpus.alphabet) > 256
    assert counts_of(count(corpus, 3)) == notebook_counts(words, 3)


@pytest.mark.parametrize("n", [-1, 0, 1, 65])
def test_an_order_that_the_product_does_not_know_is_an_error(vowels: Corpus, n: int):
    with pytest.raises(MakemoreError, match=f"n={n} is no order; choose 2 to 64"):
        count(vowels, n)
    with pytest.raises(MakemoreError, match=f"n={n} is no order; choose 2 to 64"):
        examples(vowels, n)


def test_a_table_that_does_not_fit_is_an_error_that_says_what_to_do(
    vowels: Corpus, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(trie, "MOST_DENSE", 10)
    with pytest.raises(MakemoreError, match="choose a lower n"):
        _ = count(vowels, 3).N


def test_the_names_have_the_notebooks_27_contexts_and_27_outcomes(names: Corpus):
    assert count(names, 2).N.shape == (27, 27)


def test_the_table_of_the_fixtures_is_that_of_the_names(names: Corpus, names_bigrams: Ngrams):
    assert count(names, 2).N.tolist() == names_bigrams.N.tolist()


@pytest.mark.parametrize(("n", "contexts"), [(2, 27), (3, 602), (4, 5_686), (5, 22_135)])
def test_the_names_have_as_many_contexts_as_the_design_says(names: Corpus, n: int, contexts: int):
    ngrams = count(names, n)
    assert len(ngrams.contexts) == contexts
    assert ngrams.total == 228_146


@given(st.lists(corpora, min_size=1, max_size=4), orders)
def test_the_merged_counts_of_parts_are_those_of_the_whole(parts: list[Corpus], n: int):
    whole = count(Corpus("whole", "".join(part.text for part in parts)), n)
    merged = merge([count(part, n) for part in parts])
    assert merged.alphabet == whole.alphabet
    assert all(map(torch.equal, merged.contexts.levels, whole.contexts.levels))
    assert torch.equal(merged.codes, whole.codes)
    assert torch.equal(merged.counts, whole.counts)
