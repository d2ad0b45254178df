"""How far something is, as a line."""

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget


class ProgressLine(Widget):
    """A line of which a share is done: by its form as well as by its colour.

    Textual's own has a clock for the time that is left, and is drawn anew at every tick.
    """

    DEFAULT_CSS = "ProgressLine { height: 1; }"

    share: reactive[float] = reactive(0.0)
    """From 0 to 1."""

    def render(self) -> Content:
        """Return the line."""
        width = self.size.width
        done = min(int(self.share * width), width)
        colour = "$text-success" if self.share >= 1 else "$text-primary"
        return Content.assemble(("━" * done, colour), ("─" * (width - done), "$panel"))
