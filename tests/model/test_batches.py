import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from model.alphabet import BOUNDARY
from model.batches import Batch, Words
from model.corpus import Corpus, parse
from model.ngrams import count, examples

corpora = st.from_type(Corpus)
orders = st.integers(2, 17)
LONG = parse(b"abcabcabca\nb\nabc\ncbacbacbacba", "long and short words")


@st.composite
def drawn(draw: st.DrawFn) -> tuple[Corpus, Batch]:
    """Some words of a corpus, one of them twice perhaps: by themselves, and as a batch."""
    whole = draw(corpora | st.just(LONG))
    words = list(whole.words)
    indices = draw(st.lists(st.integers(0, len(words) - 1), min_size=1, max_size=8))
    part = Corpus("part", "".join(f"{words[index]}\n" for index in indices), whole)
    return part, Words(whole).batch(torch.tensor(indices))


@given(drawn(), orders)
def test_a_batch_has_the_examples_of_its_words(drawn: tuple[Corpus, Batch], n: int):
    corpus, batch = drawn
    ids, outcomes = examples(corpus, n)
    assert len(batch) == len(outcomes)
    assert torch.equal(batch.outcomes, outcomes)
    assert torch.equal(batch.contexts(n - 1), count(corpus, n).contexts.tokens(ids))


@given(drawn(), st.integers(1, 16))
def test_the_rows_of_a_batch_hold_the_context_of_each_example(
    drawn: tuple[Corpus, Batch], most: int
):
    _, batch = drawn
    tokens, own, ends = batch.rows(most)
    width = tokens.shape[1]
    assert width <= most
    for context, cell in zip(
        batch.contexts(most).tolist(), (own if ends is None else own[ends]).tolist(), strict=True
    ):
        read = tokens[cell // width, : cell % width + 1].tolist()
        assert context == [BOUNDARY] * (most - len(read)) + read


@given(drawn(), st.integers(1, 16))
def test_what_fills_the_rows_up_are_boundaries_behind(drawn: tuple[Corpus, Batch], most: int):
    tokens, own, _ = drawn[1].rows(most)
    inside = torch.zeros(tokens.numel(), dtype=torch.bool)
    inside[own] = True
    inside = inside.view(tokens.shape)
    assert bool((inside.int().diff(dim=1) <= 0).all())  # never again after the first
    assert bool(inside[:, 0].all())
    assert bool((tokens[~inside] == BOUNDARY).all())
    assert torch.equal(own, own.sort().values)


@given(drawn())
def test_words_that_fit_are_a_row_each(drawn: tuple[Corpus, Batch]):
    corpus, batch = drawn
    lengths = [1 + len(word) for word in corpus.words]
    tokens, own, ends = batch.rows(max(lengths))
    assert tokens.shape == (len(lengths), max(lengths))
    assert (len(own), ends) == (len(batch), None)


@pytest.mark.parametrize("most", [1, 2, 3, 5])
def test_a_context_without_the_words_beginning_has_a_row_of_its_own(most: int):
    word = parse(b"abcde", "a word")
    tokens, own, ends = Words(word).batch(torch.tensor([0])).rows(most)
    assert len(tokens) == 1 + 6 - most
    assert ends is not None or most == 1  # with one token each, all cells are ends
    assert len(own) == most * len(tokens)


@given(corpora)
def test_the_words_of_a_corpus_are_numbered_in_its_order(corpus: Corpus):
    words = Words(corpus)
    assert len(words) == len(list(corpus.words))
    assert words.examples == sum(1 + len(word) for word in corpus.words)
    for index, word in enumerate(corpus.words):
        batch = words.batch(torch.tensor([index]))
        assert batch.outcomes.tolist() == [*corpus.alphabet.encode(word), BOUNDARY]


def test_a_corpus_of_one_word_has_batches():
    words = Words(parse(b"a", "one"))
    batch = words.batch(torch.tensor([0, 0, 0]))
    assert batch.outcomes.tolist() == [1, 0] * 3
    assert batch.contexts(2).tolist() == [[0, 0], [0, 1]] * 3
    assert batch.rows(2).tokens.tolist() == [[0, 1]] * 3


def test_an_alphabet_beyond_a_byte_has_batches():
    characters = "".join(map(chr, range(0x4E00, 0x4E00 + 300)))
    batch = Words(parse(characters.encode(), "a long word")).batch(torch.tensor([0]))
    assert batch.outcomes.tolist() == [*range(1, 301), 0]
