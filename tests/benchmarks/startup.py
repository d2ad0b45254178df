"""Start-up: from the command to the first painted frame, in a pseudo-terminal."""

import os
import pty
import re
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

from tests.benchmarks.core import Row, alternate, duration, ratio

OURS = [sys.executable, "-m", "tui"]
EMPTY = [sys.executable, "-c", "from textual.app import App; App().run()"]
COLUMNS, LINES = 120, 40
ROOT = Path(__file__).parents[2]

ESCAPE = re.compile(
    rb"\x1b\[[0-?]*[ -/]*[@-~]"  # control sequences: colours, cursor, modes
    rb"|\x1b[\]P_^X].*?(?:\x07|\x1b\\)"  # strings: titles, queries
    rb"|\x1b[ -/]*[0-~]",  # the rest
    re.DOTALL,
)


def rows(_names: Path) -> Iterator[Row]:
    """Our app against an app of Textual's without anything in it."""
    ours, empty = alternate(
        # Half a screen of cells is a frame. Ours must show something in it besides.
        lambda: _first_frame(OURS, cells=COLUMNS * LINES // 2, visible=100),
        lambda: _first_frame(EMPTY, cells=COLUMNS * LINES // 2, visible=0),
        rounds=9,
    )
    yield Row(
        "first painted frame (the plain way: an empty Textual app)",
        duration(ours),
        duration(empty),
        f"{ratio(ours / empty)} times as long",
        "at most 1.5",
    )


def _first_frame(command: list[str], cells: int, visible: int) -> float:
    """Seconds until so many cells are written, and so many of them are not blank.

    Nobody answers what the program asks its terminal.
    """
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (LINES, COLUMNS))
    environment = {**os.environ, "TERM": "xterm-256color"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # neither side compiles at every start
    began = perf_counter()
    process = subprocess.Popen(
        command, stdin=slave, stdout=slave, stderr=slave, cwd=ROOT, env=environment,
        start_new_session=True,
    )  # fmt: skip
    os.close(slave)
    output, text = b"", ""
    try:
        while data := _read(master):
            output += data
            seconds = perf_counter() - began
            text = ESCAPE.sub(b"", output).decode(errors="ignore")
            written = "".join(character for character in text if character.isprintable())
            if len(written) >= cells and len(written.replace(" ", "")) >= visible:
                return seconds
    finally:
        process.kill()
        process.wait()
        os.close(master)
    raise RuntimeError(f"{command} ended before its first frame: {text.strip()[-300:]}")


def _read(master: int) -> bytes:
    try:
        return os.read(master, 1 << 16)
    except OSError:  # Linux's way to say that the other side is closed
        return b""
