"""Runs side by side: what fixed them, what came of it, and their losses on one chart."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_lowercase, ascii_uppercase
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.content import Content
from textual.events import DescendantBlur, DescendantFocus
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import DataTable, Static

from model.alphabet import visible
from model.errors import MakemoreError
from model.run_table import Compared, compared
from model.runs import HISTORY, Run
from model.session import Phase
from tui.screens.still import Still
from tui.widgets.axes import round_down, round_step
from tui.widgets.chart import Reference
from tui.widgets.curve import Curve
from tui.widgets.curves import Curves
from tui.widgets.key_bar import KeyBar
from tui.workbench import Workbench

if TYPE_CHECKING:
    from torch import Tensor

    from model.history_tail import HistoryTail

LETTERS = ascii_uppercase + ascii_lowercase
NARROWEST, WIDEST = 14, 26  # columns of a run
PADDING = 2  # of a column
BESIDE = 6  # columns for the mark, and around it
WIDE, TALL = 110, 44  # columns, or rows, from which there is room for figures and curves
REFRESH_SECONDS = 1.0
READING_SHARE = 0.1
"""Of the time at most goes into reading what is on disk."""


@dataclass
class RunsRead(Message):
    """What the compared runs have come to was read."""

    lines: list[Compared]
    """Of the runs that are still there, if these are all of them; else none."""
    curves: list[Curve]
    floor: float | None
    """Of all of them; None where they differ."""
    live: bool
    """Whether one of them goes on."""
    notes: list[str]
    """Why a curve is not there, or ends."""
    seconds: float
    """That it took."""


class CompareScreen(Still, ModalScreen[None]):
    """One line a figure, one column a run; what differs stands out. Beside it, all the curves."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "dismiss", "Back"),
        Binding("c", "curves", "Curves", tooltip="The curves alone, or the figures again"),
        Binding("m", "smooth", "Smooth", tooltip="A moving average: longer, and then none"),
        Binding("l", "log_scale", "Log scale", tooltip="Of the loss axis"),
        Binding("question_mark", "help", "Help", key_display="?"),
    ]
    CSS_PATH = "compare.tcss"
    HELP = """\
### Runs side by side

A column is a run, a line what fixed it or what came of it. **≠** marks the lines in which the \
runs differ; `left` and `right` scroll where there are more runs than room.

The chart shows the **loss** of each run by step: the letter over its column stands on its curve, \
at its end, and in the legend. A run that is still trained is read again and again. `c` shows the \
curves alone, and on a small screen in the place of the figures; `tab` goes from one to the other.

- In the chart, `left` and `right` move a cursor that reads the **exact** loss of every run, `up` \
and `down` zoom around it, `shift` with `left` and `right` pans, `home` and `end` go to the first \
and the last step, `0` or `escape` shows all again.
- `m` **smooths**: a moving average that keeps w = 0.9, 0.99 or 0.999 of itself at each step, \
divided by 1 - w^t so that it begins at the first loss; `~` stands before it where it is read.
"""

    def __init__(self, lines: Sequence[Compared]) -> None:
        """Show the figures of runs, the first of which is the name, and their curves."""
        super().__init__()
        self._lines = list(lines)
        self._ids = next(line.values for line in lines if line.name == "id")
        self._readers: list[_Reader] = []
        self._reading = False
        self._due = 0.0

    def compose(self) -> ComposeResult:
        """The table and the chart over the legend."""
        with Vertical(id="compare"):
            with Container(id="parts"):
                yield DataTable(cursor_type="none", fixed_columns=2)
                yield Curves(id="curves", empty="reading…")
            yield Static(id="notes", markup=False)
            yield Static(id="legend")
        yield KeyBar()

    def on_mount(self) -> None:
        """Read the histories, again and again."""
        self._show_title()
        self._read()
        self.set_interval(REFRESH_SECONDS, self._read)

    def on_resize(self) -> None:
        """Choose between the layouts."""
        wide = self.size.width >= WIDE
        self.set_class(wide, "-beside")
        self.set_class(not wide and self.size.height >= TALL, "-under")
        self.call_after_refresh(self._show_figures)

    def action_curves(self) -> None:
        """Show the curves alone, or the figures again."""
        self.toggle_class("-curves")
        alone = self.has_class("-curves")
        self.query_one(Curves if alone else DataTable).focus()
        self.call_after_refresh(self._show_figures)

    def action_smooth(self) -> None:
        """Smooth the curves, more than before or no more."""
        self.query_one(Curves).action_smooth()

    def action_log_scale(self) -> None:
        """Switch the loss axis between linear and logarithmic."""
        chart = self.query_one(Curves)
        chart.log_scale = not chart.log_scale

    def action_help(self) -> None:
        """Explain the screen."""
        from tui.screens.help import HelpScreen

        self.app.push_screen(HelpScreen(self, focused=self.focused))

    # Figures

    def _show_figures(self) -> None:
        """Give each run its share of the width, unless that is too little to be read."""
        table, legend = self.query_one(DataTable), self.query_one("#legend", Static)
        if self.has_class("-curves"):
            return legend.update("c shows the figures again")
        heads = max(len(line.name) for line in self._lines)
        share = (table.size.width - heads - BESIDE) // len(self._ids) - PADDING
        width = min(max(share, NARROWEST), WIDEST)
        place = table.scroll_offset
        table.clear(columns=True)
        table.add_column("", width=1)
        table.add_column("", width=heads)
        for number, name in enumerate(self._lines[0].values):
            table.add_column(_cut(f"{_letter(number)} {name}", width), width=width)
        for line in self._lines[1:]:
            style = "bold" if line.differs else "dim"
            texts = [_cut(value, width, style) for value in line.values]
            table.add_row("≠" * line.differs, Text(line.name, style), *texts)
        table.scroll_to(*place, animate=False)
        more = " · ← → for the other runs" if share < NARROWEST else ""
        both = self.has_class("-beside") or self.has_class("-under")
        curves = "" if both else " · c shows the curves"
        return legend.update(f"≠ differs{more}{curves}")

    # Curves

    def _read(self) -> None:
        if not self._reading and time.monotonic() >= self._due:
            self._reading = True
            self._read_on()

    @work(thread=True, group="reading", exit_on_error=False, description="read")
    def _read_on(self) -> None:
        began, bench = time.monotonic(), self.app
        assert isinstance(bench, Workbench)
        if not self._readers:
            names = enumerate(zip(self._ids, self._lines[0].values, strict=True))
            self._readers = [_Reader(bench, id, name, number) for number, (id, name) in names]
        curves = [reader.read() for reader in self._readers]
        runs = [reader.run for reader in self._readers if reader.run is not None]
        statuses = [run.status for run in runs]
        floors = {status.floor for status in statuses}
        self.post_message(
            RunsRead(
                compared(runs) if len(runs) == len(self._ids) else [],
                [curve for curve in curves if curve is not None],
                floors.pop() if len(floors) == 1 else None,
                any(status.phase.resumable for status in statuses),
                [reader.note for reader in self._readers if reader.note],
                time.monotonic() - began,
            )
        )

    @on(RunsRead)
    def show_runs(self, message: RunsRead) -> None:
        """Show what the runs have come to."""
        self._reading = False
        self._due = time.monotonic() + message.seconds * (1 / READING_SHARE - 1)
        if message.lines and message.lines != self._lines:
            self._lines = message.lines
            self._show_figures()
        notes = self.query_one("#notes", Static)
        notes.display = bool(message.notes)
        notes.update(" · ".join(message.notes))
        chart = self.query_one(Curves)
        chart.empty = "none of these runs has losses yet"
        last = max((curve.last for curve in message.curves), default=0)
        if message.live and last:  # so that the axis need not grow at every look
            last = round(-round_down(-last, round_step(last / 10)))
        floor = message.floor
        beside = [] if floor is None else [Reference(floor, f"floor {floor:.4f}")]
        chart.plot(message.curves, beside, reach=last)

    @on(Curves.Looked)
    def _show_title(self) -> None:
        count = len(self._ids)
        title = ", ".join([f"{count} runs side by side", *self.query_one(Curves).looks])
        self.query_one("#compare").border_title = title

    @on(DescendantFocus)
    @on(DescendantBlur)
    def show_hint(self) -> None:
        """Name the keys of the chart while it has the focus."""
        hint = Curves.KEYS if self.query_one(Curves).has_focus else ""
        self.query_one("#compare").border_subtitle = Content(hint)


class _Reader:
    """Reads the losses of a run, for the thread that it is in."""

    def __init__(self, bench: Workbench, id: str, name: str, number: int) -> None:
        from model.history_tail import HistoryTail

        self._bench, self._id, self._name, self._letter = bench, id, name, _letter(number)
        self.note = ""
        self.run: Run | None = None
        self._tail: HistoryTail | None = None
        try:
            self.run = Run.open(bench.runs / id)
        except MakemoreError:
            self.note = f"{self._letter}: its folder is gone"
        else:
            self._tail = HistoryTail(self.run.folder / HISTORY, self.run.recipe.steps)

    def read(self) -> Curve | None:
        """Its curve, as far as it has come; None where there is none."""
        if self.run is None or self._tail is None:
            return None
        losses = self._tail.read()
        now = self._bench.session.snapshot
        if now.folder == self.run.folder and now.losses is not None and now.step > len(losses):
            losses = now.losses[: now.step]  # what is not yet on the disk
        note = self._trouble(self.run, losses)
        self.note = f"{self._letter}: {note}" if note else ""
        return Curve(self._id, losses, visible(self._name), self._letter) if len(losses) else None

    def _trouble(self, run: Run, losses: Tensor) -> str:
        """What keeps the curve from being whole."""
        assert self._tail is not None
        if not run.folder.is_dir():
            return "its folder is gone"
        live = run.live
        if self._tail.torn and not live:
            return f"its history is torn after {len(losses):,} steps"
        if not len(losses):
            return "no losses yet" if live else "it has no losses"
        wrong = losses.isfinite().logical_not().nonzero()
        if len(wrong):
            return f"no number at step {int(wrong[0]):,}"
        return f"it failed at step {len(losses):,}" if run.status.phase is Phase.FAILED else ""


def _letter(number: int) -> str:
    """What a run is called in the table and on the chart."""
    return LETTERS[number % len(LETTERS)]


def _cut(text: str, width: int, style: str = "") -> Text:
    shown = Text(visible(text), style)
    shown.truncate(width, overflow="ellipsis")
    return shown
