"""Runs as the app finds them on disk: trained, being trained here or in a process of their own."""

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from workbench import ENDLESS, QUICK, Bench

from model import runs
from model.attached_session import AttachedSession
from model.corpus import Corpus
from model.files import replace_file
from model.recipe import Recipe
from model.runs import STATUS, Run, all_runs, default_root
from model.session import Phase
from model.status import Status
from model.training_session import TrainingSession
from tui.screens.runs import RunsScreen
from tui.widgets.run_table import RunTable

PATIENCE = 60
PAUSE = 0.01


@contextmanager
def trainer(
    corpus: Corpus, recipe: Recipe = ENDLESS, *, speed: float | None = 1000
) -> Iterator[tuple[TrainingSession, Run]]:
    """A session of its own that trains a run in the user's directory, and that run."""
    session = TrainingSession(speed, runs=default_root())
    try:
        session.start(corpus, recipe)
        wait(lambda: session.snapshot.folder and session.snapshot.step)
        assert session.snapshot.folder is not None
        yield session, Run.open(session.snapshot.folder)
    finally:
        session.close()
        session.join()


def trained(corpus: Corpus, recipe: Recipe = QUICK, name: str = "") -> Run:
    """A run that was trained to its end, and let go of."""
    with trainer(corpus, recipe, speed=None) as (session, run):
        wait(lambda: session.snapshot.phase is Phase.FINISHED)
    return run.rename(name) if name else run


def written(
    corpus: Corpus, status: Status, *, root: Path, recipe: Recipe, name: str, created: datetime
) -> Run:
    """A run that nobody has trained, as if somebody had."""
    begun = created.isoformat(timespec="seconds")
    run = replace(runs.create(root, corpus, recipe, name), created=begun)
    run.write()
    replace_file(run.folder / STATUS, json.dumps(status.stored).encode())
    return run


def wait(condition) -> None:
    """Wait for what another thread or process does; no event tells of it."""
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until, "it never came"
        time.sleep(PAUSE)  # a file, a lock, another process: none of them calls


def kill_trainers() -> None:
    """Kill what other processes still train."""
    for run in all_runs(default_root()):
        process = run.status.process
        if run.live and process not in (0, os.getpid()):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
            wait(lambda run=run: not run.live)


async def attached(bench: Bench) -> None:
    """Wait until a run of another trainer is shown as it is."""
    app = bench.app
    await bench.until(lambda: isinstance(app.session, AttachedSession), "the other trainer")
    await bench.until(lambda: app.snapshot.floor is not None, "the run")
    await bench.counted()


async def here(bench: Bench) -> None:
    """Wait until the run is shown as this app trains it."""
    app = bench.app
    await bench.until(lambda: app.session is app.local and not app.moving, "the run")


def only_run() -> Run:
    (run,) = all_runs(default_root())
    return run


def told(bench: Bench, text: str) -> bool:
    return any(text in note.message for note in bench.notifications)


async def list_runs(bench: Bench) -> None:
    await bench.press("R")
    await bench.screen(RunsScreen)
    await bench.until(lambda: listed(bench) or "no runs" in bench.shown("#none"), "the list")


def listed(bench: Bench) -> list[str]:
    """The rows, as they look."""
    if not bench.app.screen.query_one(RunTable).display:
        return []
    return [line for line in bench.shown("#list").splitlines()[1:] if line.strip()]


async def go_to(bench: Bench, run: Run) -> None:
    """Put the cursor on a run."""
    await bench.press("home")
    for _ in range(20):
        current = bench.app.screen.query_one(RunTable).current
        if current is not None and current.run.folder == run.folder:
            return
        await bench.press("down")
    raise AssertionError(f"{run.name} is not listed")


async def listed_as(bench: Bench, *texts: str) -> None:
    await bench.until(lambda: any(all(each in row for each in texts) for row in listed(bench)))
