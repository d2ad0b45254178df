import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from model.alphabet import BOUNDARY, Alphabet, label, normalise, spelled, visible
from model.corpus import load
from model.errors import MakemoreError

UNSEEN = (
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\ufe00\ufe0f\uffa0\U0001d159"
    "\U000e0100\U000e01ef"
)
"""Printable to Python, and looking like nothing."""
JOINING = "\u0301\u20dd\u05b7\u0e31\u093e\u094d\u1161\u11ab\ud7cb\U0001f3fd"
"""Shown with the character before: marks, parts of a Hangul syllable, a skin tone."""


def test_the_boundary_is_token_0_and_no_character():
    alphabet = Alphabet.of("emma")
    assert BOUNDARY == 0
    assert alphabet.encode("aem") == [1, 2, 3]
    assert len(alphabet) == 4
    assert "." not in alphabet


def test_characters_that_sort_below_a_dot_come_after_the_boundary():
    alphabet = Alphabet.of("a.-' \t")
    assert alphabet.encode("\t '-.a") == [1, 2, 3, 4, 5, 6]


@given(st.text())
def test_the_tokens_are_in_the_order_of_the_code_points(text: str):
    alphabet = Alphabet.of(text)
    assert alphabet.characters == "".join(sorted(set(text)))
    assert alphabet.encode(alphabet.characters) == list(range(1, len(alphabet)))


@given(st.text())
def test_decoding_undoes_encoding(text: str):
    alphabet = Alphabet.of(text)
    assert alphabet.decode(alphabet.encode(text)) == text
    assert all(character in alphabet for character in text)


def test_an_unknown_character_is_an_error_that_shows_it():
    with pytest.raises(MakemoreError) as error:
        Alphabet.of("emma").encode("em\x1bma")
    assert "\u241b" in str(error.value)
    assert str(error.value).isprintable()


def test_a_real_dot_is_shown_unlike_the_boundary():
    alphabet = Alphabet.of("a.\\")
    assert alphabet.label(BOUNDARY) == "."
    assert alphabet.labels([BOUNDARY, *alphabet.encode(".a\\")]) == ".\\.a\\\\"
    assert label("a") == "a"


@given(st.text())
def test_normalising_composes_and_does_it_once(text: str):
    assert normalise(text) == unicodedata.normalize("NFC", text) == normalise(normalise(text))


@given(st.text() | st.text(st.characters(categories=["Cc", "Cf", "Cs", "Zs", "Zl", "Zp"])))
def test_visible_text_holds_nothing_that_a_terminal_obeys(text: str):
    assert visible(text).isprintable()


@given(st.text(st.characters(categories=["L", "N", "P", "S"], exclude_characters=UNSEEN)))
def test_printable_text_is_shown_as_it_is(text: str):
    assert visible(f"a{text}") == f"a{text}"


@given(st.text(st.characters() | st.sampled_from(UNSEEN + JOINING)))
def test_text_is_spelled_out_character_by_character_and_once(text: str):
    letters = spelled(text)
    assert len(letters) == len(text)
    assert all(letters)
    assert "".join(letters) == visible(text) == visible(visible(text))


@pytest.mark.parametrize("character", UNSEEN, ids=ascii)
def test_what_looks_like_nothing_is_spelled_out(character: str):
    escape = ascii(character)[1:-1]
    assert visible(f"a{character}b") == f"a{escape}b"
    assert label(character) == escape


@pytest.mark.parametrize("mark", JOINING, ids=ascii)
def test_a_mark_with_no_letter_before_it_is_shown_on_a_dotted_circle(mark: str):
    assert label(mark) == visible(mark) == f"\u25cc{mark}"
    assert visible(f"{mark}{mark}a") == f"\u25cc{mark}{mark}a"
    assert visible(f"a\u200b{mark}") == f"a\\u200b\u25cc{mark}"
    assert visible(f"a{mark}{mark}") == f"a{mark}{mark}"


def test_every_label_has_a_width_of_its_own():
    for code in range(sys.maxunicode + 1):
        shown = label(chr(code))
        assert shown.isprintable()
        assert cell_len(shown) > 0, f"U+{code:04X} is shown in no column"


def test_labels_side_by_side_are_as_wide_as_one_by_one():
    alphabet = Alphabet.of(UNSEEN + JOINING + "a.\u6f22\x1b")
    tokens = range(len(alphabet))
    assert cell_len(alphabet.labels(tokens)) == sum(
        cell_len(alphabet.label(each)) for each in tokens
    )


def test_words_of_a_script_that_needs_marks_are_shown_as_they_are():
    words = load("hindi-last-names").words
    marked = [word for word in words if any(unicodedata.combining(one) for one in word)]
    assert len(marked) > 30
    assert list(map(visible, words)) == words


@pytest.mark.parametrize(
    ("hidden", "shown"),
    [
        ("\x1b[31m", "\u241b[31m"),
        ("\x00\n\x7f", "\u2400\u240a\u2421"),
        ("\x9b", "\\u009b"),
        ("\u202e\u00a0", "\\u202e\\u00a0"),
        ("\U000e0001", "\\U000e0001"),
        ("a b", "a b"),
    ],
)
def test_what_a_terminal_obeys_is_spelled_out(hidden: str, shown: str):
    assert visible(hidden) == shown
