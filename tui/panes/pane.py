"""What the three panes have in common."""

from typing import ClassVar

from textual.containers import Vertical
from textual.widget import Widget


class Pane(Vertical):
    """A framed part of the workbench with a number to reach it by."""

    NUMBER: ClassVar[int]
    TITLE: ClassVar[str]
    HINT: ClassVar[str]
    """The keys of the pane, for its frame."""

    ROOMY = 60
    """Columns from which a pane lays its contents out side by side."""

    def on_mount(self) -> None:
        """Put the number and the name into the frame."""
        self.border_title = f"{self.NUMBER} {self.TITLE}"
        self.border_subtitle = self.HINT

    def on_resize(self) -> None:
        """Choose between the layouts."""
        self.set_class(self.size.width >= self.ROOMY, "-roomy")

    @property
    def target(self) -> Widget:
        """What takes the focus when the pane is gone to."""
        return self.query(".target").first()
