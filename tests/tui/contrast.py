"""How well the texts on the screen stand out (WCAG 2.1, contrast ratio)."""

from rich.color import Color
from rich.style import Style
from textual.app import App

ENOUGH = 4.5


def luminance(colour: Color) -> float:
    """Of a colour, from 0 for black to 1 for white."""
    parts = (part / 255 for part in colour.get_truecolor())
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(style: Style) -> float:
    """Between a text and what it stands on."""
    assert style.color
    assert style.bgcolor
    low, high = sorted(map(luminance, (style.color, style.bgcolor)))
    return (high + 0.05) / (low + 0.05)


def faint(app: App[object]) -> dict[str, float]:
    """The texts in front that do not stand out enough, and by how much they do."""
    found = {}
    front = app.screen.region
    if len(app.screen_stack) > 1:
        front = max((child.region for child in app.screen.children), key=lambda one: one.area)
    for strip in app.screen._compositor.render_strips()[front.y : front.bottom]:
        for text, style, _ in strip.crop(front.x, front.right):
            if style and any(map(str.isalnum, text)) and (ratio := contrast(style)) < ENOUGH:
                found[text.strip()] = round(ratio, 2)
    return found
