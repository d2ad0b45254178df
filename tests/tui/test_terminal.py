"""The real program in a real terminal: from start to quit, and what it leaves behind."""

import codecs
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from workbench import ENDLESS, QUICK, remember

from model import __version__

ROOT = Path(__file__).parents[2]
PROGRAM = [sys.executable, "-m", "tui"]
PATIENCE = 30  # seconds without what is waited for

# Gives the child the terminal at its standard output for its own, as a login shell does.
OWN_TERMINAL = (
    "import fcntl, os, sys, termios; os.setsid(); fcntl.ioctl(1, termios.TIOCSCTTY, 0);"
    "os.execv(sys.argv[1], sys.argv[1:])"
)
SEQUENCE = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[PX^_].*?\x1b\\|.)"
)


class Terminal:
    """A program in a pseudo-terminal, and all that it has written there."""

    def __init__(self, *command: str, stdin: int | None = None, **environment: str) -> None:
        """Start the program, with the terminal or another file for its standard input."""
        self.keys, self.screen = pty.openpty()
        fcntl.ioctl(self.screen, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        self.before = termios.tcgetattr(self.screen)
        self.written = ""
        self.decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self.process = subprocess.Popen(
            [sys.executable, "-c", OWN_TERMINAL, *command],
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

    def ends(self) -> int:
        """Read until the program ends; its exit status."""
        for _ in range(10 * PATIENCE):
            if self.process.poll() is not None:
                break
            self._read(0.1)
        while self._read(0.1):
            pass
        assert self.process.poll() is not None, f"it has not ended:\n{self.text[-3000:]}"
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
def terminal(*command: str, stdin: int | None = None, **environment: str) -> Iterator[Terminal]:
    """A program in a terminal; killed if it has not ended."""
    one = Terminal(*command, stdin=stdin, **environment)
    try:
        yield one
    finally:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()
        os.close(one.keys)
        os.close(one.screen)


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdin=subprocess.DEVNULL,
        timeout=PATIENCE,
    )


def test_from_start_to_quit(words_file: Path):
    remember(QUICK)
    with terminal(*PROGRAM, str(words_file)) as one:
        one.until(r"floor +\d\.\d{4}")
        one.press("f ")
        one.until(r"finished")
        one.until(r"\b100\b.*\d\.\d{4}")
        mark = one.mark()
        one.press("g")
        one.until(r"\bnew\b", mark)
        one.press("q")
        assert one.ends() == 0
        one.check_that_it_is_as_before()


@pytest.mark.parametrize("keys", ["q", "\x11"])
def test_quitting_in_the_middle_of_a_run(keys: str, words_file: Path):
    remember(ENDLESS)
    with terminal(*PROGRAM, str(words_file)) as one:
        one.until(r"floor +\d\.\d{4}")
        one.press("f ")
        one.until(r"running")
        one.press(keys)
        assert one.ends() == 0
        one.check_that_it_is_as_before()


def test_quitting_while_a_pipe_is_still_silent(tmp_path: Path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with terminal(*PROGRAM, str(pipe)) as one:
        one.until("loading")
        one.press("q")
        assert one.ends() == 0
        one.check_that_it_is_as_before()


def test_words_come_from_standard_input_and_keys_from_the_terminal(words_file: Path):
    with words_file.open() as words, terminal(*PROGRAM, "-", stdin=words.fileno()) as one:
        one.until(r"standard input")
        one.until(r"floor +\d\.\d{4}")
        one.press("q")
        assert one.ends() == 0
        one.check_that_it_is_as_before()


def test_words_come_through_a_pipe():
    read, write = os.pipe()
    os.write(write, b"anna\nemma\n")
    os.close(write)
    try:
        with terminal(*PROGRAM, "-", stdin=read) as one:
            one.until(r"floor +\d\.\d{4}")
            one.press("q")
            assert one.ends() == 0
            one.check_that_it_is_as_before()
    finally:
        os.close(read)


def test_a_wrong_standard_input_is_told_without_a_screen():
    with terminal(*PROGRAM, "-", stdin=os.open(os.devnull, os.O_RDONLY)) as one:
        assert one.ends() == 1
        assert "standard input" in one.text
        assert "\x1b[?1049h" not in one.written
        assert "Traceback" not in one.text


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["--help"], 0, "CORPUS"),
        (["-h"], 0, "CORPUS"),
        (["--version"], 0, __version__),
        (["--no-such-option"], 2, "no-such-option"),
        (["one.txt", "two.txt"], 2, "two.txt"),
    ],
)
def test_the_command_line(arguments: list[str], status: int, says: str):
    done = run(*PROGRAM, *arguments)
    assert done.returncode == status
    assert says in (done.stdout if status == 0 else done.stderr)
    assert (done.stderr if status == 0 else done.stdout) == ""


def test_neither_torch_nor_plotext_is_imported_before_the_first_frame():
    code = "import sys, tui.app; print(sorted({'torch', 'plotext', 'faker'} & set(sys.modules)))"
    done = run(sys.executable, "-c", code)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_fewer_frames_are_drawn_over_ssh():
    code = "import tui.app; print(tui.app.FRAMES_PER_SECOND)"
    here = run(sys.executable, "-c", code)
    far = run(sys.executable, "-c", code, SSH_CONNECTION="192.0.2.1 1 192.0.2.2 22")
    assert float(far.stdout) <= 4 < float(here.stdout)
