"""Shades: numbers as a few steps of colour, or of shading characters where there is no colour."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from rich.color import Color
from rich.style import Style

from tui.widgets.axes import round_step

STEPS = 8
"""Of a number without a sign; one with a sign has half as many on either side of nothing."""
NARROWEST = 100
"""How many times narrower than the scale of everything one that follows the data may be."""

# All colours are entries of the 256-colour cube, so that they are the same at truecolor, at 256
# colours and inside tmux. Lightness falls or rises all the way: the order of the steps can be seen
# by those who cannot tell colours apart, and blue and orange differ for nearly everybody.
DARK = ["#00005f", "#005f87", "#008787", "#00af87", "#5fd75f", "#afd75f", "#afff87", "#ffff87"]
LIGHT = ["#ffffaf", "#afff87", "#87d787", "#5faf87", "#0087af", "#005faf", "#0000af", "#00005f"]
DARK_SIGNED = (
    ["#87d7ff", "#5fafff", "#0087d7", "#005f87"],
    ["#5f0000", "#af5f00", "#ff8700", "#ffd787"],
)
LIGHT_SIGNED = (
    ["#00005f", "#005faf", "#5fafff", "#afd7ff"],
    ["#ffd7af", "#ffaf5f", "#d75f00", "#870000"],
)
SHADES = ("░ ", "░░", "░▒", "▒▒", "▒▓", "▓▓", "▓█", "██")
SIGNED_SHADES = ("░", "▒", "▓", "█")


@dataclass(frozen=True)
class Scale:
    """From numbers to steps: 1 to `STEPS`, or -STEPS/2 to STEPS/2 with a sign; 0 is nothing."""

    low: float
    high: float
    signed: bool = False
    root: bool = False
    """Whether steps go by the square root, so that a few large numbers leave some for the rest."""

    def fitted(self, numbers: Iterable[float], before: "Scale | None" = None) -> "Scale":
        """A scale of this kind with round limits that holds all of `numbers`, and zero.

        It is not made so narrow that mere noise would look like something, and is the one of
        `before` as long as that holds the numbers and they fill a third of it.
        """
        finite = [number for number in numbers if math.isfinite(number)]
        wide = max(-self.low, self.high)
        most = max((abs(number) for number in finite), default=0.0)
        if before and before.kind == self.kind:
            reach = max(-before.low, before.high)
            if reach / 3 <= max(most, wide / NARROWEST) <= reach:
                return before
        reach = round_step(max(most, wide / NARROWEST))
        low, high = (-reach if self.low else 0.0), (reach if self.high else 0.0)
        return replace(self, low=low, high=high)

    @property
    def kind(self) -> tuple[bool, ...]:
        """What scales of different limits may have in common."""
        return self.low < 0, self.high > 0, self.signed, self.root

    def step(self, number: float) -> int:
        """The step of a number; 0 for one that is impossible, or is zero where it may be."""
        if not math.isfinite(number) or (number == 0 and self.low == 0):
            return 0
        if self.signed:
            half = STEPS // 2
            share = self._bent(min(1.0, abs(number) / self.high))
            return round(math.copysign(half * share, number))
        share = self._bent(max(0.0, (number - self.low) / (self.high - self.low)))
        return 1 + min(STEPS - 1, int(share * STEPS))

    def _bent(self, share: float) -> float:
        return math.sqrt(share) if self.root else share

    @property
    def steps(self) -> list[int]:
        """Every step, for a legend."""
        half = STEPS // 2
        return list(range(-half, half + 1)) if self.signed else list(range(1, STEPS + 1))


def colour(step: int, *, signed: bool, dark: bool) -> Style:
    """The look of a step other than 0."""
    if signed:
        below, above = DARK_SIGNED if dark else LIGHT_SIGNED
        code = below[step + STEPS // 2] if step < 0 else above[step - 1]
    else:
        code = (DARK if dark else LIGHT)[step - 1]
    # The text is black or white, whichever stands out more (WCAG 2.1, contrast ratio).
    red, green, blue = (
        (part / 255 + 0.055) ** 2.4 / 1.055**2.4 for part in Color.parse(code).get_truecolor()
    )
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    light = (luminance + 0.05) ** 2 > 0.05 * 1.05
    return Style(color="#000000" if light else "#ffffff", bgcolor=code)


def shading(step: int, *, signed: bool) -> str:
    """The two characters that stand for a step where there is no colour."""
    if step == 0:
        return "· "
    if signed:
        return ("-" if step < 0 else "+") + SIGNED_SHADES[abs(step) - 1]
    return SHADES[step - 1]


def figure(number: float, room: int) -> str:
    """A number in at most `room` characters, as exact as they allow."""
    if not math.isfinite(number):
        return "-∞" if number < 0 else "∞" if number > 0 else "?"
    texts = [f"{number:.{decimals}f}" for decimals in range(room, -1, -1)]
    texts = [text.replace("0.", ".", 1) if abs(number) < 1 else text for text in texts]
    if float(number).is_integer():
        texts = [f"{number:.0f}"]
    short = [f"{number / 1000**power:.0f}{unit}" for power, unit in enumerate("kMGTPE", 1)]
    return next((text for text in [*texts, *short] if len(text) <= room), "…")
