"""A question that is better not answered by accident."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from tui.screens.still import Still


class Question(Still, ModalScreen[bool]):
    """A few lines and two buttons, of which the one that changes nothing has the focus."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "dismiss(True)", "Yes"),
        Binding("n,escape", "dismiss(False)", "No"),
        Binding("left,right", "app.focus_next", "Other answer"),
    ]
    CSS_PATH = "question.tcss"

    def __init__(self, title: str, text: str, yes: str, no: str) -> None:
        """Ask; `yes` and `no` say what each answer does."""
        super().__init__()
        self._title, self._text = title, text
        self._yes, self._no = yes, no

    def compose(self) -> ComposeResult:
        """The text above the buttons."""
        with Vertical(id="question") as frame:
            frame.border_title = self._title
            yield Static(self._text, markup=False)
            with Horizontal(id="answers"):
                yield Button(f"{self._no} (n)", id="no", compact=True)
                yield Button(f"{self._yes} (y)", variant="error", id="yes", compact=True)

    def on_mount(self) -> None:
        """Let `enter` change nothing."""
        self.query_one("#no").focus()

    @on(Button.Pressed)
    def answer(self, message: Button.Pressed) -> None:
        """Leave with the answer."""
        self.dismiss(message.button.id == "yes")
