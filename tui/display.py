"""What the terminal can show, and what is shown there: characters and colours."""

from __future__ import annotations

import codecs
import os
import re
import sys
from collections.abc import Sequence

from textual import on
from textual.app import App
from textual.binding import Binding
from textual.events import DescendantFocus
from textual.filter import LineFilter
from textual.reactive import var
from textual.screen import Screen
from textual.theme import Theme
from textual.widget import Widget
from textual.widgets import Input

from model.alphabet import show_in
from tui.characters import CLASS, SIGNS, ToAscii, key_name
from tui.colours import few_colours, legible
from tui.screens.still import Still
from tui.terminal import decode_keys_in
from tui.widgets.picture import Picture

UTF_8 = "utf-8"
LOW_BANDWIDTH = "-low-bandwidth"
"""The class of an app to which that applies."""
POOR = re.compile(r"linux|dumb|unknown|ansi|cons|sun|wsvt|vt\d")
"""Terminals, by the beginnings of their names, whose fonts lack braille and much else."""
ANSI = {True: "ansi-dark", False: "ansi-light"}
"""The themes of a terminal's own 16 colours: for dark and light ones of more."""


def written_in() -> str:
    """The encoding that Python writes in."""
    return codecs.lookup(getattr(sys.__stderr__, "encoding", None) or UTF_8).name


def encoding() -> str:
    """What the terminal reads: what the locale names, unless Python writes something else.

    In the locale C, where Python writes UTF-8 because that is mostly right, it is ASCII only if
    LC_ALL says so.
    """
    if written_in() != UTF_8:
        return written_in()
    variables = (os.environ.get(name) for name in ("LC_ALL", "LC_CTYPE", "LANG"))
    named = next(filter(None, variables), UTF_8)
    if re.search("utf-?8", named, re.IGNORECASE):
        return UTF_8
    try:
        return codecs.lookup(named.partition(".")[2].partition("@")[0]).name
    except LookupError:
        return "ascii"


def lacks_characters() -> bool:
    """Whether the terminal shows ASCII alone, as far as one can tell."""
    return encoding() != UTF_8 or POOR.match(os.environ.get("TERM", "")) is not None


def over_ssh() -> bool:
    """Whether the terminal is at the other end of a connection."""
    return any(name in os.environ for name in ("SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"))


class PanesScreen(Still, Screen[None]):
    """The screen below all others."""


class Display(App[None]):
    """An app that shows what the terminal can."""

    ascii_only: var[bool] = var(False, init=False)
    low_bandwidth: var[bool] = var(False, init=False)
    """Whether less is sent: fewer updates, and fewer looks into the network."""

    def __init__(self) -> None:
        if os.environ.get("TERM", "").startswith("screen") and "TMUX" not in os.environ:
            # GNU screen does not pass on the colours that the terminal around it promises.
            os.environ.pop("COLORTERM", None)
        super().__init__(ansi_color=True if "NO_COLOR" in os.environ else None)
        decode_keys_in(encoding())
        self._to_ascii = ToAscii(encoding())
        # Nothing moves by itself: each tick would be sent, and delay the key that comes next.
        self.animation_level = "none"
        self._own_theme = ""
        """The one that was taken because of the terminal, and not wished for."""

    def get_default_screen(self) -> Screen[None]:
        """The screen below all others."""
        return PanesScreen(id="_default")

    def get_line_filters(self) -> Sequence[LineFilter]:
        """What each line that was drawn goes through."""
        return [*super().get_line_filters(), *([self._to_ascii] if self.ascii_only else [])]

    def get_key_display(self, binding: Binding) -> str:
        """How a key is written."""
        shown = super().get_key_display(binding)
        return key_name(shown) if self.ascii_only else shown

    def get_css_variables(self) -> dict[str, str]:
        """The colours and other values that the sheets refer to."""
        variables = super().get_css_variables()
        if self.current_theme.ansi:
            return variables
        return variables | legible(variables, dark=self.current_theme.dark)

    def show_ascii(self, wish: bool | None) -> None:
        """Show ASCII alone, or not; None for what suits the terminal."""
        wished = lacks_characters() if wish is None else wish
        ascii_only = wished or written_in() != UTF_8
        show_in(encoding() if ascii_only else UTF_8, SIGNS)  # for what is drawn anew
        self.ascii_only = ascii_only

    def watch_ascii_only(self) -> None:
        """Draw everything anew."""
        self.set_class(self.ascii_only, CLASS)
        for screen in self.screen_stack:
            for widget in screen.walk_children(Widget):
                widget.refresh()
                if isinstance(widget, Picture):
                    widget.redraw()

    def watch_low_bandwidth(self) -> None:
        """Say it."""
        self.set_class(self.low_bandwidth, LOW_BANDWIDTH)

    @on(DescendantFocus)
    def still_cursor(self, message: DescendantFocus) -> None:
        """Let no cursor blink: while nothing happens, nothing is sent."""
        if isinstance(message.widget, Input):
            message.widget.cursor_blink = False

    def take_theme(self, wish: str) -> None:
        """Take a theme; of one with more colours than the terminal has, what is most like it."""
        wished: Theme = self.available_themes[wish]
        if self.no_color or (few_colours(self.console) and not wished.ansi):
            self._own_theme = ANSI[wished.dark]
        self.theme = self._own_theme or wish

    def wished(self, theme: str) -> bool:
        """Whether a theme that was taken is to be remembered."""
        return not self.no_color and theme != self._own_theme
