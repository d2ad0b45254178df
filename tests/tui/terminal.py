"""A program in a pseudo-terminal: what it writes there, and how it leaves it."""

import codecs
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAM = [sys.executable, "-m", "tui"]
FRAMES = 5  # more than a stalled terminal takes, so that somebody waits for it
PATIENCE = 30  # seconds without what is waited for

# How a child comes to its terminal: without one that is its own, as a service does; with the one at
# its standard output, as a login shell does; and without a word when that one hangs up.
NO_TERMINAL = "import os, sys; os.setsid()"
OWN_TERMINAL = f"{NO_TERMINAL}; import fcntl, termios; fcntl.ioctl(1, termios.TIOCSCTTY, 0)"
NO_HANGUP = f"{OWN_TERMINAL}; import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)"
SEQUENCE = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[PX^_].*?\x1b\\|.)"
)


class Terminal:
    """A program in a pseudo-terminal, and all that it has written there."""

    def __init__(
        self,
        *command: str,
        stdin: int | None = None,
        start: str = OWN_TERMINAL,
        **environment: str,
    ) -> None:
        """Start the program, with the terminal or another file for its standard input."""
        self.keys, self.screen = pty.openpty()
        self.resize(40, 120)
        self.before = termios.tcgetattr(self.screen)
        self.written = ""
        self.decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self.process = subprocess.Popen(
            [sys.executable, "-c", f"{start}; os.execvp(sys.argv[1], sys.argv[1:])", *command],
            stdin=self.screen if stdin is None else stdin,
            stdout=self.screen,
            stderr=self.screen,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", **environment},
        )

    @property
    def text(self) -> str:
        """What was written, without the sequences that the terminal obeys."""
        return SEQUENCE.sub("", self.written)

    def press(self, keys: str) -> None:
        os.write(self.keys, keys.encode())

    def mark(self) -> int:
        """The place in the text that has been reached."""
        return len(self.text)

    def until(self, pattern: str, since: int = 0) -> str:
        """Read until the text matches; what matched."""
        while not (match := re.search(pattern, self.text[since:])):
            assert self._read(), f"{pattern!r} never came:\n{self.text[-3000:]}"
        return match[0]

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self.screen, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    @property
    def picture(self) -> list[str]:
        """What is to be seen, of what a program that paints the whole screen has written."""
        rows, columns, *_ = struct.unpack(
            "HHHH", fcntl.ioctl(self.screen, termios.TIOCGWINSZ, b"\0" * 8)
        )
        cells = [[" "] * columns for _ in range(rows)]
        y = x = 0
        for piece in re.findall(rf"{SEQUENCE.pattern}|.|\n", self.written):
            if place := re.fullmatch(r"\x1b\[(\d+);(\d+)H", piece):
                y, x = int(place[1]) - 1, int(place[2]) - 1
            elif piece in ("\r", "\n"):
                y, x = y + (piece == "\n"), 0
            elif not piece.startswith("\x1b"):
                if y < rows and x < columns:
                    cells[y][x] = piece
                x += 1
        return ["".join(row) for row in cells]

    def read_on(self, seconds: float) -> None:
        """Read what comes in this time."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._read(left)

    def until_still(self) -> None:
        """Read until nothing more comes."""
        end = time.monotonic() + PATIENCE
        while self._read(0.5):
            assert time.monotonic() < end, "it never rests"

    def stall(self) -> None:
        """Read nothing more, until nothing more can be written, and some frames longer."""
        stalled = 0
        for row in range(40, 40 + 10 * PATIENCE):
            self.resize(row, 200)
            self.signal(signal.SIGWINCH)  # the system tells it only if the terminal is its own
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(0.1)
            stalled += not select.select([], [self.screen], [], 0.1)[1]
            if stalled == FRAMES:
                return
        raise AssertionError("it never stalled")

    def waits_for(self, condition: Callable[[], bool]) -> None:
        """Let the program run, unread, until the condition holds."""
        end = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < end, "it never came"
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(0.1)

    def hang_up(self) -> None:
        """Go away, as a terminal's window that is closed."""
        os.close(self.keys)
        self.keys = -1

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def until_written(self, sequence: str) -> None:
        """Read until this has come, which the terminal may obey."""
        while sequence not in self.written:
            assert self._read(), f"{sequence!r} never came:\n{self.text[-3000:]}"

    def ends(self, patience: float = PATIENCE, *, reading: bool = True) -> int:
        """Wait until the program and all that it began have ended; its exit status."""
        end = time.monotonic() + patience
        while self.process.poll() is None and time.monotonic() < end:
            if reading:
                self._read(0.1)
            else:
                with suppress(subprocess.TimeoutExpired):
                    self.process.wait(0.1)
        while self.keys >= 0 and self._read(0.1):
            pass
        assert self.process.poll() is not None, f"it has not ended:\n{self.text[-3000:]}"
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, 0)
            raise AssertionError("a process is left behind")
        return self.process.returncode

    def _read(self, patience: float = PATIENCE) -> bool:
        ready, _, _ = select.select([self.keys], [], [], patience)
        if not ready:
            return False
        with suppress(OSError):
            self.written += self.decode(os.read(self.keys, 65536))
            return True
        return False

    def check_that_it_is_as_before(self) -> None:
        """The terminal is left as it was found."""
        assert termios.tcgetattr(self.screen) == self.before
        left = dict(re.findall(r"\x1b\[\?([\d;]+)([hl])", self.written))
        assert left["1049"] == "l", "the alternate screen"
        assert left["25"] == "h", "the cursor"
        assert left["2004"] == "l", "bracketed paste"
        mouse = [left[mode] for mode in ("1000", "1002", "1003", "1006", "1015") if mode in left]
        assert mouse
        assert set(mouse) == {"l"}, "the mouse"
        keyboard = re.findall(r"\x1b\[([<>])[\d;]*u", self.written)
        assert keyboard.count("<") == keyboard.count(">"), "the keyboard protocol"
        assert "Traceback" not in self.text


@contextmanager
def terminal(
    *command: str, stdin: int | None = None, start: str = OWN_TERMINAL, **environment: str
) -> Iterator[Terminal]:
    """A program in a terminal; killed if it has not ended."""
    one = Terminal(*command, stdin=stdin, start=start, **environment)
    try:
        yield one
    finally:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()
        for file in (one.keys, one.screen):
            if file >= 0:
                os.close(file)
