"""What all screens have in common."""

from __future__ import annotations

from textual.reactive import Reactive
from textual.widget import Widget


class Still:
    """Mixed into a screen: when the focus changes, it is not drawn anew as a whole."""

    focused: Reactive[Widget | None] = Reactive(None, repaint=False)
