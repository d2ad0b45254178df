"""The runs that are on disk: to be opened, compared, renamed and deleted."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Static

from model.alphabet import visible
from model.connection import Connection
from model.errors import MakemoreError
from model.run_table import Compared, compared, figures
from model.runs import Run, all_runs
from model.session import Phase
from tui.keys import hidden
from tui.screens.compare import CompareScreen
from tui.screens.forms import Field, Form
from tui.screens.question import Question
from tui.screens.still import Still
from tui.widgets.find import Find
from tui.widgets.key_bar import KeyBar
from tui.widgets.live_table import LiveTable
from tui.widgets.run_table import Listed, RunTable
from tui.workbench import Workbench

REFRESH_SECONDS = 1.0
LISTING_SHARE = 0.1
"""Of the time at most goes into reading what is on disk."""
MOST_NAMES = 5


@dataclass
class RunsListed(Message):
    """The directory of the runs was read."""

    runs: list[Listed]
    seconds: float
    """That it took."""


@dataclass
class RunsCompared(Message):
    """The figures of some runs were put side by side."""

    lines: list[Compared]


@dataclass
class RunsMeasured(Message):
    """It is known what would be lost with some runs."""

    runs: list[Listed]
    bytes: int


class RunsScreen(Still, ModalScreen[Run | None]):
    """One row a run, the newest first, and below them more about the one under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Back"),
        Binding("slash", "filter", "Filter", key_display="/", tooltip="By name, corpus, recipe"),
        Binding("m,space", "mark", "Mark", tooltip="To be compared or deleted; or space"),
        Binding("c", "compare", "Compare", tooltip="The marked runs, or this and the open one"),
        Binding("e", "rename", "Rename", tooltip="Call the run something else"),
        Binding(
            "d,delete", "delete", "Delete", tooltip="After a question; the marked ones, if any"
        ),
        hidden("p", "pause", "Pause", "A run that another process trains; or go on with it"),
        hidden("x", "stop", "Stop", "A run that another process trains"),
        Binding("question_mark", "help", "Help", key_display="?"),
    ]
    CSS_PATH = "runs.tcss"
    HELP = """\
### Runs

Every run is kept in a folder, from its first step on. `enter` opens one: a run that a process \
is training is **followed and steered** where it is, any other waits at its last checkpoint, and \
`space` goes on with it.

- **in** says who has a run open: this app, or the process of that number.
- `►` running, `‖` paused, `■` stopped, `✓` finished, `✗` failed, `↯` interrupted: its process was \
killed, and it can be gone on with like the others.
- **gap** is how far the loss is above the floor.
"""

    def __init__(self, bench: Workbench) -> None:
        """Show the runs in the directory of a workbench."""
        super().__init__()
        self._bench = bench
        self._all: list[Listed] = []
        self._shown: list[Listed] = []
        self._marked: set[Path] = set()
        self._wanted = ""
        self._listing = False
        self._due = 0.0

    def compose(self) -> ComposeResult:
        """The table, the line to filter by, and the figures of one run."""
        with Vertical(id="runs") as frame:
            frame.border_title = Content(f"Runs in {visible(str(self._bench.runs))}")
            yield RunTable(id="list")
            yield Static("looking…", id="none", markup=False)
            yield Find("filter by name, corpus, recipe, n=2 or state", id="filter")
            yield Static(id="about", markup=False)
        yield KeyBar()

    def on_mount(self) -> None:
        """Read the directory, again and again."""
        self.set_class(True, "-empty")
        self._read()
        self.set_interval(REFRESH_SECONDS, self._read)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Most keys need runs."""
        return bool(self._all) or action not in ("filter", "mark", "compare", "rename", "delete")

    # What is there

    def _read(self) -> None:
        if not self._listing and time.monotonic() >= self._due:
            self._listing = True
            self._list()

    @work(thread=True, group="listing", exit_on_error=False, description="list")
    def _list(self) -> None:
        began = time.monotonic()
        here = self._bench.local.snapshot.folder
        runs = [Listed(run, figures(run), run.folder == here) for run in all_runs(self._bench.runs)]
        self.post_message(RunsListed(runs, time.monotonic() - began))

    @on(RunsListed)
    def take_runs(self, message: RunsListed) -> None:
        """Show what is there now."""
        self._listing = False
        self._due = time.monotonic() + message.seconds * (1 / LISTING_SHARE - 1)
        self._all = message.runs
        self._marked &= {listed.run.folder for listed in self._all}
        self._show()

    @on(LiveTable.Resized)
    def _show(self) -> None:
        """Show the runs that are wanted."""
        table = self.query_one(RunTable)
        self._shown = [listed for listed in self._all if listed.matches(self._wanted)]
        empty = not self._shown
        if empty is not self.has_class("-empty"):
            self.set_class(empty, "-empty")
            self.refresh_bindings()
            if not empty and self.focused is None:
                table.focus()
        self.query_one("#none", Static).update(
            f"No run has “{self._wanted}” in its name, corpus, recipe or state."
            if self._all
            else "There are no runs yet. Close this with escape and start one with space: it is "
            "kept here from its first step on, whatever becomes of the program."
        )
        count = f"{len(self._shown):,} of {len(self._all):,}" if self._wanted else ""
        note = f"{count} with “{visible(self._wanted)}”" if self._wanted else ""
        marked = f"{len(self._marked)} marked" if self._marked else ""
        self.query_one("#runs").border_subtitle = Content(" · ".join(filter(None, (note, marked))))
        table.list(self._shown, self._marked)
        self._show_about()

    @on(LiveTable.Moved)
    def _show_about(self) -> None:
        listed = self._current
        self.query_one("#about", Static).update(listed.described() if listed else "")

    @property
    def _current(self) -> Listed | None:
        return self.query_one(RunTable).current

    # What is done with it

    @on(LiveTable.Chosen)
    def open_run(self) -> None:
        """Leave with the run under the cursor."""
        if listed := self._current:
            self.dismiss(listed.run)

    def action_filter(self) -> None:
        """Ask what to look for."""
        self.query_one(Find).open()

    @on(Find.Wanted)
    def filter_by(self, message: Find.Wanted) -> None:
        """Show the runs that match."""
        self._wanted = message.text.strip()
        self._show()

    @on(Find.Closed)
    def end_filter(self, message: Find.Closed) -> None:
        """Keep what was filtered by, or show all."""
        if not message.keep:
            self._wanted = ""
            self._show()
        if message.by_key:
            self.query_one(RunTable).focus()

    def action_mark(self) -> None:
        """Mark the run under the cursor, or take its mark off."""
        if listed := self._current:
            self._marked ^= {listed.run.folder}
            self._show()
            self.query_one(RunTable).action_move(1)

    def action_compare(self) -> None:
        """Put runs side by side."""
        by_folder = {listed.run.folder: listed.run for listed in self._all}
        wanted = [folder for folder in by_folder if folder in self._marked]
        under = self._current.run.folder if self._current else None
        for other in (under, self._bench.session.snapshot.folder):
            if len(wanted) < 2 and other in by_folder and other not in wanted:
                wanted.append(other)
        if len(wanted) < 2:
            self.notify("Mark the runs with m, and c puts them side by side.")
        else:
            self._compare([by_folder[folder] for folder in wanted])

    @work(thread=True, group="comparing", exit_on_error=False, description="compare")
    def _compare(self, runs: Sequence[Run]) -> None:
        self.post_message(RunsCompared(compared(runs)))

    @on(RunsCompared)
    def show_comparison(self, message: RunsCompared) -> None:
        """Show runs side by side."""
        self.app.push_screen(CompareScreen(message.lines))

    def action_rename(self) -> None:
        """Ask for another name."""
        listed = self._current
        if listed is None:
            return
        run = listed.run

        def take(name: str | None) -> None:
            if name is not None and name != run.name:
                self._rename(run, name)

        fields = [Field("name", "name", visible(run.name))]
        self.app.push_screen(Form("Rename the run", fields, lambda values: values["name"]), take)

    @work(thread=True, group="writing", exit_on_error=False, description="rename")
    def _rename(self, run: Run, name: str) -> None:
        self._attempt(lambda: run.rename(name))

    def action_delete(self) -> None:
        """Find out what would be lost."""
        doomed = [listed for listed in self._all if listed.run.folder in self._marked]
        if not doomed and self._current:
            doomed = [self._current]
        if doomed:
            self._measure(doomed)

    @work(thread=True, group="measuring", exit_on_error=False, description="measure")
    def _measure(self, doomed: list[Listed]) -> None:
        size = 0
        for listed in doomed:
            try:
                size += listed.run.bytes
            except OSError:  # it is gone already
                continue
        self.post_message(RunsMeasured(doomed, size))

    @on(RunsMeasured)
    def ask_before_deleting(self, message: RunsMeasured) -> None:
        """Ask whether it may be lost."""
        runs = message.runs
        names = [visible(listed.run.name) for listed in runs[:MOST_NAMES]]
        if more := len(runs) - len(names):
            names.append(f"and {more:,} more")
        steps = sum(listed.figures["step"] for listed in runs)
        lines = [
            *names,
            "",
            f"{steps:,} steps, {_size(message.bytes)} on disk. Nothing brings them back.",
        ]
        if any(listed.here for listed in runs):
            lines.append("The run that is open here ends.")
        what = "this run" if len(runs) == 1 else f"these {len(runs):,} runs"

        def take(answer: bool | None) -> None:
            if answer:
                self._delete([listed.run for listed in runs])

        self.app.push_screen(Question(f"Delete {what}?", "\n".join(lines), "Delete", "Keep"), take)

    @work(thread=True, group="writing", exit_on_error=False, description="delete")
    def _delete(self, runs: Sequence[Run]) -> None:
        local = self._bench.local
        for run in runs:
            if run.folder == local.snapshot.folder:
                local.clear()
                local.trained().result()  # once that is done
            self._attempt(run.delete)

    def action_pause(self) -> None:
        """Let a live run pause, or go on."""
        requests = {Phase.RUNNING: "pause", Phase.PAUSED: "resume"}
        if listed := self._current:
            self._steer(listed, requests.get(listed.phase))

    def action_stop(self) -> None:
        """End a live run."""
        if listed := self._current:
            self._steer(listed, "stop" if listed.phase.resumable else None)

    def _steer(self, listed: Listed, request: str | None) -> None:
        if request is None or not listed.place:
            self.notify(f"Nobody trains {visible(listed.run.name)}: enter opens it.", markup=False)
        else:
            self._tell(listed.run, request)

    @work(thread=True, group="telling", exit_on_error=False, description="tell")
    def _tell(self, run: Run, request: str) -> None:
        def tell() -> None:
            connection = Connection(run)
            try:
                id = connection.ask(request)
                # Who hangs up with an answer unread may not have been heard.
                next((one for one in connection.messages() if one.get("id") == id), None)
            finally:
                connection.close()

        self._attempt(tell)

    def _attempt(self, do: Any) -> None:
        """Do something in a thread, or say why it cannot be done; show what came of it."""
        try:
            do()
        except (MakemoreError, OSError) as error:
            self.notify(str(error), severity="error", timeout=10, markup=False)
        self.app.call_later(self._read_now)

    def _read_now(self) -> None:
        self._due = 0.0
        self._read()

    def action_help(self) -> None:
        """Explain the screen."""
        from tui.screens.help import HelpScreen

        self.app.push_screen(HelpScreen(self))


def _size(count: int) -> str:
    """Bytes, as people write them."""
    number = float(count)
    for unit in ("bytes", "kB", "MB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "bytes" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} GB"
