"""A file that is counted as a stream has the counts of the whole, to the bit."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from test_fuzz_corpus import data

from model import counting, windows
from model.alphabet import Alphabet
from model.cleaning import clean
from model.corpus import MOST_CHARACTERS, Corpus, Source, opened, parse
from model.errors import MakemoreError
from model.ngrams import Ngrams, count, examples
from model.stream import StreamCounts, count_stream, whole_lines
from model.tokens import code_points
from model.vocabulary import Vocabulary, fingerprints

orders = st.integers(2, 7)
chunks = st.sampled_from((1, 7, 30, 1 << 18))


def streamed(
    data: bytes, n: int, chunk: int, threads: int = 1, memory: int = 1 << 30, pipe: bool = False
) -> StreamCounts:
    source = Source("words", io.BytesIO(data), None if pipe else len(data))
    return count_stream(source, n, words=True, memory=memory, threads=threads, chunk=chunk)


def check_that_they_are_the_same(ours: Ngrams, theirs: Ngrams) -> None:
    assert (ours.n, ours.alphabet) == (theirs.n, theirs.alphabet)
    assert len(ours.contexts.levels) == len(theirs.contexts.levels)
    assert all(map(torch.equal, ours.contexts.levels, theirs.contexts.levels))
    assert torch.equal(ours.codes, theirs.codes)
    assert torch.equal(ours.counts, theirs.counts)


each_way = pytest.mark.parametrize("way", ["tables", "ranks", "sorting"])


@contextmanager
def counted_by(way: str) -> Iterator[None]:
    """Count in a table for each thread; by the ranks of what occurs; or by sorting alone."""
    with pytest.MonkeyPatch.context() as patch:
        if way != "tables":
            patch.setattr(counting, "MOST_ENTRIES", 0)
            patch.setattr(counting, "GATHERED", 20)
        if way == "ranks":
            patch.setattr(windows, "LEAST_ENTRIES", 100)
        if way == "sorting":
            patch.setattr(windows, "LEAST_ENTRIES", 0)
            patch.setattr(windows, "ENTRIES_PER_TOKEN", 0)
            patch.setattr(windows, "MOST_NUMBERS", 1 << 20)
        yield


@each_way
@given(data, orders, chunks, st.sampled_from((1, 3)), st.booleans())
@example("a\r\n\ufeff\r\nb \n\n\u3000a".encode(), 3, 1, 2, False)
@example(b"\n\n \xef\xbb\xbf\n\xef\xbb\xbfava\n\xef\xbb\xbfemma", 3, 1, 1, False)
@example(b"ava\n" + b"\n" * 9 + b"ava", 3, 1, 3, False)
@example(b"olivia\nolivia-ava\n\nolivia" * 3, 40, 7, 3, False)
@example("e\n\u0301a\ne\u0301".encode(), 2, 1, 1, True)
def test_any_bytes_are_counted_as_at_once_or_refused_as_at_once(
    way: str, data: bytes, n: int, chunk: int, threads: int, pipe: bool
):
    try:
        corpus = parse(data, "words")
    except MakemoreError as error:
        with counted_by(way), pytest.raises(MakemoreError) as refused:
            streamed(data, n, chunk, threads, pipe=pipe)
        assert str(refused.value) == str(error)
        return
    with counted_by(way):
        counts = streamed(data, n, chunk, threads, pipe=pipe)
    check_that_they_are_the_same(counts.ngrams, count(corpus, n))
    assert counts.word_count == corpus.word_count
    assert counts.characters == corpus.characters
    assert counts.unique_words == len(corpus.vocabulary)
    assert all(counts.has(word) for word in corpus.words)
    assert not counts.has(max(corpus.words) + "a")


@each_way
@given(st.from_type(Corpus), orders, chunks)
def test_a_corpus_is_counted_in_chunks_as_at_once(way: str, corpus: Corpus, n: int, chunk: int):
    with counted_by(way):
        counts, pairs = count(corpus, n, chunk), examples(corpus, n, chunk)
    check_that_they_are_the_same(counts, count(corpus, n))
    assert all(map(torch.equal, pairs, examples(corpus, n)))


def test_an_empty_part_keeps_the_alphabet_of_the_whole():
    whole = parse(b"ab\n", "words")
    ngrams = count(Corpus("part", "", whole), 3)
    assert (ngrams.alphabet, ngrams.total, len(ngrams.contexts)) == (whole.alphabet, 0, 1)


def test_a_table_is_emptied_before_a_count_leaves_its_bits(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(counting, "MOST_ADDED", 10)
    data = b"ava\nemma\n" * 50
    check_that_they_are_the_same(streamed(data, 3, 5).ngrams, count(parse(data, "words"), 3))


def test_a_new_character_late_in_the_file_makes_the_alphabet_larger():
    data = b"ava\n" * 100 + "zo\u00eb\n".encode() + b"Eve\n"
    for threads in (1, 3):
        ngrams = streamed(data, 3, 8, threads).ngrams
        check_that_they_are_the_same(ngrams, count(parse(data, "words"), 3))


# Reading


@given(
    st.lists(st.binary(max_size=9).map(lambda line: line.replace(b"\n", b"")), max_size=9), chunks
)
def test_a_file_is_cut_at_line_feeds_only(lines: list[bytes], chunk: int):
    data = b"\n".join(lines)
    pieces = list(whole_lines(io.BytesIO(data), chunk))
    assert b"".join(pieces) == (data + b"\n" if data and not data.endswith(b"\n") else data)
    assert all(piece.endswith(b"\n") for piece in pieces)
    for piece, after in pairwise(pieces):
        longest = max(map(len, (piece + after).split(b"\n")))
        assert len(piece) <= chunk + longest


def test_a_line_without_end_is_an_error():
    with pytest.raises(ValueError, match="more than 20 bytes"):
        list(whole_lines(io.BytesIO(b"a\n" + b"a" * 30), 4, most=20))


@given(st.text(), st.text())
def test_what_is_cut_at_a_line_feed_is_cleaned_as_the_whole(one: str, other: str):
    first, second = f"{one}\n".encode(), other.encode()
    pieces = clean(first, beginning=False) + clean(second, beginning=False)
    assert clean(first + second, beginning=False) == pieces


def test_the_blanks_that_are_stripped_are_all_that_there_are():
    for code in range(0x110000):
        if chr(code).isspace() and code != ord("\n"):
            text = f"\n{chr(code)}".encode(errors="surrogatepass")
            assert clean(text, beginning=False) == "\n\n"


@pytest.mark.parametrize("threads", [1, 3])
def test_the_first_bad_byte_is_told_with_its_line_in_the_whole_file(threads: int):
    data = b"ava\r\n\n" * 500 + b"em\xffma\n" + b"\xfe\n" * 50
    with pytest.raises(MakemoreError, match="words, line 1001: byte 0xff is not UTF-8"):
        streamed(data, 2, 10, threads)


def test_more_characters_than_an_alphabet_has_are_refused():
    codes = [*range(0x4E00, 0x9FA6), *range(0xAC00, 0xD7A4), *range(0x20000, 0x2A6D7)]
    data = "\n".join(map(chr, codes[: MOST_CHARACTERS + 1])).encode()
    with pytest.raises(MakemoreError, match=r"words holds .* distinct characters; .* 65,536"):
        streamed(data, 2, 1 << 18)


def test_more_characters_than_an_alphabet_has_are_refused_by_the_name_of_their_file():
    text = "".join(f"{chr(point)}\n" for point in range(0x30000, 0xE0000))
    with pytest.raises(MakemoreError, match=r"words holds .* distinct characters; .* 65,536"):
        streamed(text.encode(), 4, memory=1 << 27, chunk=20_000)


def test_progress_adds_up_to_the_size(tmp_path):
    path = tmp_path / "words.txt"
    path.write_bytes(b"ava\nemma\n" * 1000)
    told: list[int] = []
    with opened(str(path)) as source:
        count_stream(source, 2, chunk=100, threads=2, progress=told.append)
    assert sum(told) == path.stat().st_size
    assert len(told) > 50


# Memory


def random_words(size: int) -> bytes:
    letters = torch.randint(97, 123, (size,), generator=torch.Generator().manual_seed(1))
    letters[::8] = ord("\n")
    return bytes(letters.tolist())


def test_what_cannot_fit_is_refused_before_it_starts_with_an_order_that_fits():
    data = random_words(100_000)
    read = 0

    class File(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            nonlocal read
            part = super().read(size)
            read += len(part)
            return part

    refused = MakemoreError("")
    try:
        count_stream(Source("words", File(data), len(data)), 9, memory=1 << 20, chunk=100)
    except MakemoreError as error:
        refused = error
    assert read < len(data) // 4
    assert "words: counting at n=9 takes about" in str(refused)
    fitting = int(str(refused).split("take -n ")[1].split()[0])
    streamed(data, fitting, 100, memory=1 << 20)


def test_a_sample_that_does_not_fit_itself_is_made_smaller():
    data, told = random_words(2_000_000), list[int]()
    with pytest.raises(MakemoreError, match=r"n=30 takes about .* take -n \d or less"):
        source = Source("words", io.BytesIO(data), len(data))
        count_stream(source, 30, memory=1 << 24, chunk=10_000, progress=told.append)
    assert told
    assert not any(told)  # bytes were counted


def test_what_turns_out_not_to_fit_is_refused_on_the_way():
    with pytest.raises(MakemoreError, match=r"n=9 takes more than 1.0 MiB .* take a lower n"):
        streamed(random_words(100_000), 9, 1000, memory=1 << 20, pipe=True)


def test_words_that_repeat_fit_however_often():
    data = random_words(1000) + b"\n"
    counts = streamed(data * 500, 9, 1000, memory=1 << 20)
    assert counts.ngrams.total == 500 * parse(data, "words").examples


def test_no_order_fits_into_next_to_nothing():
    with pytest.raises(MakemoreError, match="take a lower n, or allow more with --memory"):
        streamed(random_words(100_000), 3, 100, memory=100)


def test_words_are_not_counted_where_they_would_take_too_much():
    vocabulary = Vocabulary(1000)
    vocabulary.add(code_points("ava\nemma\nava\n"))
    total = vocabulary.total()
    assert total is not None
    assert len(total) == 2
    vocabulary.add(code_points("".join(f"{number}\n" for number in range(1000))))
    assert vocabulary.total() is None
    counts = StreamCounts("words", count(parse(b"ava\n", "words"), 2))
    assert (counts.unique_words, counts.has("ava")) == (None, None)


@given(st.from_type(Corpus))
def test_a_word_has_the_same_fingerprint_wherever_it_stands(corpus: Corpus):
    prints = fingerprints(code_points(corpus.text)).tolist()
    assert prints == [int(fingerprints(code_points(f"{word}\n"))) for word in corpus.words]
    assert len(set(prints)) == len(corpus.vocabulary)


def test_the_counting_leaves_torchs_threads_as_they_were():
    before = torch.get_num_threads()
    streamed(b"ava\n" * 1000, 2, 10, threads=3)
    assert torch.get_num_threads() == before


def test_an_alphabet_is_that_of_what_was_read():
    assert streamed(b"b a\n", 2, 1).ngrams.alphabet == Alphabet.of("ab ")
