"""Roads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.widgets import Static

from tui.panes.pane import LookingPane

if TYPE_CHECKING:
    pass


class RoadsPane(LookingPane):
    """Roads."""

    NUMBER = 6
    TITLE = "Roads"
    HINT = ""
    HELP = """\
### Roads
"""

    DEFAULT_CLASSES = "pane"

    def compose(self) -> ComposeResult:
        """Compose."""
        focus = Static("to come", classes="target")
        focus.can_focus = True
        yield focus

    def show(self) -> None:
        """Show what there is."""
