import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.alphabet import BOUNDARY, Alphabet, label, normalise, visible
from model.errors import MakemoreError


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


@given(st.text(st.characters(exclude_categories=["C", "Z"])))
def test_printable_text_is_shown_as_it_is(text: str):
    assert visible(text) == text


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
