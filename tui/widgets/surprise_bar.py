"""A surprise as a bar, on one scale with that of chance."""

from __future__ import annotations

import math

from textual.content import Content

from tui.widgets.bars import eighths_bar

MARK = "┃"
MOST_MULTIPLE = 4


def multiple(surprises: list[float], chance: float) -> int:
    """How many times the surprise of chance a scale reaches that has room for most of these.

    A whole number, so that the scale stands still while a network learns.
    """
    most = max(filter(math.isfinite, surprises), default=0.0)
    return min(max(2, math.ceil(most / chance)), MOST_MULTIPLE)


def parts(reach: int, width: int) -> tuple[int, int]:
    """The columns before and behind the mark of chance."""
    before = max(1, round((width - 1) / reach))
    return before, max(1, width - 1 - before)


def scale(chance: float, reach: int, width: int) -> str:
    """What stands above the bars."""
    before, _ = parts(reach, width)
    return f"{'0' if before > 1 else '':<{before}}{MARK}{chance:.1f}"


def bar(nats: float, chance: float, reach: int, width: int) -> Content:
    """The surprise `nats`, told from chance by its shape: what is beyond the mark is hatched."""
    before, behind = parts(reach, width)
    if math.isnan(nats):
        return Content()
    column = chance / before
    if nats <= chance:
        eighths = math.ceil(8 * nats / column)
        eighths = min(eighths, 8 * before - (nats < chance))
        return Content.assemble(f"{eighths_bar(eighths):<{before}}", (MARK, "dim"))
    over = behind if nats == math.inf else max(1, math.ceil((nats - chance) / column))
    hatched = "▓" * over if over <= behind else "▓" * (behind - 1) + "▶"
    if nats == math.inf:
        hatched = "▓" * (behind - 1) + "∞"
    return Content.assemble("█" * before, (MARK, "bold"), (hatched, "bold $text-warning"))
