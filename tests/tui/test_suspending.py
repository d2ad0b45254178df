"""The real program as a job of a shell: stopped, continued, and ended while it is stopped."""

import os
import re
import shlex
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from terminal import PROGRAM, Terminal, terminal
from workbench import ENDLESS, remember

SHELL = ["bash", "--norc", "--noprofile", "--noediting", "-i"]
# After which the shell tells how the job has ended, as before every prompt.
UNTIL_GONE = "while kill -0 %1 2>&-; do sleep .1; done"
CTRL_Z = "\x1a"
PROMPT = r"\$ "
STOPPED = rf"(?s)Stopped.*{PROMPT}"


@pytest.fixture
def shell(words_file: Path) -> Iterator[Terminal]:
    """A shell with job control, in which the program has a run going."""
    remember(ENDLESS)
    job = shlex.join([*PROGRAM, str(words_file)])
    with terminal(*SHELL, PS1="$ ") as one:
        one.press(f"sh -c 'echo process=$$; exec {job}'\n")
        one.until(r"floor +\d\.\d{4}")
        one.press(" ")
        one.until("running")
        yield one


def process(one: Terminal) -> int:
    return int(one.until(r"process=\d+").partition("=")[2])


def steps(one: Terminal, since: int = 0) -> int:
    shown = one.until(r"(\d[\d,]*)/1,000,000", since)
    return int(shown.partition("/")[0].replace(",", ""))


def stop(one: Terminal, how: str) -> None:
    """Stop the program, and wait for the shell to be told."""
    mark = one.mark()
    if how == "key":
        one.press(CTRL_Z)
    else:
        os.kill(process(one), signal.SIGTSTP)
    one.until(STOPPED, mark)


def quit_program(one: Terminal) -> None:
    mark = one.mark()
    one.press("q")
    one.until(PROMPT, mark)


def leave(one: Terminal) -> None:
    """Quit the shell."""
    one.press("exit\n")
    one.ends()
    one.check_that_it_is_as_before()


@pytest.mark.parametrize("how", ["key", "signal"])
def test_a_stopped_program_leaves_the_terminal_and_comes_back(how: str, shell: Terminal):
    before = steps(shell)
    stop(shell, how)
    shell.check_that_it_is_as_before()
    for _ in range(2):
        mark = shell.mark()
        shell.press("fg\n")
        shell.until("1 Dataset", mark)
        shell.until("running", mark)
        assert steps(shell, mark) >= before
        stop(shell, how)
    mark = shell.mark()
    shell.press("fg; echo code=$?\n")
    shell.until("running", mark)
    quit_program(shell)
    shell.until("code=0", mark)
    leave(shell)


def test_a_form_can_be_left_for_the_shell_as_well(shell: Terminal):
    shell.press("e")
    shell.until("learning rate")
    stop(shell, "key")
    shell.check_that_it_is_as_before()
    mark = shell.mark()
    shell.press("fg\n")
    shell.until("learning rate", mark)
    shell.press("\x11")
    shell.until(PROMPT, mark)
    leave(shell)


@pytest.mark.parametrize("continued", ["", "bg; "])
@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
def test_a_stopped_program_ends_without_touching_the_shells_terminal(
    number: signal.Signals, continued: str, shell: Terminal
):
    stop(shell, "key")
    written = len(shell.written)
    name = number.name.removeprefix("SIG")
    shell.press(f"{continued}kill -{name} %1; kill -CONT %1; {UNTIL_GONE}\n")
    assert shell.until(r"Exit \d+") == f"Exit {128 + number}"
    assert not re.search(r"\x1b\[", shell.written[written:])
    leave(shell)


def test_a_stop_without_notice_is_made_good_afterwards(shell: Terminal):
    mark = shell.mark()
    os.kill(process(shell), signal.SIGSTOP)
    shell.until(STOPPED, mark)
    mark = shell.mark()
    shell.press("fg\n")
    shell.until("1 Dataset", mark)
    quit_program(shell)
    leave(shell)


def test_a_program_that_is_stopped_without_notice_ends_in_the_background(shell: Terminal):
    mark = shell.mark()
    os.kill(process(shell), signal.SIGSTOP)
    shell.until(STOPPED, mark)
    shell.press(f"kill %1; {UNTIL_GONE}\n")
    assert shell.until(r"Exit \d+") == "Exit 143"
    leave(shell)


def test_a_program_that_begins_in_the_background_waits_for_the_terminal(words_file: Path):
    with terminal(*SHELL, PS1="$ ") as one:
        one.press(f"{shlex.join([*PROGRAM, str(words_file)])} &\n")
        one.press("fg; echo status=$?\n")
        one.until(r"floor +\d\.\d{4}")
        one.press("q")
        one.until("status=0")
        leave(one)


def test_without_a_shell_nothing_stops(words_file: Path):
    remember(ENDLESS)
    with terminal(*PROGRAM, str(words_file)) as one:
        one.until(r"floor +\d\.\d{4}")
        mark = one.mark()
        one.press(CTRL_Z)
        one.until("1 Dataset", mark)
        one.press("q")
        assert one.ends() == 0
        one.check_that_it_is_as_before()
