"""How far a run on disk came, as the process that trains it last wrote it down."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from model.recipe import MOST_STEPS, Change
from model.session import Phase

MOST_NUMBER, LEAST_SECONDS = 1e300, 1e-9  # which can be subtracted and divided by


@dataclass(frozen=True)
class Status:
    """How far a run came, as of the last time that it was written down."""

    phase: Phase = Phase.IDLE
    step: int = 0
    loss: float | None = None
    floor: float | None = None
    seconds: float = 0.0
    """Spent training, over all its processes."""
    error: str = ""
    process: int = 0
    """The number of the process that wrote it."""
    changes: tuple[Change, ...] = ()
    """What was changed while it went on."""
    train: float | None = None
    """The NLL on all words of train, as of the last time that it was judged."""
    dev: float | None = None
    """The best that it has reached on dev."""

    @property
    def stored(self) -> dict[str, Any]:
        """What a file holds of it."""
        return {**asdict(self), "phase": self.phase.value}

    @classmethod
    def of(cls, stored: Any) -> Status:
        """The status that a file holds, `asdict` of it in JSON.

        Raises:
            ValueError, TypeError, LookupError: the file holds something else.
        """
        phase = Phase(stored["phase"])
        kinds = {"step": int, "seconds": float, "error": str, "process": int}
        values = {name: stored[name] for name in (*kinds, "loss", "floor")}
        if not all(type(values[name]) is kind for name, kind in kinds.items()):
            raise ValueError("a value of another type")
        values |= {name: stored.get(name) for name in ("train", "dev")}
        numbers = [values[name] for name in ("seconds", "loss", "floor", "train", "dev")]
        known = [number for number in numbers if number is not None]
        if not all(type(number) is float and abs(number) < MOST_NUMBER for number in known):
            raise ValueError("a value that is no number")
        seconds = values["seconds"]
        if not (seconds == 0 or seconds > LEAST_SECONDS):
            raise ValueError("no usable seconds")
        if not 0 <= values["step"] <= MOST_STEPS or values["process"] < 0:
            raise ValueError("a value out of range")
        return cls(phase, **values, changes=changes_of(stored.get("changes", [])))


def changes_of(stored: Any) -> tuple[Change, ...]:
    """The changes that JSON holds.

    Raises:
        ValueError, TypeError: it holds something else.
    """
    changes = tuple((step, text) for step, text in stored)
    if not all(type(step) is int and step >= 0 and type(text) is str for step, text in changes):
        raise ValueError("no usable changes")
    return changes
