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
from textual.widgets import Static

from model.alphabet import label, spelled
from model.corpus import Corpus
from model.occurrences import Occurrence, occurrences
from model.session import in_one_line
from tui.screens.still import Still
from tui.widgets.key_bar import KeyBar
from tui.widgets.live_table import Cell, Column, LiveTable

if TYPE_CHECKING:
    from model.ngrams import Ngrams

LONGEST = 60  # columns of a word


class WhereFromScreen(Still, ModalScreen[str | None]):
    """Words that hold a context followed by an outcome, the most frequent first.

    Leaves with the word that was chosen, or None.
    """

    @dataclass
    class WordsFound(Message):
        """The words were looked up."""

        found: list[Occurrence]
        failure: str = ""
        """Why they could not be."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "Back"),
    ]
    CSS_PATH = "where_from.tcss"

    def __init__(self, corpus: Corpus, ngrams: Ngrams, context: int, outcome: int) -> None:
        """Make the screen for a context's id and an outcome's token."""
        super().__init__()
        self._corpus, self._outcome = corpus, outcome
        self._before: Sequence[int] = ngrams.context_tokens(context)

    def compose(self) -> ComposeResult:
        """A line that says how many, and the words."""
        alphabet = self._corpus.alphabet
        context, outcome = alphabet.context_label(self._before), alphabet.label(self._outcome)
        with Vertical(id="where-from") as frame:
            frame.border_title = Content(f"where {context} → {outcome} comes from")
            yield Static("searching…", id="sum", markup=False)
            yield LiveTable(id="found")
        yield KeyBar()

    def on_mount(self) -> None:
        """Search."""
        self._search()

    @work(thread=True, group="searching", exit_on_error=False, description="search")
    def _search(self) -> None:
        try:
            found = occurrences(self._corpus, self._before, self._outcome)
            self.post_message(self.WordsFound(found))
        except Exception as error:  # out of memory, say: the user is to know
            self.post_message(self.WordsFound([], in_one_line(error)))

    @on(WordsFound)
    def show_words(self, message: WordsFound) -> None:
        """List the words."""
        found = message.found
        count = sum(each.times * len(each.places) for each in found)
        times, words = "s" * (count != 1), "s" * (len(found) != 1)
        told = f"{count:,} time{times}, in {len(found):,} different word{words}"
        if not found:
            told = message.failure or "never: this context is never followed by this outcome"
        self.query_one("#sum", Static).update(told)
        self.query_one("#where-from").border_subtitle = (
            "enter: the word under the lens" if found else ""
        )
        columns = [Column("times", 7, right=True), Column("word", LONGEST + 4)]

        def cells(row: int) -> list[Cell]:
            return [f"{found[row].times:,}", Content.from_rich_text(self._marked(found[row]))]

        self.query_one(LiveTable).show(columns, [each.word for each in found], cells)

    @on(LiveTable.Chosen)
    def choose(self, message: LiveTable.Chosen) -> None:
        """Leave with a word."""
        self.dismiss(message.key)

    def _marked(self, found: Occurrence) -> Text:
        """The word with its boundaries; the context in it underlined, the outcome inverse."""
        length = sum(token > 0 for token in self._before)
        word = found.word
        start = max(0, found.places[0] - LONGEST // 2) if len(word) > LONGEST else 0
        letters = spelled(word[start : start + LONGEST + 1])
        text = Text("…" if start else "", "dim")
        for place in range(start - (start == 0), min(len(word), start + LONGEST) + 1):
            inside = 0 <= place < len(word)
            shown = letters[place - start] if inside else "."
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
