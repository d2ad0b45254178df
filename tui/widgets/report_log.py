"""The log of a run: the notebook's lines, of which only the visible ones are drawn."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from model.alphabet import visible
from model.reports import Report, Reports

HEAD = f"{'step':>6} {'lr':<8} {'loss':<7} samples"


class ReportLog(ScrollView, can_focus=True):
    """Lines of reports under a head; at its end it follows what is added."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"report-log--head"}
    DEFAULT_CSS = """
    ReportLog > .report-log--head { color: $text-muted; text-style: bold; }
    """

    _reports: Reports
    _count = 0
    _following = True
    """Whether the last report is to be seen. While another screen is above, nothing scrolls: where
    the log stands does not tell."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._reports = Reports()

    def show(self, reports: Reports) -> None:
        """Show these reports, which may have grown since, or be others."""
        if reports is self._reports and len(reports) == self._count:
            return
        following = reports is not self._reports or self._following
        self._following = following
        self._reports, self._count = reports, len(reports)
        laid_out = self._lengthen()
        if following:
            self.scroll_end(animate=False, immediate=laid_out)  # in the same frame, if possible
        self.refresh()

    def _lengthen(self) -> bool:
        """Take note of how many lines there are; whether that needs no new layout."""
        size, before = Size(self.size.width, 1 + self._count), self.virtual_size
        grown = size.width == before.width and size.height >= before.height
        laid_out = grown and self.show_vertical_scrollbar
        if laid_out:
            # As the reactive does, without laying the whole screen out for a longer scrollbar.
            self.set_reactive(ScrollView.virtual_size, size)  # pyright: ignore[reportArgumentType]
            self.vertical_scrollbar.window_virtual_size = size.height
        else:
            self.virtual_size = size
        return laid_out

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Follow again, or no more, when somebody scrolls."""
        super().watch_scroll_y(old_value, new_value)
        self._following = self.is_vertical_scroll_end

    def render_line(self, y: int) -> Strip:
        """The head, and below it the reports that are scrolled to."""
        width = self.size.width
        if y == 0:
            text, style = HEAD, self.get_component_rich_style("report-log--head")
        else:
            number = self.scroll_offset.y + y - 1
            report = self._reports[number] if number < self._count else None
            text = line(report, width) if report else ""
            style = Style()
        strip = Strip([Segment(text, self.visual_style.rich_style + style)])
        return strip.adjust_cell_length(width, self.visual_style.rich_style)


def line(report: Report, width: int) -> str:
    """A report as the notebook prints it, in columns, cut where the room ends."""
    words = ", ".join(visible(word) or "(empty)" for word in report.samples)
    text = Text(f"{report.step:>6} {report.lr:<8.3g} {_loss(report.loss):<7} {words}")
    text.truncate(width - 1, overflow="ellipsis")
    return text.plain


def _loss(loss: float) -> str:
    return f"{loss:.4f}" if loss < 1000 else f"{loss:.1e}"
