"""Words of two models, the draw marked at which they part."""

from rich.cells import cell_len
from rich.text import Text

from model.alphabet import label, visible

LONGEST = 40  # columns of a word


def marked(word: str, place: int | None, width: int = LONGEST) -> Text:
    """A word in so many columns; the draw at `place`, if there is one, stands out and is seen."""
    if place is None:
        text = Text(visible(word)) if word else Text("(empty)", "dim")
    else:
        # The end of a word is a draw as well, and is shown as the boundary.
        drawn = "▸" + (label(word[place]) if place < len(word) else ".")
        before, after = visible(word[:place]), visible(word[place + 1 :])
        room = width - cell_len(drawn) - bool(after)
        if cell_len(before) > room:
            while before and cell_len(before) >= room:
                before = before[1:]
            before = "…" + before
        text = Text.assemble(before, (drawn, "reverse"), after)
    text.truncate(width, overflow="ellipsis")
    return text
