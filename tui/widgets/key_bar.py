"""The last row: the keys that one wants most."""

from textual.binding import ActiveBinding
from textual.screen import Screen
from textual.widgets import Footer


class KeyBar(Footer):
    """A footer that is made anew only when it would show something else.

    Textual's own is made anew, and with it the layout of the screen, at each change of the focus.
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, show_command_palette=False)
        self._shown: list[tuple[str, str, bool]] = []

    def bindings_changed(self, screen: Screen[object]) -> None:
        """Show the keys that work now."""
        active = screen.active_bindings.values()
        shown = [self._seen(one) for one in active if one.binding.show]
        if shown != self._shown and self.app.app_focus:
            self._shown = shown
            super().bindings_changed(screen)

    def _seen(self, active: ActiveBinding) -> tuple[str, str, bool]:
        key = self.app.get_key_display(active.binding)
        return key, active.binding.description, active.enabled
