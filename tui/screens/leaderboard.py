"""The leaderboard: every run and count model, judged by the same held-out words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Static
from textual.worker import get_current_worker

from model.alphabet import visible
from model.corpus import Corpus
from model.errors import MakemoreError
from model.leaderboard_table import FIELDS, FORMATS, Entry, in_order
from model.runs import Run, all_runs
from model.session import in_one_line
from tui.screens.forms import Field, Form, new_file
from tui.screens.still import Still
from tui.widgets.board import Board
from tui.widgets.key_bar import KeyBar
from tui.widgets.live_table import LiveTable

TOLD_SHARE = 0.01
"""Of the work is done from one word about it to the next."""
SUFFIXES = {".md": "markdown", ".csv": "csv"}
BAR = 20  # columns


@dataclass
class ModelsJudged(Message):
    """The judging has come further."""

    request: int
    share: float
    entry: Entry | None = None
    """A model that is judged now."""
    ended: bool = False


@dataclass
class JudgingFailed(Message):
    """No model can be judged."""

    request: int
    reason: str


class LeaderboardScreen(Still, ModalScreen[Run | None]):
    """One row a model, the best first; a row appears as soon as the model is judged."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Back"),
        Binding("s", "sort(1)", "Sort", tooltip="By the next column; or click its head"),
        Binding("S", "sort(-1)", "Sort back", tooltip="By the column before", show=False),
        Binding("r", "reverse", "Reverse", tooltip="The worst first"),
        Binding("t", "test", "Test", tooltip="Look at the test words: keep that for the end"),
        Binding("e", "export", "Export", tooltip="To a file of Markdown or CSV"),
        Binding("question_mark", "help", "Help", key_display="?"),
    ]
    CSS_PATH = "leaderboard.tcss"
    HELP = """\
### Leaderboard

Every run of this corpus and every kind of count model, judged by the same words. 80 % of the \
words are **train**, 10 % **dev** and 10 % **test**; the figures are NLLs in nats per token. Count \
models are counted from train. A run can be judged if it has **learnt from train** only: with one \
that has learnt from all words, no word is left that it never saw, and `—` stands in its row. \
`enter` opens a run.

- **unseen** is the NLL on those dev words that are not in train as well. Lists of words repeat \
themselves, and what a model knows by heart says nothing of what it has understood.
- **test** stays closed until `t` opens it, and **unseen** is then taken from test. Who chooses by \
test has nothing left to check the choice with.
- **parameters** of a count model are the numbers that it stores.
- A **mixture** writes with the best network and the best counts at once, each with the share that \
is best on dev.
- `∞`: something occurs that the model holds for impossible.
- **words/s** is for 500 words that are drawn together.
"""

    def __init__(self, corpus: Corpus, runs: Path) -> None:
        """Judge the models of a corpus, and the runs in a directory that have learnt it."""
        super().__init__()
        self._corpus = corpus
        self._runs = runs
        self._entries: list[Entry] = []
        self._by, self._reversed = "dev", False
        self._test = False
        self._share = 0.0
        self._request = 0

    def compose(self) -> ComposeResult:
        """The table over more about one model."""
        with Vertical(id="leaderboard") as frame:
            frame.border_title = Content(f"Leaderboard of {visible(self._corpus.name)}")
            yield Board(id="board")
            yield Static("judging…", id="none", markup=False)
            yield Static(id="about", markup=False)
        yield KeyBar()

    def on_mount(self) -> None:
        """Begin."""
        self._begin()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Most keys need models."""
        if action == "test":
            return None if self._test else True
        return bool(self._entries) or action not in ("sort", "reverse", "export")

    # Judging

    def _begin(self) -> None:
        self._request += 1
        self._entries, self._share = [], 0.0
        self._show()
        self._show_progress(ended=False)
        self._judge(self._request, test=self._test)

    @work(thread=True, exclusive=True, group="judging", exit_on_error=False, description="judge")
    def _judge(self, request: int, *, test: bool) -> None:
        from model.leaderboard import judged  # torch takes seconds to import

        worker, told = get_current_worker(), 0.0
        try:
            for progress in judged(self._corpus, all_runs(self._runs), test=test):
                if worker.is_cancelled:
                    return
                if progress.entry or progress.share - told > TOLD_SHARE:
                    told = progress.share
                    self.post_message(ModelsJudged(request, told, progress.entry))
        except Exception as error:  # whatever it was, the user is to know
            self.post_message(JudgingFailed(request, in_one_line(error)))
        else:
            self.post_message(ModelsJudged(request, 1.0, ended=True))

    @on(ModelsJudged)
    def take_progress(self, message: ModelsJudged) -> None:
        """Show how far it is, and a model that is judged."""
        if message.request != self._request:
            return
        self._share = message.share
        if message.entry:
            self._entries.append(message.entry)
            self._show()
        self._show_progress(ended=message.ended)

    @on(JudgingFailed)
    def show_failure(self, message: JudgingFailed) -> None:
        """Say why there is nothing, or no more."""
        if message.request != self._request:
            return
        self._show_progress(ended=True)
        if self._entries:
            self.notify(message.reason, severity="error", timeout=10, markup=False)
        else:
            self.query_one("#none", Static).update(message.reason)

    # What is seen of it

    @on(LiveTable.Resized)
    def _show(self) -> None:
        board, empty = self.query_one(Board), not self._entries
        if empty is not self.has_class("-empty"):
            self.set_class(empty, "-empty")
            self.refresh_bindings()
            if not empty:
                board.focus()
        places = {id(entry): place for place, entry in enumerate(self._entries)}
        entries = in_order(self._entries, self._by, reverse=self._reversed)
        falling = FIELDS[self._by].highest_first is not self._reversed
        keys = [places[id(entry)] for entry in entries]
        board.list(entries, keys, self._by, "▼" if falling else "▲")
        self._show_about()

    def _show_progress(self, *, ended: bool) -> None:
        done = round(self._share * BAR)
        bar = f"judging {'█' * done}{'░' * (BAR - done)} {self._share:4.0%}"
        last = "test" if self._test else "dev"
        about = f"nats per token · unseen: {last} words that are not in train"
        self.query_one("#leaderboard").border_subtitle = Content(about if ended else bar)

    @on(LiveTable.Moved)
    def _show_about(self) -> None:
        entry = self.query_one(Board).current
        self.query_one("#about", Static).update(_described(entry) if entry else "")

    @on(Board.HeadClicked)
    def sort_by_head(self, message: Board.HeadClicked) -> None:
        """Sort by a column, or the other way round if that is so already."""
        self._reversed = self._by == message.field and not self._reversed
        self._by = message.field
        self._show()

    def action_sort(self, by: int) -> None:
        """Sort by another column."""
        fields = self.query_one(Board).fields
        place = fields.index(self._by) if self._by in fields else -by
        self._by, self._reversed = fields[(place + by) % len(fields)], False
        self._show()

    def action_reverse(self) -> None:
        """Sort the other way round."""
        self._reversed = not self._reversed
        self._show()

    # What is done with it

    @on(LiveTable.Chosen)
    def open_run(self) -> None:
        """Leave with the run under the cursor."""
        entry = self.query_one(Board).current
        if entry is None:
            return
        if not entry.run:
            self.notify(f"{visible(entry.name)} is no run; enter opens runs.", markup=False)
            return
        try:
            self.dismiss(Run.open(self._runs / entry.run))
        except MakemoreError as error:
            self.notify(str(error), severity="error", timeout=10, markup=False)

    def action_test(self) -> None:
        """Judge everything by the test words as well."""
        self._test = True
        self.refresh_bindings()
        self._begin()

    def action_export(self) -> None:
        """Ask for a file and write what is shown to it."""
        entries = in_order(self._entries, self._by, reverse=self._reversed)

        def write(path: Path | None) -> None:
            if path is not None:
                self._write(path, FORMATS[SUFFIXES[path.suffix]](entries), len(entries))

        fields = [Field("path", "file", "leaderboard.md", _table_file)]
        title = f"Write {len(entries):,} models"
        self.app.push_screen(Form(title, fields, lambda values: values["path"]), write)

    @work(thread=True, group="writing", exit_on_error=False, description="write")
    def _write(self, path: Path, text: str, count: int) -> None:
        name = visible(str(path.absolute()))
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            reason = f"{name} was not written: {error.strerror}; choose another place"
            self.app.notify(reason, severity="error", markup=False)
            return
        self.app.notify(f"{count:,} models written to {name}.", markup=False)

    def action_help(self) -> None:
        """Explain the screen."""
        from tui.screens.help import HelpScreen

        self.app.push_screen(HelpScreen(self, (), self.focused))


def _described(entry: Entry) -> str:
    """More about a model, in three lines."""
    units = {"parameters": "parameters", "seconds": "s to train", "words_per_second": "words/s"}
    known = [name for name in units if getattr(entry, name) is not None]
    lines = [
        f"{visible(entry.name)} · {entry.kind} n={entry.n}",
        " · ".join(f"{FIELDS[name].of(entry)} {units[name]}" for name in known),
        visible(entry.note),
    ]
    return "\n".join(lines)


def _table_file(text: str) -> Path:
    """The path of a new file, whose name says what is to be in it."""
    path = new_file(text)
    if path.suffix not in SUFFIXES:
        raise ValueError("end the name in .md for Markdown, or in .csv")
    return path
