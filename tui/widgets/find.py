"""A line to type what is to be found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.events import Blur
from textual.message import Message
from textual.widgets import Input

from tui.screens.forms import SHOWN


class Find(Input):
    """Opens, says at each key what is wanted, and closes on `enter`, or on `escape` with regret."""

    @dataclass
    class Wanted(Message):
        """Something is to be found: the first match, or one further on."""

        text: str
        match: int
        """Counted from 0; may be negative or larger than the number of matches."""

    @dataclass
    class Closed(Message):
        """Nothing more is to be found."""

        keep: bool
        """Whether to stay at what was found."""
        by_key: bool
        """Whether the focus is left to whom it was taken from."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "go_on(-1)", "Match before"),
        Binding("down", "go_on(1)", "Next match"),
        Binding("escape", "close(False)", "Go back"),
    ]
    DEFAULT_CSS = """
    Find { display: none; }
    Find.-open { display: block; }
    """

    _match = 0

    def __init__(self, placeholder: str, id: str | None = None) -> None:
        super().__init__(placeholder=placeholder, restrict=SHOWN, compact=True, id=id)

    def open(self) -> None:
        """Be there, empty."""
        self.value = ""
        self.add_class("-open")
        self.focus()

    @on(Input.Changed)
    def look_for_another(self, message: Input.Changed) -> None:
        """Begin with the first match."""
        message.stop()
        self._match = 0
        if self.has_class("-open"):
            self.post_message(self.Wanted(self.value, 0))

    def action_go_on(self, by: int) -> None:
        """Go to another match."""
        self._match += by
        self.post_message(self.Wanted(self.value, self._match))

    @on(Input.Submitted)
    def stay(self, message: Input.Submitted) -> None:
        """Close at what was found."""
        message.stop()
        self.action_close(True)

    @on(Blur)
    def give_way(self) -> None:
        """Close where something else is gone to."""
        self.action_close(True, by_key=False)

    def action_close(self, keep: bool, by_key: bool = True) -> None:
        """Be gone."""
        if self.has_class("-open"):
            self.remove_class("-open")
            self.post_message(self.Closed(keep, by_key))
