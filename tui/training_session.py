"""The worker thread around a `Trainer`.

One thread runs every run of the app, so that two can never overlap. It takes commands from a queue
between chunks of steps and leaves a frozen `Snapshot` behind after each. It waits for no screen,
and the screen, which reads the snapshot when it likes, waits for nothing.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from enum import Enum
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, NamedTuple

from model.corpus import Corpus
from model.errors import MakemoreError
from model.recipe import Recipe

if TYPE_CHECKING:
    from torch import Tensor

    from model.nets.one_layer import OneLayer
    from model.training import Report, Trainer

CHUNK_SECONDS = 0.01  # at full speed; a pause waits for one chunk at most
PACED_CHUNK_SECONDS = 0.04
CHUNKS = (1, 2, 5, 10, 25, 50)
"""Steps in a chunk: few different numbers, since a GPU captures each of them once."""
BREATH_SECONDS = 0.0005  # after each chunk, in which the screen's thread gets its turn
SPEED_WINDOW_SECONDS = 1.0


class Phase(Enum):
    """Where a run stands."""

    IDLE = "ready"
    PREPARING = "preparing"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    FINISHED = "finished"
    FAILED = "failed"

    @property
    def resumable(self) -> bool:
        """Whether more steps may follow."""
        return self in (Phase.PREPARING, Phase.RUNNING, Phase.PAUSED)


@dataclass(frozen=True)
class Snapshot:
    """What a run has come to, at the end of some chunk."""

    phase: Phase = Phase.IDLE
    recipe: Recipe | None = None
    step: int = 0
    """Steps done."""
    steps_per_second: float = 0.0
    """Measured over the last second of training; 0 before there is anything to measure."""
    floor: float | None = None
    device: str = ""
    error: str = ""
    run: int = 0
    """Counts the runs, so that a viewer can tell a new one."""
    losses: Tensor | None = field(default=None, compare=False)
    """Of all steps; those from `step` on are still to come."""
    reports: list[Report] = field(default_factory=list["Report"], compare=False)
    """Grows at its end while the run goes on."""

    @property
    def loss(self) -> float | None:
        """Of the last step."""
        return float(self.losses[self.step - 1]) if self.losses is not None and self.step else None

    @property
    def seconds_left(self) -> float | None:
        """At the present speed."""
        if self.recipe is None or not self.steps_per_second:
            return None
        return (self.recipe.steps - self.step) / self.steps_per_second


class Trained(NamedTuple):
    """The network of a run as it was between two chunks."""

    network: OneLayer
    step: int
    """Steps done."""
    run: int


class TrainingSession:
    """Starts, pauses and stops runs in a thread of its own.

    Every method returns at once; what it asks for is done between two chunks.
    """

    def __init__(self, speed: float | None = None) -> None:
        self._commands: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._trainer: Trainer | None = None
        self._snapshot = Snapshot()
        self._speed = speed
        self._marks: deque[tuple[float, int]] = deque()
        self._seconds_per_step = CHUNK_SECONDS  # so that the first chunk is one step
        self._due = 0.0  # when the next chunk is, at a pace
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="training", daemon=True)
        self._thread.start()

    @property
    def snapshot(self) -> Snapshot:
        """How things stand."""
        return self._snapshot

    @property
    def speed(self) -> float | None:
        """Steps per second at most; None for as fast as it goes."""
        return self._speed

    def start(self, corpus: Corpus, recipe: Recipe, *, paused: bool = False) -> None:
        """Begin a run, in the place of any other."""
        self._commands.put(lambda: self._start(corpus, recipe, paused))

    def resume(self) -> None:
        """Go on with a paused run."""
        self._commands.put(lambda: self._move(Phase.PAUSED, Phase.RUNNING))

    def pause(self) -> None:
        """Halt the run after the chunk that it is in."""
        self._commands.put(lambda: self._move(Phase.RUNNING, Phase.PAUSED))

    def prepare(self, corpus: Corpus, recipe: Recipe) -> None:
        """Begin a run, paused, if there is none or it failed."""
        self._commands.put(lambda: self._prepare(corpus, recipe))

    def step(self) -> None:
        """Do one step of a paused run; pause a running one."""
        self._commands.put(self._single_step)

    def stop(self) -> None:
        """End the run; its network can still be sampled."""
        self._commands.put(self._stop)

    def clear(self) -> None:
        """Forget the run."""
        self._commands.put(self._clear)

    def set_speed(self, speed: float | None) -> None:
        """Do so many steps a second at most; None for as fast as it goes."""
        self._speed = speed
        self._commands.put(lambda: self._begin_measuring(self._snapshot.step))

    def set_l2(self, l2: float) -> None:
        """Change the penalty on W of the run."""
        self._commands.put(lambda: self._set_l2(l2))

    def trained(self) -> Future[Trained | None]:
        """The network as it is between two chunks, to be kept; None where there is none."""
        future: Future[Trained | None] = Future()
        if not self._thread.is_alive():
            future.set_result(None)

        def copy() -> None:
            try:
                future.set_result(
                    Trained(self._trainer.network.frozen(), self._trainer.step, self._snapshot.run)
                    if self._trainer
                    else None
                )
            except Exception as error:  # out of memory, say: the asker's matter, not the run's
                future.set_exception(error)

        self._commands.put(copy)
        return future

    def close(self) -> None:
        """End the thread after the chunk that it is in."""
        self._commands.put(self._close)

    def join(self) -> None:
        """Wait for the thread to end, which `close` has asked for."""
        self._thread.join(timeout=5)

    # What follows runs in the thread.

    def _work(self) -> None:
        sys.setswitchinterval(0.001)  # tiny steps leave the screen's thread its turn
        while not self._closed:
            wait = None
            if self._snapshot.phase is Phase.RUNNING:
                wait = max(BREATH_SECONDS, self._due - time.perf_counter())
            try:
                self._commands.get(timeout=wait)()
            except Empty:
                self._chunk()
        while not self._commands.empty():  # nobody is left waiting for an answer
            self._commands.get()()

    def _chunk(self) -> None:
        """Do a chunk of steps, and say when the next one is due."""
        began, before, speed = time.perf_counter(), self._snapshot.step, self._speed
        most = CHUNK_SECONDS / self._seconds_per_step
        if speed is not None:
            most = min(most, speed * PACED_CHUNK_SECONDS)
        self._advance(max(size for size in CHUNKS if size <= max(most, 1)))
        now, done = time.perf_counter(), self._snapshot.step - before
        if done:
            self._seconds_per_step = (now - began) / done
        # Counted from when this chunk was due, so that short delays do not add up.
        pause = done / speed if speed else 0
        self._due = max(self._due + pause, now - PACED_CHUNK_SECONDS)

    def _advance(self, steps: int) -> None:
        trainer, phase = self._trainer, self._snapshot.phase
        if trainer is None:
            return
        try:
            if report := trainer.advance(steps):
                self._snapshot.reports.append(report)
        except Exception as error:  # a run that fails must leave the app alive, whatever it was
            # A network that has diverged has nothing to say.
            self._trainer = None
            self._publish(phase=Phase.FAILED, step=trainer.step, error=in_one_line(error))
            return
        now = time.perf_counter()
        self._marks.append((now, trainer.step))
        while len(self._marks) > 2 and now - self._marks[0][0] > SPEED_WINDOW_SECONDS:
            self._marks.popleft()
        if trainer.finished:
            phase = Phase.FINISHED
        self._publish(phase=phase, step=trainer.step, steps_per_second=self._measured())

    def _measured(self) -> float:
        (first, start), (last, end) = self._marks[0], self._marks[-1]
        return (end - start) / (last - first) if last > first else self._snapshot.steps_per_second

    def _start(self, corpus: Corpus, recipe: Recipe, paused: bool) -> None:
        self._trainer = None
        self._snapshot = Snapshot(Phase.PREPARING, recipe, run=self._snapshot.run + 1)
        try:
            from model.training import Trainer

            self._trainer = Trainer(corpus, recipe)
        except Exception as error:  # see _advance
            self._publish(phase=Phase.FAILED, error=in_one_line(error))
            return
        self._begin_measuring(0)
        self._publish(
            phase=Phase.PAUSED if paused else Phase.RUNNING,
            floor=self._trainer.floor,
            device=str(self._trainer.device),
            losses=self._trainer.losses,
        )

    def _begin_measuring(self, step: int) -> None:
        self._due = time.perf_counter()
        self._marks.clear()
        self._marks.append((self._due, step))

    def _move(self, old: Phase, new: Phase) -> None:
        if self._snapshot.phase is old:
            self._begin_measuring(self._snapshot.step)
            self._publish(phase=new)

    def _prepare(self, corpus: Corpus, recipe: Recipe) -> None:
        # Decided here, since the caller may not have seen yet that a run has been started.
        if self._snapshot.phase in (Phase.IDLE, Phase.FAILED):
            self._start(corpus, recipe, paused=True)

    def _single_step(self) -> None:
        self._move(Phase.RUNNING, Phase.PAUSED)
        if self._snapshot.phase is Phase.PAUSED:
            self._begin_measuring(self._snapshot.step)
            self._advance(1)

    def _stop(self) -> None:
        if self._snapshot.phase.resumable:
            self._publish(phase=Phase.STOPPED)

    def _set_l2(self, l2: float) -> None:
        if self._trainer is not None and self._snapshot.phase.resumable:
            self._trainer.set_l2(l2)
            self._publish(recipe=self._trainer.recipe)

    def _clear(self) -> None:
        self._trainer = None
        self._snapshot = Snapshot(run=self._snapshot.run + 1)

    def _close(self) -> None:
        self._closed = True

    def _publish(self, **changes: object) -> None:
        self._snapshot = replace(self._snapshot, **changes)  # pyright: ignore[reportArgumentType]


def in_one_line(error: Exception) -> str:
    """What the user is told of an error, foreseen or not."""
    if isinstance(error, MakemoreError):
        return str(error)
    first = str(error).strip().splitlines()
    return f"{type(error).__name__}: {first[0] if first else 'no details'}"
