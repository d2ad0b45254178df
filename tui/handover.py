"""How a run passes from this process to another one, and back."""

from __future__ import annotations

import time
from contextlib import suppress

from model.alphabet import visible
from model.attached_session import AttachedSession
from model.connection import NotTrainedError
from model.corpus import Corpus
from model.errors import MakemoreError
from model.recipe import Recipe
from model.runs import Run, app_command
from model.session import Phase, Snapshot
from model.training_session import TrainingSession

GLANCE_SECONDS = 0.1


def attached(run: Run, corpus: Corpus, patience: float) -> AttachedSession | None:
    """The session of the process that trains a run, if there is one, or is within `patience`."""
    until = time.monotonic() + patience
    while not run.live and time.monotonic() < until:
        time.sleep(GLANCE_SECONDS)  # in a thread; no event tells of another process's lock
    if run.live:
        with suppress(NotTrainedError):  # it has ended since
            return AttachedSession(run, corpus)
    return None


def device_here(recipe: Recipe) -> str:
    """The device to go on with in this process; "" for that of the recipe."""
    from model.devices import choose

    try:
        choose(recipe.device)
    except MakemoreError:
        return choose().name
    return ""


def let_go(session: TrainingSession) -> None:
    """Write a run down to its last step, and close its folder.

    Raises:
        MakemoreError: it cannot be written down; the run waits.
    """
    session.pause()
    session.save()
    session.trained().result()
    last = session.snapshot
    if last.checkpoint != last.step:
        raise MakemoreError(last.warning or "the run could not be saved")
    session.clear()
    session.trained().result()


def farewell(last: Snapshot) -> str:
    """What is to be known of a run when the app has ended; "" where there is nothing."""
    if last.folder is None:
        return ""
    name, back = visible(last.name), app_command(last.folder)
    if last.process and last.phase.resumable:
        return f"{name} goes on in process {last.process}; `{back}` comes back to it"
    if last.phase is Phase.STOPPED and last.checkpoint is not None:
        return f"{name} is saved at step {last.checkpoint:,}; `{back}` goes on with it"
    return ""
