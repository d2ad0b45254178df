"""The real program in a real terminal: from start to quit, and what it leaves behind."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from terminal import PATIENCE, PROGRAM, ROOT, terminal
from workbench import ENDLESS, QUICK, remember

from model import __version__


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


def test_quitting_before_there_is_a_picture(words_file: Path):
    with terminal(*PROGRAM, str(words_file)) as one:
        one.press("q")
        assert one.ends() == 0
        assert "Traceback" not in one.text
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


SSH = {"SSH_CONNECTION": "192.0.2.1 1 192.0.2.2 22"}


@pytest.mark.parametrize(
    ("options", "environment", "low"),
    [
        ([], {}, False),
        ([], SSH, True),
        (["--low-bandwidth"], {}, True),
        (["--no-low-bandwidth"], SSH, False),
    ],
    ids=["here", "over SSH", "as asked here", "as asked over SSH"],
)
def test_a_low_bandwidth_is_said(
    options: list[str], environment: dict[str, str], low: bool, words_file: Path
):
    with terminal(*PROGRAM, *options, str(words_file), **environment) as one:
        one.until(r"floor +\d\.\d{4}")
        assert ("low bandwidth" in one.text) is low
        one.press("q")
        assert one.ends() == 0
