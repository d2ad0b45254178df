"""Any bytes are a corpus whose words are as they should be, or one line of error.

`pytest --hypothesis-profile long` tries 10,000 of each kind.
"""

import unicodedata
from collections import Counter

from hypothesis import example, given
from hypothesis import strategies as st

from model.corpus import Corpus, parse
from model.errors import MakemoreError

BOM = "\ufeff"
# What means something at the edge of a word or line, to Unicode's composition, or to a terminal.
pieces = st.sampled_from(
    (
        *("\n", "\r\n", "\r", " ", "\t", "\x1c", "\x85", "\xa0", "\u2028", "\u3000", BOM, "\x00"),
        *("\x1b", "a", "e", ".", "\u0301", "\u0323", "\u1100", "\u1161", "\u11a8", "\u0958"),
    )
)
texts = st.lists(pieces | st.characters(codec="utf-8")).map("".join)
broken = st.sampled_from([b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\xaf"])
data = (
    st.binary()
    | texts.map(str.encode)
    | st.lists(texts.map(str.encode) | broken, min_size=1).map(b"".join)
    | texts.map(lambda text: text.encode("utf-16"))
)


def check(corpus: Corpus) -> None:
    """All that is promised of a corpus holds."""
    words = corpus.words
    assert words
    assert corpus.text == "".join(f"{word}\n" for word in words)
    for word in words:
        assert word
        assert "\n" not in word
        assert word == word.strip() == unicodedata.normalize("NFC", word)
    assert parse(corpus.text.encode(), corpus.name) == corpus
    assert corpus.alphabet.characters == "".join(sorted(set("".join(words))))
    assert corpus.word_count == len(words)
    assert corpus.vocabulary == set(words)
    assert corpus.lengths == Counter(map(len, words))
    assert corpus.first == words[:4]
    distinct = list(dict.fromkeys(words))
    assert corpus.shortest == sorted(distinct, key=len)[:4]
    assert corpus.longest == sorted(distinct, key=len, reverse=True)[:4]


@given(data, st.text())
@example(f"{BOM}{BOM}a".encode(), "words")
@example(f" {BOM} {BOM}a".encode(), "words")
def test_any_bytes_are_a_corpus_or_one_line_of_error(data: bytes, name: str):
    try:
        corpus = parse(data, name)
    except MakemoreError as error:
        assert str(error).isprintable()
        assert str(error)
    else:
        check(corpus)
