"""Start-up: from the command to the first painted frame, in a pseudo-terminal."""

import sys
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.core import Row, alternate, duration, ratio
from tests.benchmarks.pseudo_terminal import COLUMNS, LINES, terminal

OURS = [sys.executable, "-m", "tui"]
EMPTY = [sys.executable, "-c", "from textual.app import App; App().run()"]


def rows(_names: Path) -> Iterator[Row]:
    """Our app against an app of Textual's without anything in it."""
    # Half a screen of cells is a frame. Ours must show something in it besides.
    ours, empty = alternate(
        lambda: _first_frame(OURS, r"(\S[^\S]*){100}"),
        lambda: _first_frame(EMPTY, ""),
        rounds=15,
    )
    yield Row(
        "first painted frame (the plain way: an empty Textual app)",
        duration(ours),
        duration(empty),
        f"{ratio(ours / empty)} times as long",
        "at most 1.3",
    )


def _first_frame(command: list[str], visible: str) -> float:
    """Seconds until half a screen of cells is written, in which something is visible."""
    with terminal(command) as one:
        cells = COLUMNS * LINES // 2
        return one.until(rf"(?s)(?=.{{{cells}}}){visible}") - one.began
