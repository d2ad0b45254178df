"""What the pane shows, and every key that works in it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.dom import DOMNode
from textual.keys import format_key, key_to_character
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Markdown, Static

from tui.characters import CLASS as ASCII
from tui.characters import key_name
from tui.keys import bindings_of
from tui.screens.still import Still

ALWAYS = [
    Binding("tab", "", "Next pane", tooltip="Or the next field of a form"),
    Binding("enter", "", "Choose", tooltip="Follow what is under the cursor"),
    Binding("ctrl+p", "", "Commands", tooltip="Every command; theme, characters, bandwidth"),
]


class HelpScreen(Still, ModalScreen[None]):
    """The explanation on the left and the keys on the right, or one above the other."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q", "dismiss", "Close"),
    ]
    CSS_PATH = "help.tcss"

    def __init__(
        self, node: DOMNode, everywhere: Iterable[Binding] = (), focused: Widget | None = None
    ) -> None:
        """Make the help of a pane or screen: its `HELP`, its own keys, and those of the app.

        What the focused widget in it takes for itself works only when it is left.
        """
        super().__init__()
        self._text = node.HELP or ""
        self._focused = focused
        own = [*bindings_of(node), *(bindings_of(focused) if focused else ())]
        self._listed: dict[str, Binding] = {}
        for binding in (*own, *everywhere, *ALWAYS):
            self._listed.setdefault(binding.key, binding)

    def compose(self) -> ComposeResult:
        """Lay both parts out in one scroll."""
        with VerticalScroll(id="help") as frame:
            frame.border_title = "Help"
            frame.border_subtitle = "escape closes"
            yield Markdown(self._text, open_links=False)
            with Vertical(id="keys"):
                yield Static(self._keys())

    def _keys(self) -> Table:
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(justify="right", no_wrap=True)
        table.add_column(no_wrap=True)
        table.add_column(style="dim")
        for binding in self._listed.values():
            about = binding.tooltip
            key = binding.key.split(",")[0]
            if self._focused and self._focused.check_consume_key(key, key_to_character(key)):
                about = f"{about} (after esc)"
            name = key_name(shown(binding)) if self.app.has_class(ASCII) else shown(binding)
            table.add_row(Text(name, "bold"), binding.description, about)
        return table


def shown(binding: Binding) -> str:
    """How the key of a binding is written."""
    return binding.key_display or format_key(binding.key.split(",")[0])
