"""What a run looks like to whoever watches it, and what can be asked of it.

`TrainingSession` trains it in a thread of this process, `AttachedSession` talks to the process that
trains it. Who holds a `Session` need not know which.
"""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import Enum
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from model.alphabet import visible
from model.errors import MakemoreError
from model.layers import Layers
from model.recipe import ADJUSTABLE, Change, Recipe
from model.reports import Report, Reports

if TYPE_CHECKING:
    from torch import Tensor

    from model.nets.network import Network

run_numbers = count(1)
MOST_CHANGES = 100
"""That are remembered: the last."""


class Phase(Enum):
    """Where a run stands."""

    IDLE = "ready"
    PREPARING = "preparing"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    FINISHED = "finished"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    """Of a run on disk, whose process was killed."""

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
    seconds: float = 0.0
    """Spent training, over all the processes that have trained it."""
    floor: float | None = None
    device: str = ""
    error: str = ""
    """Why it failed."""
    warning: str = ""
    """Why it is not kept on disk at present, though it goes on."""
    name: str = ""
    """Of the run on disk; "" while there is none."""
    folder: Path | None = None
    """That the run is kept in, which stays when the run is renamed; None where it is not kept."""
    checkpoint: int | None = None
    """The step of the last checkpoint, which a run that fails goes back to."""
    process: int = 0
    """The process that trains it, where that is another one."""
    start: int = 0
    """The step at which it was taken up."""
    run: int = 0
    """Differs from run to run, so that a viewer can tell a new one."""
    changes: tuple[Change, ...] = ()
    """What was changed while the run went on."""
    layers: Layers = field(default_factory=Layers)
    """How the layers of the network fared in the last step that was reported."""
    losses: Tensor | None = field(default=None, compare=False)
    """Of all steps; those from `step` on are still to come."""
    reports: Reports = field(default_factory=Reports, compare=False)
    """Grows at its end while the run goes on."""

    def changes_with(self, step: int, text: str) -> tuple[Change, ...]:
        """What was changed, and now something else, of which `text` says what; "" for nothing."""
        return (*self.changes, (step, text))[-MOST_CHANGES:] if text else self.changes

    @property
    def judged(self) -> list[Report]:
        """The reports with the NLL on all words of train and dev."""
        return self.reports.judged

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

    network: Network
    step: int
    """Steps done."""
    run: int


class Session(Protocol):
    """A run that goes on somewhere: in this process, or in another one.

    Every method but `join` returns at once; what it asks for is done between two chunks of steps.
    """

    @property
    def snapshot(self) -> Snapshot:
        """How things stand."""
        ...

    @property
    def speed(self) -> float | None:
        """Steps per second at most; None for as fast as it goes."""
        ...

    def resume(self) -> None:
        """Go on with a paused run, or from the last checkpoint with one that failed."""
        ...

    def pause(self) -> None:
        """Halt the run after the chunk that it is in."""
        ...

    def step(self) -> None:
        """Do one step of a paused run; pause a running one."""
        ...

    def stop(self) -> None:
        """End the run; its network can still be sampled."""
        ...

    def set_speed(self, speed: float | None) -> None:
        """Do so many steps a second at most; None for as fast as it goes."""
        ...

    def adjust(self, recipe: Recipe, fields: Collection[str] = ADJUSTABLE) -> None:
        """Take some of what may change while a run goes on, and nothing else, from a recipe."""
        ...

    def trained(self) -> Future[Trained | None]:
        """The network as it is between two chunks, to be kept; None where there is none."""
        ...

    def close(self) -> None:
        """Leave the run."""
        ...

    def join(self) -> None:
        """Wait until the run is left, which `close` has asked for."""
        ...


def in_one_line(error: Exception) -> str:
    """What the user is told of an error, foreseen or not."""
    if isinstance(error, MakemoreError):
        return str(error)
    first = str(error).strip().splitlines()
    return f"{type(error).__name__}: {visible(first[0]) if first else 'no details'}"
