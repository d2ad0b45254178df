"""The last row: the keys that one wants most, of those that work now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual.binding import ActiveBinding
from textual.content import Content
from textual.events import Click, MouseMove
from textual.screen import Screen
from textual.style import Style
from textual.widget import Widget

KEY = "key-bar--key"
LAST = 2  # keys that stay where there is no room for all


class KeyBar(Widget):
    """Keys and what they do; a click presses one.

    Textual's own footer has a widget for each, and lays the screen out anew for them at each change
    of the focus: that takes longer than to show another pane.
    """

    ALLOW_SELECT: ClassVar[bool] = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {KEY}
    DEFAULT_CSS = """
    KeyBar {
        dock: bottom;
        height: 1;
        text-wrap: nowrap;
        color: $footer-description-foreground;
        background: $footer-background;
        & > .key-bar--key { color: $footer-key-foreground; text-style: bold; }
    }
    """

    _keys: Mapping[str, ActiveBinding] = {}

    def on_mount(self) -> None:
        """Follow what works now."""
        self.screen.bindings_updated_signal.subscribe(self, self._follow)

    def _follow(self, screen: Screen[object]) -> None:
        if not self.app.app_focus:  # nothing has the focus, until the terminal has it again
            return
        keys: dict[str, ActiveBinding] = {}  # the first one of each action
        for one in screen.active_bindings.values():
            if one.binding.show:
                keys.setdefault(one.binding.action, one)
        if keys != self._keys:
            self._keys = keys
            self.refresh()

    def render(self) -> Content:
        """Return the row."""
        keys = [self._key(one) for one in self._keys.values()]
        # Help and the way out stand last, and stay longest.
        while len(keys) > LAST and sum(key.cell_length for key in keys) > self.size.width:
            del keys[-LAST - 1]
        return Content("").join(keys)

    def _key(self, one: ActiveBinding) -> Content:
        place = Style(dim=not one.enabled or None) + Style.from_meta({"key": one.binding.key})
        return Content.assemble(
            (f" {self.app.get_key_display(one.binding)} ", self.get_visual_style(KEY) + place),
            (f"{one.binding.description} ", place),
        )

    def on_click(self, event: Click) -> None:
        """Press the key."""
        if key := event.style.meta.get("key"):
            self.app.simulate_key(key)

    def on_mouse_move(self, event: MouseMove) -> None:
        """Tell more about the key."""
        tips = {one.binding.key: one.tooltip or one.binding.tooltip for one in self._keys.values()}
        self.tooltip = tips.get(event.style.meta.get("key", ""))
