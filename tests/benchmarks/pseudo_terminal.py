"""A program in a pseudo-terminal, with the time of every byte that it writes there."""

import os
import pty
import re
import subprocess
import termios
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

COLUMNS, LINES = 120, 40
ROOT = Path(__file__).parents[2]
PATIENCE = 60.0  # seconds
BURST = 0.015  # seconds of silence before a frame
ESCAPE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # control sequences: colours, cursor, modes
    r"|\x1b[\]P_^X].*?(?:\x07|\x1b\\)"  # strings: titles, queries
    r"|\x1b[ -/]*[0-~]",  # the rest
    re.DOTALL,
)


class PseudoTerminal:
    """A program in a terminal that nobody answers for, read by a thread as fast as it writes."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._master, slave = pty.openpty()
        termios.tcsetwinsize(slave, (LINES, COLUMNS))
        self._chunks: list[tuple[float, bytes]] = []
        self._more = threading.Condition()
        self.began = time.perf_counter()
        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, cwd=ROOT, env=environment,
            start_new_session=True,
        )  # fmt: skip
        os.close(slave)
        self._ended = False
        threading.Thread(target=self._read, daemon=True).start()

    def press(self, keys: str) -> float:
        """Press keys; when that was."""
        pressed = time.perf_counter()
        os.write(self._master, keys.encode())
        return pressed

    @property
    def mark(self) -> int:
        """A place in what was written, from which on one can wait for something."""
        return len(self._chunks)

    def until(self, pattern: str, mark: int = 0) -> float:
        """When something was painted; escape sequences are no part of it."""
        end = time.perf_counter() + PATIENCE
        text, place = "", mark
        with self._more:
            while True:
                for when, data in self._chunks[place:]:
                    place, text = place + 1, text + data.decode(errors="ignore")
                    if re.search(pattern, ESCAPE.sub("", text)):
                        return when
                if self._ended or time.perf_counter() > end:
                    tail = ESCAPE.sub("", text)[-300:]
                    raise RuntimeError(f"{pattern!r} was never painted: {tail}")
                self._more.wait(1)

    def until_still(self, seconds: float = 1.0) -> None:
        """Wait until nothing has been written for so long."""
        with self._more:
            while self._more.wait(seconds) and not self._ended:
                pass

    def written(self, seconds: float) -> tuple[int, int]:
        """The bytes, and the bursts of them, that are written in so many seconds."""
        mark = self.mark
        time.sleep(seconds)  # the period that is measured
        chunks = self._chunks[mark:]
        times = [-BURST, *(when for when, _ in chunks)]
        bursts = sum(later - when > BURST for when, later in pairwise(times))
        return sum(len(data) for _, data in chunks), bursts

    def close(self) -> None:
        """Kill the program."""
        self.process.kill()
        self.process.wait()

    def _read(self) -> None:
        while not self._ended:
            try:
                data = os.read(self._master, 1 << 16)
            except OSError:  # Linux's way to say that the other side is closed
                data = b""
            with self._more:
                self._ended = not data
                self._chunks.append((time.perf_counter(), data))
                self._more.notify()


@contextmanager
def terminal(command: Sequence[str], **environment: str) -> Iterator[PseudoTerminal]:
    """A program in a terminal of 256 colours, killed at the end."""
    inherited = {**os.environ, "TERM": "xterm-256color", **environment}
    for name in ("PYTHONDONTWRITEBYTECODE", "COLORTERM", "NO_COLOR"):
        inherited.pop(name, None)
    if "SSH_CONNECTION" not in environment:
        inherited.pop("SSH_CONNECTION", None)
    one = PseudoTerminal(command, inherited)
    try:
        yield one
    finally:
        one.close()
