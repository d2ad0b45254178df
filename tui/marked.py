"""Words of two models, the draw marked at which they part."""

from collections.abc import Sequence

from rich.cells import cell_len
from rich.text import Text

from model.alphabet import label, spelled, visible

LONGEST = 40  # columns of a word


def marked(word: str, place: int | None, width: int = LONGEST) -> Text:
    """A word in so many columns; the draw at `place`, if there is one, stands out and is seen."""
    if place is None:
        text = Text(visible(word)) if word else Text("(empty)", "dim")
    else:
        # The end of a word is a draw as well, and is shown as the boundary.
        drawn = "▸" + (label(word[place]) if place < len(word) else ".")
        letters = spelled(word)
        after = "".join(letters[place + 1 :])
        before = end_of(letters[:place], width - cell_len(drawn) - bool(after))
        text = Text.assemble(before, (drawn, "reverse"), after)
    text.truncate(width, overflow="ellipsis")
    return text


def end_of(letters: Sequence[str], width: int) -> str:
    """As many of the last letters as fit into so many columns, and a sign that there are more."""
    text = "".join(letters)
    if cell_len(text) <= width:
        return text
    first, room = len(letters), width - 1
    while first and (room := room - cell_len(letters[first - 1])) >= 0:
        first -= 1
    while first < len(letters) and not cell_len(letters[first]):  # a mark without its letter
        first += 1
    return "…" + "".join(letters[first:])
