"""What is in a file -> its words, a line each."""

import re
from collections.abc import Iterator

from model.alphabet import normalise

BLOCK = 1 << 20  # characters that are taken apart at once

_BEFORE_THE_WORDS = re.compile("[\\s\\ufeff]*")
_LAST_BLANK = 0x3000  # so that a million characters need not be asked
_BLANKS = tuple(
    blank for blank in map(chr, range(1 + _LAST_BLANK)) if blank.isspace() and blank != "\n"
)


def is_before_words(data: bytes) -> bool:
    """Whether whole lines at the beginning of a file hold no word, nor any bad byte."""
    return _BEFORE_THE_WORDS.fullmatch(data.decode(errors="replace")) is not None


def clean(data: bytes, *, beginning: bool) -> str:
    """The words in whole lines of a file, in NFC, each followed by a line feed, and blank lines.

    What two pieces of a file hold, cut at a line feed, is what the whole holds: no character
    composes with a line feed, and nothing beyond one is looked at.

    Args:
        data: the lines, UTF-8.
        beginning: whether no word of the file comes before them.

    Raises:
        UnicodeDecodeError: the data is not UTF-8.
    """
    text = data.decode()
    if beginning:
        text = _BEFORE_THE_WORDS.sub("", text, count=1)
    text = normalise(text)
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    if text and not text.endswith("\n"):
        text += "\n"
    # Most texts have no blanks at the ends of lines, which this finds out ten times faster than
    # stripping them would.
    if any(blank in text and _is_at_an_end(blank, text) for blank in _BLANKS):
        text = "".join(map(_strip_lines, blocks(text)))
    return text


def without_blank_lines(text: str) -> str:
    """What was cleaned, without its blank lines."""
    if "\n\n" not in text and text[:1] != "\n":
        return text
    return "".join(f"{line}\n" for block in blocks(text) for line in block.split("\n") if line)


def blocks(text: str, size: int = BLOCK) -> Iterator[str]:
    """A text whose last line is ended by a line feed, some whole lines at a time.

    Each but the last is cut after the first line that makes it have at least `size` characters.
    """
    start = 0
    while start < len(text):
        end = text.find("\n", min(start + size, len(text)) - 1) + 1
        yield text[start:end]
        start = end


def _is_at_an_end(blank: str, text: str) -> bool:
    """Whether a line begins or ends with a blank."""
    return text[0] == blank or f"{blank}\n" in text or f"\n{blank}" in text


def _strip_lines(block: str) -> str:
    return "".join(f"{line.strip()}\n" for line in block[:-1].split("\n"))
