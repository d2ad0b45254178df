"""Characters <-> tokens."""

import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from model.errors import MakemoreError

MOST_FILLED = 9  # tokens of a context that is shown with all boundaries that fill it up
BOUNDARY = 0  # the token before and after every word, the notebook's "."

CIRCLE = "\u25cc"  # what Unicode's charts show a mark on that stands alone
UNSEEN = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0\U0001d159"
).union(map(chr, range(0xFE00, 0xFE10)), map(chr, range(0xE0100, 0xE01F0)))
"""Letters, marks and symbols that Python calls printable, and nobody can see."""
JOINING = frozenset(
    map(chr, [*range(0x1161, 0x1200), *range(0xD7B0, 0xD7FC), *range(0x1F3FB, 0x1F400)])
)
"""What joins the character before it and is no mark: Hangul's parts of syllables, skin tones."""


_encoding: str | None = None
"""What is shown is limited to; None for all of Unicode."""
_besides: Collection[str] = ()
"""What is shown all the same."""


@dataclass(frozen=True)
class Alphabet:
    """The distinct characters of a corpus, in the order of their code points.

    Token 0 is the boundary, by construction; token i is `characters[i - 1]`. The boundary is no
    character, so that a word may hold a real ".".
    """

    characters: str

    @classmethod
    def of(cls, characters: Iterable[str]) -> "Alphabet":
        """The alphabet of some characters, each of which may occur more than once."""
        return cls("".join(sorted(set(characters))))

    def __len__(self) -> int:
        """The number of tokens: the characters and the boundary."""
        return 1 + len(self.characters)

    def __contains__(self, character: object) -> bool:
        return character in self._tokens

    @cached_property
    def _tokens(self) -> dict[str, int]:
        return {character: token for token, character in enumerate(self.characters, start=1)}

    def encode(self, text: str) -> list[int]:
        """The token of each character of `text`.

        Raises:
            MakemoreError: a character is not in the alphabet.
        """
        try:
            return [self._tokens[character] for character in text]
        except KeyError as error:
            raise MakemoreError(
                f"'{visible(error.args[0])}' in '{visible(text)}' is not in the corpus's alphabet "
                f"of {len(self.characters)} characters; use characters of the corpus"
            ) from None

    def decode(self, tokens: Iterable[int]) -> str:
        """The characters of `tokens`, none of which is the boundary."""
        return "".join(self.characters[token - 1] for token in tokens)

    def label(self, token: int) -> str:
        """How a token is shown: the boundary as "."."""
        return "." if token == BOUNDARY else label(self.characters[token - 1])

    def labels(self, tokens: Iterable[int]) -> str:
        """The labels of several tokens, such as a context, in one string."""
        return "".join(map(self.label, tokens))

    def context_label(self, tokens: Sequence[int]) -> str:
        """How a context is shown: of the boundaries that fill up a long one, the last stands."""
        if len(tokens) > MOST_FILLED:
            filled = next((n for n, token in enumerate(tokens) if token), len(tokens))
            tokens = tokens[max(0, filled - 1) :]
        return self.labels(tokens)


def label(character: str) -> str:
    r"""How a character is shown beside the boundary's ".": a real "." as "\.", a blank as "␣".

    No label melts into what stands before it: a mark is shown on a dotted circle.
    """
    if character in ".\\":
        return "\\" + character
    return "␣" if character == " " else visible(character)


def normalise(text: str) -> str:
    """`text` in Unicode's composed form NFC, so that each accented letter is one character."""
    return unicodedata.normalize("NFC", text)


def show_in(encoding: str, besides: Collection[str] = ()) -> None:
    """Let `visible` spell out what an encoding has no character for, from now on.

    Args:
        encoding: Python's name of it.
        besides: what others see to that it can be shown.
    """
    global _encoding, _besides
    _encoding, _besides = (None if encoding == "utf-8" else encoding), besides


def visible(text: str) -> str:
    r"""`text` with everything that a terminal would obey, or not show, spelled out.

    Control characters become their pictures (U+241B for escape); other characters of the Unicode
    categories "other", line and paragraph separators and whatever looks like nothing become
    escapes such as `\u202e`. Plain spaces stay. A mark with no letter before it that it could be
    shown on is shown on a dotted circle.
    """
    if text.isprintable() and (
        text.isascii()
        or (not _encoding and UNSEEN.isdisjoint(text) and not _joins_the_one_before(text[0]))
    ):
        return text
    return "".join(spelled(text))


def spelled(text: str) -> list[str]:
    """What `visible` shows for each character of `text`."""
    shown: list[str] = []
    carried = False  # whether there is something before that a mark can be shown on
    for character in text:
        spelling = _spelling(character)
        as_it_is = spelling == character
        if as_it_is and not carried and _joins_the_one_before(character):
            spelling = CIRCLE + character
        shown.append(spelling)
        carried = as_it_is
    return shown


def _spelling(character: str) -> str:
    code = ord(character)
    shown = character.isprintable() and character not in UNSEEN
    if shown and character in _besides:
        return character
    if _encoding and not (shown and character.encode(_encoding, "ignore")):
        return ascii(character)[1:-1]
    if shown:
        return character
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _joins_the_one_before(character: str) -> bool:
    """Whether a terminal shows a character in the cell of the one before it."""
    return unicodedata.category(character)[0] == "M" or character in JOINING
