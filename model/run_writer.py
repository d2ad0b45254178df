"""Keeping a run on disk: what the one process that trains it writes into its folder."""

from __future__ import annotations

import fcntl
import json
import math
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import torch

from model.alphabet import visible
from model.checkpoints import Checkpoint
from model.errors import MakemoreError
from model.files import DRAFT, open_file, read_file, replace_file
from model.history import HEAD, read_history, read_reports
from model.reports import Reports
from model.runs import CHECKPOINTS, HISTORY, LOCK, REPORTS, STATUS, Run
from model.status import Status
from model.training import Trainer

KEPT = 3
"""Checkpoints that are not pruned: the newest."""
BROKEN = ".broken"
MOST_HEADER = 1 << 16  # bytes of a checkpoint besides its tensors
LINES_AT_ONCE = 100_000
LINES_A_BREATH = 500
TRIES, PAUSE_SECONDS = 20, 0.05  # for the lock, which a lister of runs may hold for a moment


class RunTakenError(MakemoreError):
    """Another process has the run open."""


class RunWriter:
    """Holds the lock of a run's folder, and with it the right to change what is in it."""

    def __init__(self, run: Run, breath: float = 0) -> None:
        """Take the lock.

        Args:
            run: whose folder.
            breath: seconds between some lines and the next, in which other threads get their turn.

        Raises:
            RunTakenError: another process holds it.
            OSError: the folder cannot be written to.
        """
        self.run = run
        self._breath = breath
        self._folder = os.open(run.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            self._lock = _locked(run)
        except BaseException:
            os.close(self._folder)
            raise
        self._steps = 0
        """How many are in the history."""
        self._reported = 0
        """How many are in the log."""
        self._sizes = {HISTORY: 0, REPORTS: 0}
        """Bytes of the files that grow, as far as they are whole."""
        for draft in run.folder.glob(f"*{DRAFT}"):  # what a killed process was about to write
            with suppress(OSError):
                draft.unlink()

    @property
    def gone(self) -> bool:
        """Whether the folder has been deleted, or moved away."""
        try:
            there, held = self.run.folder.stat(), os.fstat(self._folder)
        except OSError:
            return True
        return (there.st_dev, there.st_ino) != (held.st_dev, held.st_ino)

    def restore(self, trainer: Trainer) -> Restored:
        """Bring a trainer to the newest checkpoint that is whole.

        What was written down after it is taken back, and what is not whole is set aside; without
        any checkpoint, the trainer stays at step 0.

        Raises:
            MakemoreError: no checkpoint is whole.
            OSError: the folder cannot be written to.
        """
        restored = newest_checkpoint(self.run, trainer)
        for path in restored.broken:
            aside = path.rename(path.with_name(path.name + BROKEN))
            if path.name == HISTORY and restored.history_size:  # as far as it is whole, it stays
                shutil.copyfile(aside, path)
        self._steps, self._reported = restored.steps, len(restored.reports)
        self._sizes = {HISTORY: restored.history_size, REPORTS: restored.reports_size}
        for name in self._sizes:
            self._append(name, b"")
        return restored

    def save(self, trainer: Trainer, reports: Reports) -> bool:
        """Write down what has happened since the last time, and then a checkpoint.

        In this order, so that no checkpoint is ahead of the history.

        Returns:
            Whether there is one: a network that has diverged is not worth it.

        Raises:
            OSError: there is no room, say; the last checkpoint is as good as it was.
        """
        self.save_history(trainer, reports)
        checkpoint = trainer.checkpoint()
        if not checkpoint.finite:
            return False
        replace_file(self.run.folder / _file_name(checkpoint.step), checkpoint.to_bytes())
        for path in self.run.checkpoints[KEPT:]:
            path.unlink(missing_ok=True)
        return True

    def save_history(self, trainer: Trainer, reports: Reports) -> None:
        """Write down the steps and the reports that are not yet on the disk.

        Raises:
            OSError: there is no room, say; what was there is as it was.
        """
        if not self._sizes[HISTORY]:
            self._append(HISTORY, HEAD)
        lr, losses = trainer.recipe.lr, trainer.losses
        for start in range(self._steps, trainer.step, LINES_AT_ONCE):
            steps = range(start, min(start + LINES_AT_ONCE, trainer.step))
            lines = self._history_lines(steps, lr, losses[steps.start : steps.stop])
            self._append(HISTORY, "".join(lines).encode())
            self._steps = steps.stop
        first, new = reports.since(self._reported)
        self._append(REPORTS, "".join(json.dumps(asdict(each)) + "\n" for each in new).encode())
        self._reported = first + len(new)

    def write_status(self, status: Status) -> None:
        """Say how far the run came; the checkpoints say so as well, and better.

        Raises:
            OSError: it cannot be written.
        """
        text = json.dumps(status.stored, indent=2) + "\n"
        replace_file(self.run.folder / STATUS, text.encode(), durable=False)

    def close(self) -> None:
        """Give the lock back."""
        os.close(self._lock)
        os.close(self._folder)

    def _history_lines(
        self, steps: range, lr: Callable[[int], float], losses: torch.Tensor
    ) -> Iterator[str]:
        for step, loss in zip(steps, losses.tolist(), strict=True):
            if self._breath and step % LINES_A_BREATH == 0:
                time.sleep(self._breath)  # without it, a key waits for all lines, some 0.2 s
            rate = math.nan if math.isnan(loss) else lr(step)  # of a gap, neither is known
            yield f"{step}\t{rate!r}\t{loss:.9g}\n"

    def _append(self, name: str, data: bytes) -> None:
        """Let a file be what is whole of it, and `data`, on the disk."""
        size = self._sizes[name]
        descriptor = open_file(self.run.folder / name, os.O_WRONLY | os.O_CREAT)
        try:
            with os.fdopen(descriptor, "wb", closefd=False) as file:
                file.truncate(size)
                file.seek(size)
                file.write(data)
                file.flush()
                os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, size)
            raise
        finally:
            os.close(descriptor)
        self._sizes[name] = size + len(data)


class Restored(NamedTuple):
    """What a run's folder had to give, up to its newest checkpoint that is whole."""

    reports: Reports
    reports_size: int
    """Bytes that they take in their file."""
    steps: int
    """How many are in the history: those of the checkpoint, unless the history is damaged."""
    history_size: int
    broken: list[Path]
    """What is in the way and cannot be used: newer checkpoints, and what should be a file."""


def newest_checkpoint(run: Run, trainer: Trainer) -> Restored:
    """Bring a trainer to the newest checkpoint of a run that is whole.

    A run that was never begun has none, and leaves the trainer at step 0. Steps that a damaged
    history does not have are left without a loss.

    Raises:
        MakemoreError: none of those that there are is whole.
    """
    history, log = run.folder / HISTORY, run.folder / REPORTS
    broken: list[Path] = []
    checkpoints = run.checkpoints
    for path in checkpoints:
        try:
            checkpoint = Checkpoint.of(read_file(path, trainer.bytes + MOST_HEADER))
            if path.name != _file_name(checkpoint.step) or not checkpoint.finite:
                raise ValueError("not written by us")
            losses, _ = read_history(history, checkpoint.step)
            missing = torch.full((checkpoint.step - len(losses),), torch.nan)
            trainer.restore(checkpoint, torch.cat([losses, missing]))
        except (OSError, ValueError, MakemoreError):
            broken.append(path)
        else:
            break
    else:
        if checkpoints:
            raise MakemoreError(
                f"{visible(run.name)} has no checkpoint that is whole; start it anew"
            )
    losses, history_size = read_history(history, trainer.step)
    reports, reports_size = read_reports(log, trainer.step)
    if len(losses) < trainer.step and os.path.lexists(history):
        broken.append(history)
    others = [path for path in (history, log) if path not in broken and not _is_file(path)]
    broken += filter(os.path.lexists, others)
    return Restored(reports, reports_size, len(losses), history_size, broken)


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _locked(run: Run) -> int:
    """The descriptor of the lock file, locked."""
    descriptor = open_file(run.folder / LOCK, os.O_RDWR | os.O_CREAT)
    for _ in range(TRIES):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(PAUSE_SECONDS)  # a lock cannot be waited for with a limit
        else:
            return descriptor
    os.close(descriptor)
    name = visible(run.name)
    raise RunTakenError(f"{name} is open in another process; attach to it, or close it there")


def _file_name(step: int) -> str:
    return CHECKPOINTS.replace("*", f"{step:08}")
