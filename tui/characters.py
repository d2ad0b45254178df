"""Characters: what stands for each sign of ours where a font or an encoding has ASCII alone.

Everything is drawn with the same signs, and what was drawn is put into ASCII line by line, cell for
cell. Only charts are asked to draw without braille, for which there is nothing like it.
"""

from __future__ import annotations

from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

CLASS = "-ascii"
"""Of an app that shows ASCII alone."""
STANDS_FOR = {
    "-": "─╌╍┄┅┈┉╴╶╸╺╼╾▔–—‐",
    "|": "│┃╎╏┆┇┊┋╵╷╹╻╽╿║▏▎▍▌▋▊▉▐▕",
    "=": "═━‖▅▒",
    # Bars that rise, and shades from light to dark; a whole cell ends both.
    "_": "▁␣",
    ".": "▂·",
    ":": "▃░",
    "~": "▄…⧗",
    "+": "▆✚",
    "*": "▇●•▪◦★⭑∞",
    "%": "▓",
    "#": "█■▀▖▗▘▝▙▛▜▟▚▞≠",
    "o": "○◌⭘",
    "O": "◆",
    ">": "►▶▸→❯‣",
    "<": "◄◀◂←❮",
    "^": "▲↑",
    "v": "▼↓✓",
    "x": "×✗✕",
    "!": "⚠↯",
    "/": "√",
    "2": "²",
    '"': "“”„",
    "'": "‘’",
}
WIDE = {"📁": "+ ", "📂": "- ", "📄": "  ", "🔎": "> ", "⏎": "<", "⌫": "<"}
TABLE = str.maketrans(
    {chr(code): "+" for code in range(0x2500, 0x2580)}
    | {sign: letter for letter, signs in STANDS_FOR.items() for sign in signs}
    | WIDE
)
SIGNS = frozenset(map(chr, TABLE))
INFINITE = "  ∞", "inf"
"""Where a column has room for it."""
KEYS = {"↑": "up", "↓": "down", "←": "left", "→": "right", "⏎": "enter", "⌫": "backspace"}
"""The keys that Textual shows by a sign."""


@lru_cache(4096)
def in_ascii(text: str, encoding: str = "utf-8") -> str:
    """A text, as wide as before, with our signs in ASCII.

    What is in words stays, but for what an encoding does not have.
    """
    if text.isascii():
        return text
    text = text.replace(*INFINITE).translate(TABLE)
    if text.isascii() or encoding == "utf-8":
        return text
    return "".join(one if one.encode(encoding, "ignore") else "?" * cell_len(one) for one in text)


def key_name(shown: str) -> str:
    """A key by its name, where a sign is shown for it."""
    for sign, name in KEYS.items():
        shown = shown.replace(sign, name)
    return shown


class ToAscii(LineFilter):
    """Puts what was drawn into ASCII."""

    def __init__(self, encoding: str) -> None:
        """Keep the characters of words that an encoding has."""
        super().__init__()
        self._encoding = encoding

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return segments of the same widths."""
        return [
            segment
            if segment.text.isascii()
            else Segment(in_ascii(segment.text, self._encoding), segment.style, segment.control)
            for segment in segments
        ]
