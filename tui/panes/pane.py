"""What the panes have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Region
from textual.reactive import var
from textual.strip import Strip
from textual.widget import Widget

from model.corpus import Corpus
from tui.look import Look

if TYPE_CHECKING:
    from model.counts import CountModel


class Pane(Vertical):
    """A framed part of the workbench with a number to reach it by."""

    NUMBER: ClassVar[int]
    TITLE: ClassVar[str]
    HINT: ClassVar[str]
    """The keys of the pane, for its frame."""
    DEFAULT_CLASSES = "pane"

    FOLLOWS: ClassVar[tuple[str, ...]] = ("corpus", "counts")
    """What of the workbench's state the pane has as its own."""
    BESIDE: ClassVar[bool] = False
    """Whether a wide screen shows the pane together with others."""
    ROOMY = 60
    """Columns from which a pane lays its contents out side by side."""
    CRAMPED = 48, 14
    """Columns and lines below which a pane shows its main thing alone."""

    active: var[bool] = var(False, init=False)
    """Whether it is the one that was gone to."""
    caption: var[str] = var("")
    """What is written into the frame, after the number."""

    def on_mount(self) -> None:
        """Put the name and the keys into the frame."""
        self.caption = self.TITLE
        self.border_subtitle = self.HINT

    def watch_caption(self) -> None:
        """Write it."""
        # The sheet could colour it as well, but would have all that is in the pane drawn anew.
        title = Content(f"{self.NUMBER} {self.caption}")
        self.border_title = title.stylize("bold $text-accent") if self.active else title  # pyright: ignore[reportAttributeAccessIssue]

    def watch_active(self) -> None:
        """Let the frame tell."""
        self.set_class(self.active, "-active", update=False)
        self.watch_caption()

    def on_resize(self) -> None:
        """Choose between the layouts."""
        self.set_class(self.size.width >= self.ROOMY, "-roomy")
        cramped = self.size.width < self.CRAMPED[0] and self.size.height < self.CRAMPED[1]
        self.set_class(cramped, "-cramped")

    def render_lines(self, crop: Region) -> list[Strip]:
        """The frame, of which all lines between the first and the last are drawn as one.

        A pane that comes back is drawn anew, and its lines are what takes longest of it.
        """
        last, draw = self.outer_size.height - 1, super().render_lines
        lines = [min(y, 1) if y < last else y for y in crop.line_range]
        drawn = {y: draw(Region(crop.x, y, crop.width, 1))[0] for y in set(lines)}
        return [drawn[y] for y in lines]

    @property
    def looks(self) -> bool:
        """Whether the pane shows the inside of the network while it learns."""
        return "look" in self.FOLLOWS

    @property
    def target(self) -> Widget:
        """What takes the focus when the pane is gone to."""
        return self.query(".target").first()


class LookingPane(Pane):
    """A pane that compares counts and network while it learns, and rests while it is hidden."""

    FOLLOWS = ("corpus", "counts", "look")

    corpus: var[Corpus | None] = var(None, init=False)
    counts: var[CountModel | None] = var(None, init=False)
    look: var[Look | None] = var(None, init=False)

    seen = False
    """Whether anybody can see it."""
    _missed = True
    """Whether something has changed that it does not show."""

    def on_show(self) -> None:
        """Show what came while nobody could see it."""
        self.seen = True
        if self._missed:
            self.changed()

    def on_hide(self) -> None:
        """Rest."""
        self.seen = False

    def watch_counts(self) -> None:
        """Show another corpus, order or smoothing."""
        self.changed()

    def watch_look(self) -> None:
        """Show what the network is now."""
        self.changed()

    def changed(self) -> None:
        """Show what there is, if anybody can see it."""
        self._missed = not self.seen
        if self.seen:
            self.show()

    def show(self) -> None:
        """Show the corpus, the counts and the look as they are; each pane in its own way."""
