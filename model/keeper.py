"""Keeps the run of a session on disk and within reach of others.

Nothing that a disk can do stops a run: what could not be written is said, and tried again.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from model import runs
from model.alphabet import visible
from model.corpus import Corpus
from model.recipe import Recipe
from model.reports import Reports
from model.runs import Run, Status
from model.session import Session, Snapshot, in_one_line

if TYPE_CHECKING:
    from model.run_writer import RunWriter
    from model.server import Server
    from model.training import Trainer


class Keeper:
    """The folder of one run and the socket in it, or neither."""

    def __init__(self, session: Session, every: float) -> None:
        """Keep the run of `session`, with a checkpoint `every` so many seconds."""
        self.warning = ""
        """Why the run is not kept at present."""
        self.checkpoint: int | None = None
        """The step of the last checkpoint."""
        self._session = session
        self._every = every
        self._due = time.monotonic() + every
        self._writer: RunWriter | None = None
        self._server: Server | None = None

    @property
    def keeps(self) -> bool:
        """Whether there is a folder."""
        return self._writer is not None

    @property
    def due(self) -> bool:
        """Whether it is time for the next checkpoint."""
        return self._writer is not None and time.monotonic() >= self._due

    @property
    def gone(self) -> bool:
        """Whether there was a folder that is no more."""
        return self._writer is not None and self._writer.gone

    def create(self, root: Path, corpus: Corpus, recipe: Recipe) -> str:
        """Make a folder for a new run; its name, or "" where there is no room for one."""
        from model.run_writer import RunWriter

        try:
            self._writer = RunWriter(runs.create(root, corpus, recipe))
        except (OSError, ValueError) as error:
            self._warn(error, root)
            return ""
        self._serve(self._writer.run)
        return self._writer.run.name

    def open(self, run: Run) -> None:
        """Take over the folder of a run that was begun before.

        Raises:
            RunTakenError: another process has it.
        """
        from model.run_writer import RunWriter

        try:
            self._writer = RunWriter(run)
        except (OSError, ValueError) as error:
            self._warn(error, run.folder)
        else:
            self._serve(run)

    def restore(self, trainer: Trainer, run: Run | None = None) -> Reports:
        """Bring a trainer to the last checkpoint of the folder, or of a run that is only read.

        Raises:
            MakemoreError, OSError: there is none that can be read.
        """
        from model.run_writer import newest_checkpoint

        if self._writer is not None:
            reports = self._writer.restore(trainer)
        else:
            assert run is not None
            reports, _ = newest_checkpoint(run, trainer)
        self.checkpoint = trainer.step
        return reports

    def save(self, trainer: Trainer, snapshot: Snapshot) -> None:
        """Write down all there is to know of the run, as far as there is room."""
        if self._writer is None:
            return
        try:
            if self._writer.save(trainer, snapshot.reports):
                self.checkpoint = trainer.step
            self._writer.write_status(self._status(snapshot))
            self.warning = ""
        except Exception as error:  # of the disk, or of a device that is asked for its tensors
            self._warn(error, self._writer.run.folder)
        self._due = time.monotonic() + self._every

    def note(self, snapshot: Snapshot) -> None:
        """Write down how the run stands, without a checkpoint."""
        if self._writer is None:
            return
        try:
            self._writer.write_status(self._status(snapshot))
        except OSError as error:
            self._warn(error, self._writer.run.folder)

    def close(self) -> None:
        """Let go of the folder."""
        if self._server is not None:
            self._server.close()
        if self._writer is not None:
            self._writer.close()
        self._server = self._writer = None

    def _serve(self, run: Run) -> None:
        from model.server import Server

        try:
            self._server = Server(self._session, run)
        except OSError as error:  # a file system without sockets
            self.warning = f"nobody can attach to the run: {error.strerror or error}"

    def _warn(self, error: Exception, place: Path) -> None:
        reason = error.strerror if isinstance(error, OSError) else None
        where = visible(str(place))
        self.warning = (
            f"not saved: {reason or in_one_line(error)} ({where}); the run goes on, "
            f"free some space or see to the folder"
        )

    def _status(self, snapshot: Snapshot) -> Status:
        loss = snapshot.loss
        return Status(
            snapshot.phase,
            snapshot.step,
            loss,
            snapshot.floor,
            snapshot.seconds,
            snapshot.error,
            os.getpid(),
        )
