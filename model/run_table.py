"""Runs side by side: what fixes them, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from model.nets import sizes
from model.recipe import SIZES, Recipe
from model.runs import Run

FIGURES = {
    "loss": ".4f",
    "floor": ".4f",
    "gap": ".4f",
    "train": ".4f",
    "dev": ".4f",
    "weight_decay": "g",
    "dropout": "g",
    "batch_size": ",",
    "seconds": ",.1f",
    "steps_per_second": ",.0f",
    "learning_rate": "g",
    "l2": "g",
    "words": ",",
    "steps": ",",
    "step": ",",
}
"""How numbers are written."""


class Compared(NamedTuple):
    """One figure of several runs."""

    name: str
    values: tuple[str, ...]
    """Of each run, as it is shown."""
    differs: bool


def figures(run: Run) -> dict[str, Any]:
    """What fixes a run, and how far it came; None for what is not known."""
    status, recipe = run.status, run.recipe
    gap = None
    # The loss of one batch is a matter of luck, and no distance from a floor.
    if status.loss is not None and status.floor is not None and not recipe.batch_size:
        gap = status.loss - status.floor
    return {
        "name": run.name,
        "id": run.id,
        "created": run.created,
        "phase": status.phase.value,
        "process": status.process if run.live else None,
        "corpus": run.corpus.name,
        "words": run.corpus.words,
        "model": recipe.model,
        "n": recipe.n,
        "recipe": recipe.title,
        "optimiser": recipe.optimiser,
        "schedule": recipe.schedule,
        "learning_rate": recipe.learning_rate,
        "l2": recipe.l2,
        **_of_batches(recipe),
        "seed": recipe.seed,
        "steps": recipe.steps,
        "step": status.step,
        "loss": status.loss,
        "floor": status.floor,
        "gap": gap,
        "train": status.train,
        "dev": status.dev,
        "seconds": status.seconds,
        "steps_per_second": status.step / status.seconds if status.seconds else None,
        "error": status.error or None,
    }


def _of_batches(recipe: Recipe) -> dict[str, Any]:
    """What fixes a run besides, if it learns from batches."""
    names = ("data", "batch_size", "weight_decay", "dropout", *sizes(recipe.model))
    return {
        name: getattr(recipe, name) if recipe.batch_size and name in names else None
        for name in ("data", "batch_size", "weight_decay", "dropout", *SIZES)
    }


def compared(runs: Sequence[Run]) -> list[Compared]:
    """The figures of several runs, line by line."""
    columns = [figures(run) for run in runs]
    lines: list[Compared] = []
    for name in columns[0]:
        values = [column[name] for column in columns]
        if any(value is not None for value in values):
            shown = tuple(written(name, value) for value in values)
            lines.append(Compared(name.replace("_", " "), shown, len(set(values)) > 1))
    return lines


def written(name: str, value: Any) -> str:
    """A figure as it is shown; the caller makes what comes from files visible."""
    if value is None:
        return "-"
    if name == "created":
        return value[:16].replace("T", " ")
    return format(value, FIGURES.get(name, ""))
