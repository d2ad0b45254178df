"""What all screens have in common."""

from __future__ import annotations

from typing import Any

from textual._compositor import Compositor, ReflowResult
from textual.geometry import Size
from textual.reactive import Reactive
from textual.widget import Widget


class ToldLayout(Compositor):
    """A layout of the screen that tells each widget when it comes to be seen, or is no more.

    Textual compares with a map that it also makes anew whenever somebody asks where a widget is.
    Where that was asked before the screen was laid out, as on a machine that is busy, the widget
    was not told that it is shown, nor how large it is.
    """

    def __init__(self) -> None:
        super().__init__()
        self._told: frozenset[Widget] = frozenset()
        """Those that know they are seen."""

    def reflow(self, parent: Widget, size: Size) -> ReflowResult:
        """Lay out all there is, and say what came, what went, and what changed its size."""
        result = super().reflow(parent, size)
        told, self._told = self._told, frozenset(self.widgets)
        return ReflowResult(
            hidden=set(told - self._told),
            shown=result.shown | (self._told - told),
            resized=result.resized,
        )


class Still:
    """Mixed into a screen: a change of the focus draws nothing that did not change."""

    focused: Reactive[Widget | None] = Reactive(None, repaint=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._compositor = ToldLayout()
