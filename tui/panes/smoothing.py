"""Smoothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.reactive import var
from textual.widgets import Static

from model.recipe import RECIPES, Recipe
from tui.panes.pane import LookingPane
from tui.training_session import Snapshot

if TYPE_CHECKING:
    pass


class SmoothingPane(LookingPane):
    """Smoothing."""

    NUMBER = 7
    TITLE = "Smoothing"
    HINT = ""
    HELP = """\
### Smoothing
"""

    DEFAULT_CLASSES = "pane"

    recipe: var[Recipe] = var(RECIPES["notebook"])
    snapshot: var[Snapshot] = var(Snapshot())

    def compose(self) -> ComposeResult:
        """Compose."""
        focus = Static("to come", classes="target")
        focus.can_focus = True
        yield focus

    def show(self) -> None:
        """Show what there is."""
