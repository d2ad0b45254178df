"""`makemore train --detach`: a process of its own, which no terminal owns and nothing orphans."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from command_line import ROOT, process
from trainers import (
    ENDLESS,
    MAKEMORE,
    check_that_it_goes_on_as_if_undisturbed,
    detach,
    lives,
    no_orphans,
    only_run,
    stored,
    until_step,
    words_file,
)
from viewers import attached, wait_until

from model.runs import Run, attach_command, resume_command
from model.session import Phase

OWN_TERMINAL = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    with no_orphans(tmp_path / "runs") as root:
        yield root


def detached(root: Path, *options: str) -> tuple[Run, int]:
    """A run that is trained elsewhere, and the number of its process."""
    (line,) = detach(root, *(options or ENDLESS), "--json").lines
    run = only_run(root)
    assert run is not None
    assert line == {"run": run.id, "process": line["process"], "folder": str(run.folder)}
    assert lives(line["process"])
    return run, line["process"]


def check_that_nothing_is_left(run: Run, number: int) -> None:
    wait_until(lambda: not run.live, "the end of the trainer")
    wait_until(lambda: not lives(number), "the end of its process")
    assert not run.socket.exists()


def test_it_outlives_its_terminal_and_ends_when_it_is_told(root: Path):
    keys, screen = os.openpty()
    words = str(words_file(root))
    command = [*MAKEMORE, "train", words, "--runs", str(root), "--detach", *ENDLESS]
    status = subprocess.run(
        [sys.executable, "-c", OWN_TERMINAL, *command],
        cwd=ROOT, stdin=screen, stdout=screen, stderr=screen, check=False,
    ).returncode  # fmt: skip
    os.close(screen)
    said = os.read(keys, 65536).decode()
    os.close(keys)
    assert status == 0, said
    run = only_run(root)
    assert run is not None
    assert f"`{attach_command(run.folder)}` follows it" in said
    with attached(run) as line:
        state = line.until_state(lambda state: state["step"] > 0)
        line.until_state(lambda later: later["step"] > state["step"])
        number = line.answer("attach", protocol=1)["process"]
        assert os.getsid(number) == os.getpgid(number) == number
        line.ask("stop")
        line.rest()
        assert line.state["phase"] == "stopped"
    check_that_nothing_is_left(run, number)
    assert run.status.phase is Phase.STOPPED
    assert run.status.step == line.state["step"] == len(run.history())


def test_sigterm_ends_it_with_a_checkpoint(root: Path):
    run, number = detached(root)
    until_step(root)
    os.kill(number, signal.SIGTERM)
    check_that_nothing_is_left(run, number)
    assert stored(run)["phase"] == "stopped"
    step = stored(run)["step"]
    log = (run.folder / "log.txt").read_text()
    assert f"stopped by SIGTERM at step {step:,}; `{resume_command(run.folder)}` goes on" in log
    check_that_it_goes_on_as_if_undisturbed(run, root)


def test_it_ends_when_its_folder_is_gone(root: Path):
    run, number = detached(root)
    shutil.rmtree(run.folder)
    try:
        wait_until(lambda: not lives(number), "the end of the trainer")
    finally:
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
    assert not run.folder.exists()


def test_a_run_that_is_over_at_once_is_no_error(root: Path):
    assert detach(root, "--steps", "1", "--device", "cpu").status == 0
    run = only_run(root)
    assert run is not None
    wait_until(lambda: run.status.phase is Phase.FINISHED and not run.live)
    result = process("runs", "--runs", str(root), "resume", run.id, "--detach")
    assert result.status == 0, result.err


def test_a_run_that_nobody_can_attach_to_is_trained_all_the_same(root: Path):
    run, number = detached(root)
    os.kill(number, signal.SIGKILL)
    wait_until(lambda: not run.live, "the end of the trainer")
    run.socket.unlink()
    run.socket.mkdir()  # there can be no socket
    result = process("runs", "--runs", str(root), "resume", run.id, "--detach", "--json")
    assert result.status == 0, result.err
    assert run.live
    assert stored(run)["process"] == result.lines[0]["process"]


def test_a_relative_directory_is_found_from_anywhere(tmp_path: Path):
    with no_orphans(tmp_path / "here"):
        words_file(tmp_path / "here")
        command = [*MAKEMORE, "train", "here.txt", "--runs", "here", "--detach", *ENDLESS]
        result = subprocess.run(
            command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False
        )
        assert result.returncode == 0
        with attached(until_step(tmp_path / "here")) as line:
            line.ask("stop")
            line.rest()


def test_why_it_cannot_train_is_said_in_one_line(root: Path):
    assert process("train", str(words_file(root)), "--runs", str(root), "--steps", "5").status == 0
    run = only_run(root)
    assert run is not None
    before = sorted(run.folder.iterdir())
    (run.folder / "words.txt").write_text("other\nwords\n")
    result = process("runs", "--runs", str(root), "resume", run.id, "--detach")
    assert (result.status, result.out) == (1, "")
    assert result.err.count("\n") == 1
    assert result.err.startswith("Error: the training process ended: the words of ")
    assert sorted({*run.folder.iterdir()} - {run.folder / "log.txt"}) == before
    assert not run.live


def test_a_run_cannot_be_trained_twice(root: Path):
    run, number = detached(root)
    for options in ([], ["--detach"]):
        result = process("runs", "--runs", str(root), "resume", run.id, *options)
        assert (result.status, result.out) == (1, "")
        assert "attach to it" in result.err
    assert lives(number)
    result = process("runs", "--runs", str(root), "delete", run.id, "--yes")
    assert (result.status, result.err.count("\n")) == (1, 1)
    assert str(number) in result.err
    assert (run.folder / "run.json").exists()
