"""Lens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.reactive import var
from textual.widgets import Static

from tui.panes.pane import LookingPane

if TYPE_CHECKING:
    pass


class LensPane(LookingPane):
    """Lens."""

    NUMBER = 5
    TITLE = "Lens"
    HINT = ""
    HELP = """\
### Lens
"""

    DEFAULT_CLASSES = "pane"

    word: var[str] = var("")

    def compose(self) -> ComposeResult:
        """Compose."""
        focus = Static("to come", classes="target")
        focus.can_focus = True
        yield focus

    def show(self) -> None:
        """Show what there is."""
