"""The layers of the network, live: how fast each one learns, and what is saturated."""

from __future__ import annotations

import math
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.reactive import var
from textual.screen import ModalScreen
from textual.widgets import Static

from model.alphabet import visible
from model.layers import GOOD_UPDATE, Activations, Layers, Weights
from model.session import Snapshot
from tui.screens.still import Still
from tui.widgets.key_bar import KeyBar
from tui.widgets.live_table import Cell, Column, LiveTable

LEVELS = " ▁▂▃▄▅▆▇█"
LOW, HIGH = -6, 0  # the decades of a ratio that are drawn
GUIDE = 19
"""Columns of a ratio's scale: three for each decade, and the last end."""
MUCH = 0.3
"""A share of saturated activations that one should think about."""
BESIDE = 60
"""Columns that the figures of a tensor need beside its name, frame and all."""
ROOMY = 66
"""Columns below which only what tells how a tensor fares is shown."""
SHORTEST, LONGEST = 10, 32
"""Columns of a name."""


class LayersScreen(Still, ModalScreen[None]):
    """Weights above, activations below, as of the last step that was reported."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q,W", "dismiss", "Back"),
        Binding("question_mark", "help", "Help", key_display="?"),
    ]
    CSS_PATH = "layers.tcss"
    HELP = """\
### The layers

Every line is a tensor of weights, as of the last step that was reported.

- **update** is how much the step changed the weights, as log10 of the update-to-weight ratio: \
**●** on its scale from -6 to 0, with **┊** at -3, about where a network learns well. Far to the \
left it hardly moves, far to the right it jumps.
- **gradient** is log10 of the gradient-to-weight ratio: layers that lie far apart learn at \
different paces.
- An activation is **saturated** where its function is flat and lets no gradient through: a tanh \
near -1 or 1, a sigmoid near 0 or 1, a relu at 0. Beside it is the histogram of its values.
"""

    snapshot: var[Snapshot] = var(Snapshot())

    def compose(self) -> ComposeResult:
        """Two tables under one line."""
        with Vertical(id="layers") as frame:
            frame.border_title = "Layers"
            yield Static(id="step", markup=False)
            yield LiveTable(id="weights")
            yield LiveTable(id="activations")
        yield KeyBar()

    def on_mount(self) -> None:
        """Show what there is."""
        self.watch_snapshot()

    def on_resize(self) -> None:
        """Fill the new width."""
        self.watch_snapshot()

    def watch_snapshot(self) -> None:
        """Show the layers of the last report."""
        if not self.is_mounted:
            return
        layers, reports = self.snapshot.layers, self.snapshot.reports
        _, last = reports.since(len(reports) - 1)
        self.query_one("#step", Static).update(_headline(layers, last[-1].step if last else 0))
        self._show_weights(layers.weights)
        self._show_activations(layers.activations)

    def action_help(self) -> None:
        """Explain the screen."""
        from tui.screens.help import HelpScreen

        self.app.push_screen(HelpScreen(self))

    def _width(self, names: list[str]) -> int:
        room = min(self.query_one("#layers").size.width + 4 - BESIDE, LONGEST)
        return max(SHORTEST, min(max(map(len, names), default=0), room))

    def _show_weights(self, weights: tuple[Weights, ...]) -> None:
        table = self.query_one("#weights", LiveTable)
        name = self._width([each.name for each in weights])
        roomy = self.size.width >= ROOMY
        shape_and_std = [Column("shape", 9, right=True), Column("std", 7, right=True)] * roomy
        columns = [
            Column("weights", name),
            *shape_and_std,
            Column("gradient", 8, right=True),
            Column("update", 6, right=True),
            Column(_ruler(), GUIDE),
        ]

        def cells(row: int) -> list[Cell]:
            each = weights[row]
            shape = "x".join(map(str, each.shape))
            figures = [shape, f"{each.std:.4f}"] * roomy
            figures += [_written(each.gradient), _written(each.update)]
            return [_fitted(each.name, name), *figures, _scale(each.update)]

        table.show(columns, range(len(weights)), cells)

    def _show_activations(self, activations: tuple[Activations, ...]) -> None:
        table = self.query_one("#activations", LiveTable)
        table.display = bool(activations)
        name = self._width([each.name for each in activations])
        roomy = self.size.width >= ROOMY
        mean_and_std = [Column("mean", 8, right=True), Column("std", 7, right=True)] * roomy
        columns = [
            Column("activations", max(name, 11)),
            *mean_and_std,
            Column("saturated", 9, right=True),
            Column("histogram", 12),
        ]

        def cells(row: int) -> list[Cell]:
            each = activations[row]
            share = f"{100 * each.saturated:.1f}%"
            if each.saturated > MUCH:
                share = Content.styled(share, "bold $text-warning")
            figures = [f"{each.mean:.3f}", f"{each.std:.3f}"] * roomy
            return [_fitted(each.name, name), *figures, share, _histogram(each.histogram)]

        table.show(columns, range(len(activations)), cells)


def _headline(layers: Layers, step: int) -> str:
    if not layers.weights:
        return "Nothing yet: a network that learns from batches shows its layers here."
    total = sum(math.prod(each.shape) for each in layers.weights)
    return f"step {step:,} · {total:,} weights · log10 of ratios · ● update, ┊ a good pace"


def _fitted(name: str, width: int) -> str:
    """The end of a name says most."""
    shown = visible(name)
    return shown if len(shown) <= width else f"…{shown[1 - width :]}"


def _written(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.2f}"


def _place(ratio: float) -> int:
    share = (ratio - LOW) / (HIGH - LOW)
    return round(min(max(share, 0), 1) * (GUIDE - 1))


def _ruler() -> str:
    marks = [" "] * GUIDE
    marks[_place(GOOD_UPDATE)] = "┊"
    marks[:2], marks[-1] = list(f"{LOW}"), f"{HIGH}"
    return "".join(marks)


def _scale(ratio: float | None) -> Content:
    """A ratio as a point on its scale."""
    marks = ["·"] * GUIDE
    marks[_place(GOOD_UPDATE)] = "┊"
    if ratio is None:
        return Content.styled("".join(marks), "$text-muted")
    place = _place(ratio)
    style = "$text-success" if abs(ratio - GOOD_UPDATE) <= 1 else "$text-warning"
    return Content.assemble(
        ("".join(marks[:place]), "$text-muted"),
        ("●", style),
        ("".join(marks[place + 1 :]), "$text-muted"),
    )


def _histogram(shares: tuple[float, ...]) -> str:
    highest = max(shares, default=0) or 1
    steps = len(LEVELS) - 1
    return "".join(
        LEVELS[max(round(steps * share / highest), 1 if share > 0 else 0)] for share in shares
    )
