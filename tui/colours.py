"""Colours that can be read: those of a theme, moved until texts stand out from what is behind."""

from __future__ import annotations

from rich.console import Console
from textual.color import BLACK, WHITE, Color

ENOUGH = 4.6
"""The contrast that texts need is 4.5 (WCAG 2.1, level AA); a terminal may round."""
TEXTS = ("primary", "secondary", "warning", "error", "success", "accent")
GROUNDS = ("background", "surface", "panel")
SHARES = [share / 20 for share in range(21)]
SEEN = 0.87
"""Of black or white, that texts on a cursor are written in."""


def few_colours(console: Console) -> bool:
    """Whether a terminal has 16 colours or fewer."""
    return console.color_system not in ("256", "truecolor")


def luminance(colour: Color) -> float:
    """From 0 for black to 1 for white."""
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in colour.normalized
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Color, other: Color) -> float:
    """Between two colours, from 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def legible(variables: dict[str, str], *, dark: bool) -> dict[str, str]:
    """The variables of a theme that have to differ from the theme's own."""
    grounds = [Color.parse(variables[name]).rgb for name in GROUNDS]
    behind = [Color(*rgb) for rgb in grounds]
    end = WHITE if dark else BLACK
    changed: dict[str, str] = {}
    for name in (*(f"text-{text}" for text in TEXTS), "footer-key-foreground"):
        colour = Color(*Color.parse(variables[name]).rgb)
        moved = (colour.blend(end, share) for share in SHARES)
        changed[name] = next(
            one.hex for one in moved if min(contrast(one, each) for each in behind) >= ENOUGH
        )
    cursor = Color(*Color.parse(variables["block-cursor-background"]).rgb)
    text = cursor.get_contrast_text(1)
    away = BLACK if luminance(text) > luminance(cursor) else WHITE
    moved = (cursor.blend(away, share) for share in SHARES)
    changed["block-cursor-background"] = next(
        one.hex for one in moved if contrast(one, one.blend(text, SEEN)) >= ENOUGH
    )
    return changed
