"""Signs in ASCII: as wide as before, and words as they were."""

from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len

from model.alphabet import show_in, visible
from tui.characters import SIGNS, in_ascii


@given(st.text(st.characters(exclude_categories=["C", "M"]) | st.sampled_from(sorted(SIGNS))))
@example("nats    ∞")
@example("📁 日本")
def test_every_text_stays_as_wide(text: str):
    assert cell_len(in_ascii(text)) == cell_len(text)
    assert in_ascii(text, "ascii").isascii()
    assert cell_len(in_ascii(text, "ascii")) == cell_len(text)


@given(st.text(st.sampled_from(sorted(SIGNS))))
def test_no_sign_is_left(text: str):
    assert in_ascii(text).isascii()


def test_words_stay():
    assert in_ascii("zoë · Łódź") == "zoë . Łódź"
    assert in_ascii("zoë · Łódź", "iso8859-1") == "zoë . ?ód?"


def test_shades_and_bars_stay_in_their_order():
    assert len({in_ascii(shade) for shade in ["·", "░", "▒", "▓", "█"]}) == 5
    assert len({in_ascii(level) for level in "▁▂▃▄▅▆▇█"}) == 8


@given(st.text())
def test_what_is_spelled_out_is_in_the_encoding(text: str):
    show_in("iso8859-1", besides=SIGNS)
    shown = visible(text)
    assert set(shown) <= SIGNS | {chr(code) for code in range(256)}
    assert shown.isprintable()
