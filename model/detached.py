"""Trains a run in a process of its own that no terminal owns."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from model.alphabet import visible
from model.connection import Connection
from model.errors import MakemoreError
from model.files import open_file, read_file
from model.runs import LOG, Run

PATIENCE_SECONDS = 60.0
"""For which a new process may take to import torch and open the run."""
PAUSE_SECONDS = 0.05


def detach(run: Run, *options: str) -> int:
    """Let a new process go on with a run; returns its number once it trains, or has finished.

    Args:
        run: which no process has open.
        options: of `makemore runs resume`, besides.

    Raises:
        MakemoreError: the process could not be started, or ended at once.
    """
    package = str(Path(__file__).parents[1])
    search = os.pathsep.join(filter(None, (package, os.environ.get("PYTHONPATH"))))
    root = str(run.folder.parent.absolute())
    resume = ["runs", "--runs", root, "resume", run.id]
    command = [sys.executable, "-m", "model", *resume, *options]
    try:
        with os.fdopen(
            open_file(run.folder / LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND), "wb"
        ) as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                cwd="/",
                env={**os.environ, "PYTHONPATH": search},
                start_new_session=True,
            )
    except (OSError, ValueError) as error:
        raise MakemoreError(f"no process could be started to train in: {error}") from None
    # Somebody must ask how a child ended, or it stays behind as a zombie.
    threading.Thread(target=process.wait, daemon=True).start()
    return _await(run, process)


def _await(run: Run, process: subprocess.Popen[bytes]) -> int:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        # The end of the process is waited for; of a socket that it makes, no event tells.
        with suppress(subprocess.TimeoutExpired):
            process.wait(PAUSE_SECONDS)
        status = process.returncode
        # A short run may be over before anybody can attach to it.
        if status == 0 or _trainer(run) == process.pid or _trains(run, process.pid):
            return process.pid
        if status is not None:
            raise MakemoreError(f"the training process ended: {_last_words(run)}")
    process.kill()
    raise MakemoreError(f"the training process did not answer in {PATIENCE_SECONDS:.0f} s")


def _trains(run: Run, process: int) -> bool:
    """Whether a process trains a run that nobody can attach to: not every disk has sockets."""
    with suppress(MakemoreError):
        return run.live and run.status.process == process and run.status.step > 0
    return False


def _trainer(run: Run) -> int | None:
    """The process that trains a run, if there is one: perhaps another one than was started."""
    try:
        connection = Connection(run)
    except MakemoreError:
        return None
    connection.close()
    return connection.process


def _last_words(run: Run) -> str:
    """The last line of the log, which says why a process ended."""
    try:
        lines = read_file(run.folder / LOG).decode(errors="replace").split("\n")
    except (OSError, ValueError):
        lines = []
    last = next(filter(None, reversed(lines)), "it said nothing")
    return visible(last.removeprefix("Error: "))
