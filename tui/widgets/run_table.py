"""The runs on disk, one a row, as wide or as narrow as there is room."""

from __future__ import annotations

from collections.abc import Sequence, Set
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from textual.binding import Binding, BindingType

from model.alphabet import visible
from model.runs import Run
from model.session import Phase
from tui.widgets.live_table import Cell, Column, LiveTable

SIGNS = {
    Phase.IDLE: "○",
    Phase.PREPARING: "⧗",
    Phase.RUNNING: "►",
    Phase.PAUSED: "‖",
    Phase.STOPPED: "■",
    Phase.FINISHED: "✓",
    Phase.FAILED: "✗",
    Phase.INTERRUPTED: "↯",
}
NARROW = (
    Column("", 1),
    Column("", 1),
    Column("run", 8),
    Column("recipe", 12),
    Column("done", 4, right=True),
    Column("loss", 7, right=True),
    Column("gap", 6, right=True),
    Column("in", 7, right=True),
    Column("age", 4, right=True),
)
WIDE = (
    *NARROW[:3],
    Column("corpus", 16),
    Column("recipe", 16),
    Column("step", 10, right=True),
    Column("of", 10, right=True),
    *NARROW[5:],
)
ROOMY = 110  # columns
LEAST = ("in", "recipe", "gap", "age")
"""What is left out where there is less room than for all, in this order."""
AGES = (("y", 31_557_600), ("d", 86_400), ("h", 3600), ("m", 60), ("s", 1))
"""Units of age, in seconds."""


class Listed(NamedTuple):
    """A run as it was when the directory was read."""

    run: Run
    figures: dict[str, Any]
    """Of `model.run_table`."""
    here: bool
    """Whether this app has it open."""

    @property
    def phase(self) -> Phase:
        """Where it stands."""
        return Phase(self.figures["phase"])

    @property
    def place(self) -> str:
        """Who has it open."""
        return "app" if self.here else f"{self.figures['process'] or ''}"

    def matches(self, wanted: str) -> bool:
        """Whether each of some words is in the name, the corpus, the recipe or the state."""
        keys = ("name", "id", "corpus", "recipe", "phase")
        text = " ".join(str(self.figures[key]) for key in keys) + f" n={self.figures['n']}"
        return all(word in text.lower() for word in wanted.lower().split())

    def described(self) -> str:
        """More about it, in four lines."""
        figures, recipe = self.figures, self.run.recipe
        where = f" in {'this app' if self.here else f'process {self.place}'}" if self.place else ""
        lines = [
            [
                f"{SIGNS[self.phase]} {self.phase.value}{where}",
                f"step {figures['step']:,} of {figures['steps']:,}",
                f"{figures['seconds']:,.1f} s of training",
            ],
            [
                f"{visible(figures['corpus'])}, {figures['words']:,} words",
                f"begun {visible(self.run.created[:16].replace('T', ' '))} UTC",
                visible(self.run.name),
            ],
            [
                f"{visible(recipe.title)} n={recipe.n}",
                f"{recipe.optimiser}, lr {recipe.learning_rate:g} {recipe.schedule}",
                *([f"L2 {recipe.l2:g}"] if recipe.l2 else []),
                f"seed {recipe.seed}",
            ],
            [visible(figures["error"] or "")],
        ]
        return "\n".join(" · ".join(parts) for parts in lines)


class RunTable(LiveTable):
    """The runs, with a cursor and with marks."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Open", tooltip="Follow it, or take it up where it stopped"),
    ]

    _runs: Sequence[Listed] = ()

    @property
    def current(self) -> Listed | None:
        """The run under the cursor."""
        return self._runs[self.cursor] if self.cursor < len(self._runs) else None

    def list(self, runs: Sequence[Listed], marked: Set[Path]) -> None:
        """Show these runs, some of them marked."""
        self._runs = runs
        columns = list(WIDE if self.size.width >= ROOMY else NARROW)
        place = [column.head for column in columns].index("run")
        for head in LEAST:
            if sum(column.width + 1 for column in columns) > self.size.width:
                columns = [column for column in columns if column.head != head]
        others = sum(column.width + 1 for column in columns) - columns[place].width
        columns[place] = Column("run", max(columns[place].width, self.size.width - others))
        heads = [column.head for column in columns[2:]]

        def cells(row: int) -> list[Cell]:
            listed = runs[row]
            mark = "●" if listed.run.folder in marked else ""
            texts = _texts(listed)
            return [mark, SIGNS[listed.phase], *(texts[head] for head in heads)]

        self.show(columns, [listed.run.id for listed in runs], cells)


def nats(number: float) -> str:
    """A loss; one that has diverged is no longer written out."""
    return f"{number:.4f}" if abs(number) < 1e6 else f"{number:.4g}"


def _texts(listed: Listed) -> dict[str, str]:
    """What can be in a row, by the head of its column."""
    figures = listed.figures
    loss, gap = figures["loss"], figures["gap"]
    return {
        "run": visible(listed.run.name),
        "corpus": visible(figures["corpus"]),
        "recipe": f"n={figures['n']} {visible(figures['recipe'])}",
        "step": f"{figures['step']:,}",
        "of": f"{figures['steps']:,}",
        "done": f"{100 * figures['step'] // figures['steps']}%",
        "loss": "" if loss is None else nats(loss),
        "gap": _gap(gap, figures["dev"]),
        "in": listed.place,
        "age": _age(listed.run.created),
    }


def _gap(gap: float | None, dev: float | None) -> str:
    """How far a run is from its floor; of one that is judged on words held out, what it reached."""
    if dev is not None:
        return f"dev {dev:.2f}"
    return "" if gap is None else nats(gap)


def now() -> datetime:
    """The time that ages are counted to."""
    return datetime.now(UTC)


def _age(created: str) -> str:
    """How long ago that was, in the largest unit that there is one of."""
    try:
        seconds = (now() - datetime.fromisoformat(created)).total_seconds()
    except (ValueError, TypeError):  # no date, or one without a zone
        return ""
    for unit, length in AGES:
        if seconds >= length:
            return f"{min(seconds // length, 999):.0f}{unit}"
    return "now"
