"""Keeps the run of a session on disk and within reach of others.

Nothing that a disk can do stops a run: what could not be written is said, and tried again.
"""

from __future__ import annotations

import math
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from model import runs
from model.alphabet import visible
from model.corpus import Corpus
from model.errors import MakemoreError
from model.recipe import Recipe
from model.reports import Reports
from model.runs import Run
from model.session import Session, Snapshot, in_one_line
from model.status import Status

if TYPE_CHECKING:
    from model.run_writer import RunWriter
    from model.server import Server
    from model.training import Trainer


class Keeper:
    """The folder of one run and the socket in it, or neither."""

    def __init__(self, session: Session, every: float, breath: float) -> None:
        """Keep the run of `session`.

        Args:
            session: of the run.
            every: seconds from one checkpoint to the next.
            breath: as for `RunWriter`.
        """
        self.warning = ""
        """Why the run is not kept at present."""
        self.checkpoint: int | None = None
        """The step of the last checkpoint."""
        self._session = session
        self._every = every
        self._breath = breath
        self._due = time.monotonic() + every
        self._notice = ""
        """What is to be known of the folder as long as it is open."""
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

    @property
    def folder(self) -> Path | None:
        """Of the run."""
        return self._writer.run.folder if self._writer is not None else None

    @property
    def name(self) -> str:
        """What the run is called by now, which anybody may change; "" where it is not kept."""
        if self._writer is None:
            return ""
        with suppress(MakemoreError):
            return Run.open(self._writer.run.folder).name
        return self._writer.run.name

    def create(self, root: Path, corpus: Corpus, recipe: Recipe) -> None:
        """Make a folder for a new run, if there is room for one."""
        from model.run_writer import RunWriter

        try:
            self._writer = RunWriter(runs.create(root, corpus, recipe), self._breath)
        except (OSError, ValueError) as error:
            self.warning = f"this run is not kept: {_reason(error, root)}; it goes on all the same"
        else:
            self._serve(self._writer.run)

    def open(self, run: Run) -> None:
        """Take over the folder of a run that was begun before.

        Raises:
            RunTakenError: another process has it.
        """
        from model.run_writer import RunWriter

        try:
            self._writer = RunWriter(run, self._breath)
        except (OSError, ValueError) as error:
            reason = _reason(error, run.folder)
            self.warning = f"what follows is not kept: {reason}; the run goes on all the same"
        else:
            self._serve(run)

    def restore(self, trainer: Trainer, run: Run | None = None) -> Reports:
        """Bring a trainer to the last checkpoint of the folder, or of a run that is only read.

        Raises:
            MakemoreError: there is none that can be read.
        """
        from model.run_writer import newest_checkpoint

        if self._writer is not None:
            run = self._writer.run
        assert run is not None
        try:
            restored = (
                newest_checkpoint(run, trainer)
                if self._writer is None
                else self._writer.restore(trainer)
            )
        except (OSError, ValueError) as error:
            raise MakemoreError(f"{_reason(error, run.folder)}; see to the folder") from None
        if restored.broken:
            files = ", ".join(visible(path.name) for path in restored.broken)
            lost = "nothing else is lost"
            if restored.steps < trainer.step:
                lost = f"the losses from step {restored.steps:,} to there are lost"
            self._notice = (
                f"{files} could not be used; the run goes on from its checkpoint of step "
                f"{trainer.step:,}, and {lost}"
            )
            self.warning = self._notice
        self.checkpoint = trainer.step
        return restored.reports

    def save(self, trainer: Trainer, snapshot: Snapshot) -> None:
        """Write down all there is to know of the run, as far as there is room."""
        if self._writer is None or self._writer.gone:  # another run may be where it was
            return
        try:
            if self._writer.save(trainer, snapshot.reports):
                self.checkpoint = trainer.step
            self._writer.write_status(self._status(snapshot))
            self.warning = self._notice
        except Exception as error:  # of the disk, or of a device that is asked for its tensors
            self._warn(error)
        self._due = time.monotonic() + self._every

    def note(self, snapshot: Snapshot) -> None:
        """Write down how the run stands, without a checkpoint."""
        if self._writer is None or self._writer.gone:
            return
        try:
            self._writer.write_status(self._status(snapshot))
        except OSError as error:
            self._warn(error)

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
            self._notice = f"nobody can attach to the run: {error.strerror or error}"
            self.warning = self._notice

    def _warn(self, error: Exception) -> None:
        assert self._writer is not None
        self.warning = (
            f"not saved: {_reason(error, self._writer.run.folder)}; the run goes on, "
            "free some space or see to the folder"
        )

    def _status(self, snapshot: Snapshot) -> Status:
        loss, judged = snapshot.loss, snapshot.judged
        return Status(
            snapshot.phase,
            snapshot.step,
            loss if loss is not None and math.isfinite(loss) else None,
            snapshot.floor,
            snapshot.seconds,
            snapshot.error,
            os.getpid(),
            snapshot.changes,
            judged[-1].train if judged else None,
            min((each.dev for each in judged if each.dev is not None), default=None),
        )


def _reason(error: Exception, place: Path) -> str:
    """What went wrong, and where."""
    reason = error.strerror if isinstance(error, OSError) else None
    return f"{reason or visible(in_one_line(error))} ({visible(str(place))})"
