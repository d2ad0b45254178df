"""The words that a count was counted from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import DataTable, Footer, Static

from model.alphabet import label, visible
from model.corpus import Corpus
from model.occurrences import Occurrence, occurrences

if TYPE_CHECKING:
    from model.ngrams import Ngrams

MOST_ROWS = 500
LONGEST = 60  # columns of a word


class WhereFromScreen(ModalScreen[str | None]):
    """Words that hold a context followed by an outcome, the most frequent first.

    Leaves with the word that was chosen, or None.
    """

    @dataclass
    class WordsFound(Message):
        """The words were looked up."""

        found: list[Occurrence]

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "Back"),
    ]
    CSS_PATH = "where_from.tcss"

    def __init__(self, corpus: Corpus, ngrams: Ngrams, context: int, outcome: int) -> None:
        """Make the screen for a context's id and an outcome's token."""
        super().__init__()
        self._corpus, self._outcome = corpus, outcome
        self._before: Sequence[int] = ngrams.context_tokens(context)
        self._found: list[Occurrence] = []

    def compose(self) -> ComposeResult:
        """A line that says how many, and the words."""
        alphabet = self._corpus.alphabet
        context, outcome = alphabet.labels(self._before), alphabet.label(self._outcome)
        with Vertical(id="where-from") as frame:
            frame.border_title = Content(f"where {context} → {outcome} comes from")
            frame.border_subtitle = "enter: the word under the lens"
            yield Static("searching…", id="sum", markup=False)
            yield DataTable(id="found", cursor_type="row", zebra_stripes=True)
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Search."""
        self.query_one(DataTable).add_columns("times", "word")
        self._search()

    @work(thread=True, group="searching", exit_on_error=False, description="search")
    def _search(self) -> None:
        found = occurrences(self._corpus, self._before, self._outcome)
        self.post_message(self.WordsFound(found))

    @on(WordsFound)
    def show_words(self, message: WordsFound) -> None:
        """List the words."""
        self._found = found = message.found
        count = sum(each.times * len(each.places) for each in found)
        told = f"{count:,} times, in {len(found):,} different words"
        if not found:
            told = "never: this context is never followed by this outcome"
        elif len(found) > MOST_ROWS:
            told += f"; the {MOST_ROWS} most frequent are shown"
        self.query_one("#sum", Static).update(told)
        table = self.query_one(DataTable)
        for each in found[:MOST_ROWS]:
            table.add_row(Text(f"{each.times:,}", justify="right"), self._marked(each))

    @on(DataTable.RowSelected)
    def choose(self, message: DataTable.RowSelected) -> None:
        """Leave with a word."""
        self.dismiss(self._found[message.cursor_row].word)

    def _marked(self, found: Occurrence) -> Text:
        """The word with its boundaries; the context in it underlined, the outcome inverse."""
        length = sum(token > 0 for token in self._before)
        word = found.word
        start = max(0, found.places[0] - LONGEST // 2) if len(word) > LONGEST else 0
        text = Text("…" if start else "", "dim")
        for place in range(start - (start == 0), min(len(word), start + LONGEST) + 1):
            inside = 0 <= place < len(word)
            shown = visible(word[place]) if inside else "."
            if place in found.places:
                text.append(label(word[place]) if inside else ".", "bold reverse")
            elif any(outcome - self._reach(length) <= place < outcome for outcome in found.places):
                text.append(shown, "bold underline")
            else:
                text.append(shown, "" if inside else "dim")
        return text

    def _reach(self, length: int) -> int:
        """How far back the context goes: to the boundary before the word, if it is in it."""
        return length + 1 if length < len(self._before) else length
