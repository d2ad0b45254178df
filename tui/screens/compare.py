"""Runs side by side: what fixed them, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import DataTable, Footer, Static

from model.alphabet import visible
from model.run_table import Compared

NARROWEST, WIDEST = 14, 26  # columns of a run
PADDING = 2  # of a column
BESIDE = 6  # columns for the mark, and around it


class CompareScreen(ModalScreen[None]):
    """One line a figure, one column a run; what differs stands out."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "dismiss", "Back"),
        Binding("question_mark", "help", "Help", key_display="?"),
    ]
    CSS_PATH = "runs.tcss"
    HELP = """\
### Runs side by side

A column is a run, a line what fixed it or what came of it. **≠** marks the lines in which the \
runs differ; `left` and `right` scroll where there are more runs than room.
"""

    def __init__(self, lines: Sequence[Compared]) -> None:
        """Show the figures of runs, the first of which is the name."""
        super().__init__()
        self._lines = lines

    def compose(self) -> ComposeResult:
        """The table over the legend."""
        with Vertical(id="compare") as frame:
            frame.border_title = f"{len(self._lines[0].values)} runs side by side"
            yield DataTable(cursor_type="none", fixed_columns=2)
            yield Static(id="legend")
        yield Footer(show_command_palette=False)

    def on_resize(self) -> None:
        """Give each run its share of the width, unless that is too little to be read."""
        table = self.query_one(DataTable)
        heads = max(len(line.name) for line in self._lines)
        runs = len(self._lines[0].values)
        share = (table.size.width - heads - BESIDE) // runs - PADDING
        width = min(max(share, NARROWEST), WIDEST)
        table.clear(columns=True)
        table.add_column("", width=1)
        table.add_column("", width=heads)
        for name in self._lines[0].values:
            table.add_column(_cut(name, width), width=width)
        for line in self._lines[1:]:
            style = "bold" if line.differs else "dim"
            texts = [_cut(value, width, style) for value in line.values]
            table.add_row("≠" * line.differs, Text(line.name, style), *texts)
        more = " · ← → for the other runs" if share < NARROWEST else ""
        self.query_one("#legend", Static).update(f"≠ differs{more}")

    def action_help(self) -> None:
        """Explain the screen."""
        from tui.screens.help import HelpScreen

        self.app.push_screen(HelpScreen(self))


def _cut(text: str, width: int, style: str = "") -> Text:
    shown = Text(visible(text), style)
    shown.truncate(width, overflow="ellipsis")
    return shown
