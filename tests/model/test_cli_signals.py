"""`makemore train` ends in order, whatever ends it, and wherever its lines go."""

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from command_line import ROOT
from trainers import (
    ENDLESS,
    MAKEMORE,
    check_that_it_goes_on_as_if_undisturbed,
    ends,
    foreground,
    only_run,
    run_process,
    stored,
    until_step,
    words_file,
)
from viewers import PATIENCE, wait_until

from model.runs import resume_command
from model.session import Phase

SIGNALS = [signal.SIGHUP, signal.SIGTERM, signal.SIGINT]
TERMINAL_OF_ITS_OWN = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(1, termios.TIOCSCTTY, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""
WITHOUT_HANGUPS = """
import os, signal, sys
signal.signal(signal.SIGHUP, signal.SIG_IGN)
os.execvp(sys.argv[1], sys.argv[1:])
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "runs"


def check_that_it_can_go_on(root: Path, err: bytes, why: str) -> None:
    run = only_run(root)
    assert run is not None
    assert not run.live
    assert not run.socket.exists()
    assert run.status.phase is Phase.STOPPED
    step = stored(run)["step"]
    last = err.decode().splitlines()[-1]
    assert last == f"stopped by {why} at step {step:,}; `{resume_command(run.folder)}` goes on"
    assert b"Traceback" not in err
    check_that_it_goes_on_as_if_undisturbed(run, root)


@contextmanager
def stalled_pipe() -> Iterator[int]:
    """A pipe that is full, and that nobody reads."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    try:
        while True:
            os.write(write, bytes(4096))
    except BlockingIOError:
        os.set_blocking(write, True)
    try:
        yield write
    finally:
        os.close(read)
        os.close(write)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal(number: signal.Signals, root: Path):
    with foreground(root, *ENDLESS) as running:
        until_step(root)
        running.send_signal(number)
        assert ends(running) == 128 + number
        assert running.stderr is not None
        check_that_it_can_go_on(root, running.stderr.read(), number.name)


def test_what_is_said_to_go_on_goes_on(root: Path):
    root = root / "in a place of its own"
    with foreground(root, *ENDLESS, "--name", "my run") as running:
        step = until_step(root).status.step
        running.send_signal(signal.SIGTERM)
        ends(running)
        assert running.stderr is not None
        said = running.stderr.read().decode().splitlines()[-1]
    program, *arguments = shlex.split(said.split("`")[1])
    assert program == "makemore"
    with run_process([*MAKEMORE, *arguments]):
        assert until_step(root, step + 100).name == "my run"


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_while_nobody_reads(number: signal.Signals, root: Path):
    with (
        stalled_pipe() as pipe,
        (root.parent / "err").open("w+b") as err,
        foreground(root, *ENDLESS, stdout=pipe, stderr=err) as running,
    ):
        until_step(root)
        running.send_signal(number)
        assert ends(running) == 128 + number
        err.seek(0)
        check_that_it_can_go_on(root, err.read(), number.name)


def test_a_signal_while_nobody_reads_even_the_messages(root: Path):
    with stalled_pipe() as pipe, foreground(root, *ENDLESS, stdout=pipe, stderr=pipe) as running:
        until_step(root)
        running.send_signal(signal.SIGTERM)
        assert ends(running) == 128 + signal.SIGTERM
        run = only_run(root)
        assert run is not None
        check_that_it_goes_on_as_if_undisturbed(run, root)


def test_training_does_not_wait_for_a_reader(root: Path):
    recipe = ["--recipe", "converge", "--steps", "3000", "--device", "cpu"]
    with stalled_pipe() as pipe, foreground(root, *recipe, stdout=pipe, stderr=pipe) as running:
        run = until_step(root, 3000)
        assert run.status.phase is Phase.FINISHED
        assert len(run.checkpoints) > 0
        assert running.poll() is None  # it has something to say


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_before_the_first_step(number: signal.Signals, root: Path):
    with foreground(root, *ENDLESS) as running:
        wait_until(lambda: only_run(root))
        running.send_signal(number)
        assert ends(running) == 128 + number
    run = only_run(root)
    if run is None:  # it was not quite there
        assert list(root.iterdir()) == []
        return
    assert not run.live
    result = subprocess.run(
        [*MAKEMORE, "runs", "--runs", str(root), "list", "--json"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert run.name in result.stdout


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_to_a_run_that_was_taken_up_again(number: signal.Signals, root: Path):
    with foreground(root, *ENDLESS) as running:
        until_step(root)
        running.send_signal(signal.SIGTERM)
        assert ends(running) == 128 + signal.SIGTERM
    run = only_run(root)
    assert run is not None
    step = stored(run)["step"]
    command = [*MAKEMORE, "runs", "--runs", str(root), "resume", run.id]
    with run_process(command) as running:
        until_step(root, step + 1)
        running.send_signal(number)
        assert ends(running) == 128 + number
        assert running.stderr is not None
        err = running.stderr.read()
        assert f"run: {run.name}, from step {step:,}" in err.decode()
        check_that_it_can_go_on(root, err, number.name)


def test_the_end_of_its_terminal(root: Path):
    keys, screen = os.openpty()
    command = [sys.executable, "-c", TERMINAL_OF_ITS_OWN]
    command += [*MAKEMORE, "train", str(words_file(root)), "--runs", str(root), *ENDLESS]
    with run_process(command, stdout=screen, stderr=screen) as running:
        os.close(screen)
        run = until_step(root)
        os.close(keys)
        assert ends(running) == 128 + signal.SIGHUP
        assert run.status.phase is Phase.STOPPED
        check_that_it_goes_on_as_if_undisturbed(run, root)


def test_the_end_of_a_terminal_that_nobody_read(root: Path):
    keys, screen = os.openpty()
    command = [sys.executable, "-c", TERMINAL_OF_ITS_OWN]
    command += [*MAKEMORE, "train", str(words_file(root)), "--runs", str(root), *ENDLESS]
    with run_process(command, stdout=screen, stderr=screen) as running:
        os.close(screen)
        run = until_step(root, 50 * 200)  # as many lines as no terminal holds
        os.close(keys)
        assert ends(running) == 128 + signal.SIGHUP
        check_that_it_goes_on_as_if_undisturbed(run, root)


def test_hangups_that_are_ignored_from_the_start_stay_so(root: Path):
    command = [sys.executable, "-c", WITHOUT_HANGUPS]
    command += [*MAKEMORE, "train", str(words_file(root)), "--runs", str(root), *ENDLESS]
    with run_process(command, stdout=subprocess.DEVNULL) as running:
        step = until_step(root).status.step
        running.send_signal(signal.SIGHUP)
        until_step(root, step + 1)
        running.send_signal(signal.SIGTERM)
        assert ends(running) == 128 + signal.SIGTERM
        assert running.stderr is not None
        check_that_it_can_go_on(root, running.stderr.read(), "SIGTERM")


def test_a_reader_that_leaves(root: Path):
    with foreground(root, *ENDLESS) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert running.stdout.readline().startswith(b"step 0: ")
        running.stdout.close()
        assert ends(running) == 1
        err = running.stderr.read()
        running.stdout = None  # which is closed
        check_that_it_can_go_on(root, err, "a reader that left")


def test_an_interrupted_sample_is_no_traceback(root: Path):
    options = ["--model", "one-layer", "-n", "5", "--count", "1000000"]
    with run_process([*MAKEMORE, "sample", str(words_file(root)), *options]) as running:
        assert running.stderr is not None
        assert running.stderr.readline() == b"training\n"
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=PATIENCE)
        assert running.returncode == 128 + signal.SIGINT
        assert b"Traceback" not in out + err
