"""New words, from counting and from the network, on the same draws."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.reactive import var
from textual.widgets import DataTable, Static

from model.alphabet import visible
from model.corpus import Corpus
from model.draws import Draws
from model.errors import MakemoreError
from model.session import Trained, in_one_line
from tui.keys import hidden
from tui.marked import marked
from tui.messages import COUNTS, NETWORK, Drawing, DrawingFailed, DrawsChanged, WordsDrawn
from tui.panes.pane import Pane

if TYPE_CHECKING:
    from model.counts import CountModel
    from model.language_model import LanguageModel
    from model.sampling import SampledWord

MOST_ROWS = 500
SOURCES = {"counts": (COUNTS,), "network": (NETWORK,), "both": (COUNTS, NETWORK)}


class GeneratorPane(Pane):
    """A table of words, each of which can be followed to how it was drawn."""

    NUMBER = 3
    TITLE = "Generator"
    HINT = "e edit · c source · d next seed"
    BESIDE = True
    HELP = """\
### Generator

`g` draws words; `enter` on one shows how each of its characters was drawn.

- A character is drawn by a random number u: the first outcome whose probabilities add up to more \
than u. The same seed gives the same numbers, so **both** sources can be compared draw by draw: \
they part at the character that is shown `▸` and inverted.
- **NLL** is a word's total surprise in nats, its end included. **new** words are not in the corpus.
- **unseen context**: the network has rows only for contexts that the corpus has. Where it wanders \
into another one, the word ends, as in the notebook, and its end has no probability.
"""

    BINDINGS: ClassVar[list[BindingType]] = [
        hidden(
            "e",
            "edit_draws",
            "Edit draws",
            "Count, seed, temperature, top-k, prefix",
            id="words.edit",
        ),
        hidden(
            "c",
            "next_source",
            "Source",
            "Counts, network, or both on the same draws",
            id="words.from",
        ),
        hidden("d", "next_seed", "Next seed", "Draw other words", id="words.seed"),
        hidden(
            "n", "new_only", "New words only", "Hide words that are in the corpus", id="words.new"
        ),
        hidden(
            "y",
            "copy_words",
            "Copy words",
            "Send them to the terminal's clipboard",
            id="words.copy",
        ),
        hidden("w", "write_words", "Write words", "To a file", id="words.write"),
    ]

    corpus: var[Corpus | None] = var(None)
    counts: var[CountModel | None] = var(None)
    draws: var[Draws] = var(Draws(count=20))
    source: var[str] = var("counts")
    new_only: var[bool] = var(False)
    drawing: var[Drawing | None] = var(None)
    waiting: var[bool] = var(False)
    """Whether words are being drawn."""

    _request = 0
    """Which drawing is wanted; the answer to an earlier one is late."""

    def compose(self) -> ComposeResult:
        """Say what is drawn from above the words."""
        yield Static(id="draws", markup=False)
        yield DataTable(id="words", classes="target", cursor_type="row", zebra_stripes=True)

    def watch_counts(self, before: CountModel | None, now: CountModel | None) -> None:
        """Forget the words of another corpus or order; draw anew where only k has changed."""
        drawing = self.drawing
        if drawing is None or not (before and now and before.ngrams is now.ngrams):
            self._forget()
        elif COUNTS in drawing.models:
            kept = {name: model for name, model in drawing.models.items() if name != COUNTS}
            self._start(lambda name: kept[name])

    def watch_waiting(self) -> None:
        """Show that something is going on."""
        self._show_settings()

    def _forget(self) -> None:
        self._request += 1
        self.waiting = False
        self.drawing = None

    def on_resize(self) -> None:
        """Show as much of the words as there is room for now."""
        before = self.has_class("-roomy")
        super().on_resize()
        if self.has_class("-roomy") is not before:
            self._show_words()

    def watch_draws(self) -> None:
        """Show the settings."""
        self._show_settings()

    def watch_source(self) -> None:
        """Show the settings."""
        self._show_settings()

    def watch_new_only(self) -> None:
        """Filter the words that are there."""
        self._show_words()

    def watch_drawing(self) -> None:
        """Show the words."""
        self._show_words()

    def generate(self, network: Callable[[], Future[Trained | None]]) -> None:
        """Draw words from the sources; `network` is asked for if it is one of them."""
        if self.corpus is None or self.counts is None:
            self.app.notify("There is nothing to draw from yet: wait, or open a corpus with o.")
            return

        def ask(_name: str) -> LanguageModel:
            trained = network().result()
            if trained is None:
                raise MakemoreError("There is no network yet: space starts a run.")
            return trained.network

        self._start(ask)

    def _start(self, other: Callable[[str], LanguageModel]) -> None:
        """Draw; a model of another name than the counts comes from `other`, in a thread."""
        assert self.corpus is not None
        assert self.counts is not None
        self._request += 1
        self.waiting = True
        names = SOURCES[self.source]
        self._draw(self._request, self.corpus, self.counts, self.draws, names, other)

    @work(thread=True, group="drawing", exit_on_error=False, description="draw")
    def _draw(
        self,
        request: int,
        corpus: Corpus,
        counts: CountModel,
        draws: Draws,
        names: tuple[str, ...],
        other: Callable[[str], LanguageModel],
    ) -> None:
        from model.devices import fit_threads
        from model.sampling import sample

        try:
            fit_threads(draws.count * len(counts.alphabet))
            models = {name: counts if name == COUNTS else other(name) for name in names}
            samples = {name: sample(model, draws) for name, model in models.items()}
        except Exception as error:  # out of memory, say: whatever it was, the user is to know
            self.post_message(DrawingFailed(in_one_line(error), request))
            return
        drawing = Drawing(draws, models, samples, corpus, counts.ngrams.n)
        self.post_message(WordsDrawn(drawing, request))

    @on(WordsDrawn)
    def keep_drawing(self, message: WordsDrawn) -> None:
        """Show the words that were drawn last."""
        if message.request == self._request:
            self.waiting = False
            self.drawing = message.drawing

    @on(DrawingFailed)
    def report_failure(self, message: DrawingFailed) -> None:
        """Say why there are no other words."""
        if message.request == self._request:
            self.waiting = False
            if self.drawing is not None:  # its words stay, and with them what they are from
                names = tuple(self.drawing.models)
                self.source = next(each for each in SOURCES if SOURCES[each] == names)
            self.app.notify(message.reason, severity="error", markup=False)

    @on(DataTable.RowSelected, "#words")
    def open_trace(self, message: DataTable.RowSelected) -> None:
        """Show how the word under the cursor was drawn."""
        if self.drawing is not None and message.row_key.value is not None:
            from tui.screens.trace import TraceScreen

            self.app.push_screen(TraceScreen(self.drawing, int(message.row_key.value)))

    def action_next_source(self) -> None:
        """Go from counts to network to both, and draw."""
        names = list(SOURCES)
        self.source = names[(names.index(self.source) + 1) % len(names)]
        self.post_message(DrawsChanged())

    def action_next_seed(self) -> None:
        """Draw with the next seed."""
        self.draws = replace(self.draws, seed=self.draws.seed + 1)
        self.post_message(DrawsChanged())

    def action_new_only(self) -> None:
        """Show all words or only new ones."""
        self.new_only = not self.new_only

    def action_edit_draws(self) -> None:
        """Open the form."""
        from tui.screens.forms import draws_form

        def take(draws: Draws | None) -> None:
            if draws is not None:
                self.draws = draws
                self.post_message(DrawsChanged())

        self.app.push_screen(draws_form(self.draws, self.corpus), take)

    def action_copy_words(self) -> None:
        """Send the words to the terminal's clipboard."""
        words = self._lines()
        self.app.copy_to_clipboard("\n".join(words))
        self.app.notify(
            f"{len(words):,} words sent to the terminal's clipboard (OSC 52). Not every terminal "
            "takes them: if pasting brings nothing, w writes them to a file."
        )

    def action_write_words(self) -> None:
        """Ask for a file and write the words to it."""
        from tui.screens.forms import file_form

        words = self._lines()

        def write(path: Path | None) -> None:
            if path is not None:
                self._write(path, words)

        self.app.push_screen(file_form(f"Write {len(words):,} words"), write)

    @work(thread=True, group="writing", exit_on_error=False, description="write")
    def _write(self, path: Path, words: list[str]) -> None:
        name = visible(str(path))
        try:
            with path.open("x", encoding="utf-8") as file:
                file.writelines(f"{word}\n" for word in words)
        except OSError as error:
            reason = f"{name} was not written: {error.strerror}; choose another place"
            self.app.notify(reason, severity="error", markup=False)
            return
        self.app.notify(f"{len(words):,} words written to {name}.", markup=False)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Copying and writing need words."""
        if action in ("copy_words", "write_words"):
            return True if self.drawing is not None else None
        return True

    def _lines(self) -> list[str]:
        """The words that are not hidden, one model's after the other's."""
        if self.drawing is None:
            return []
        rows = [row for _, row in self._rows(self.drawing)]
        return [row[name].word for name in self.drawing.samples for row in rows]

    def _rows(self, drawing: Drawing) -> Iterator[tuple[int, dict[str, SampledWord]]]:
        """The number of each draw that is not hidden, and its word by model."""
        known = drawing.corpus.vocabulary
        for index, words in enumerate(zip(*drawing.samples.values(), strict=True)):
            if not self.new_only or any(word.word not in known for word in words):
                yield index, dict(zip(drawing.samples, words, strict=True))

    def _show_settings(self) -> None:
        draws = self.draws
        parts = [
            f"from {'both, on the same draws' if self.source == 'both' else self.source}",
            *([f"n={self.drawing.n}"] if self.drawing else []),
            *([f"k={self.counts.k:g}"] if self.counts and self.counts.k else []),
            f"{draws.count:,} words",
            f"seed {draws.seed}",
            f"temperature {draws.temperature:g}",
        ]
        if draws.top_k is not None:
            parts.append(f"top-k {draws.top_k}")
        if draws.prefix:
            parts.append(f"prefix {visible(draws.prefix)}")
        if self.new_only:
            both = self.source == "both"
            parts.append("new ones only" + ", of either model" * both)
        if draws.count > MOST_ROWS:
            parts.append(f"the first {MOST_ROWS} are shown")
        if self.waiting:
            parts.append("drawing…")
        elif self.drawing is None:
            parts.append("g draws them")
        self.query_one("#draws", Static).update(" · ".join(parts))

    def _show_words(self) -> None:
        table = self.query_one("#words", DataTable)
        table.clear(columns=True)
        drawing = self.drawing
        table.show_header = drawing is not None
        self._show_settings()
        if drawing is None:
            return
        names = list(drawing.samples)
        # Two words side by side leave no room for more in a narrow pane.
        words_only = len(names) > 1 and not self.has_class("-roomy")
        heads = names if len(names) > 1 else ["word"]
        rest = [] if words_only else ["NLL"]
        columns = ["#", *(each for head in heads for each in (head, *rest)), ""]
        rows: dict[str, list[Text]] = {}
        for index, row in islice(self._rows(drawing), MOST_ROWS):
            words = list(row.values())
            cells = zip(_spelled(words), (_nll(word.nll) for word in words), strict=True)
            notes = dict.fromkeys(_note(word, drawing.corpus.vocabulary) for word in words)
            row_cells = [cell for pair in cells for cell in pair[: 1 + len(rest)]]
            rows[f"{index}"] = [Text(f"{index + 1}"), *row_cells, Text(" / ".join(notes))]
        # Left to the table, the widths would be known only after it is painted, which is not
        # always painted again.
        for place, head in enumerate(columns):
            widths = (cell_len(row[place].plain) for row in rows.values())
            table.add_column(head, width=max([cell_len(head), *widths]))
        for key, cells in rows.items():
            table.add_row(*cells, key=key)


def _spelled(words: list[SampledWord]) -> list[Text]:
    """The words; of two that part, the first draw where they do stands out."""
    from model.sampling import parting

    place = parting(words[0].word, words[1].word) if len(words) == 2 else None
    return [marked(word.word, place) for word in words]


def _nll(nll: float) -> Text:
    return Text(f"{nll:.2f}" if math.isfinite(nll) else "∞", justify="right")


def _note(word: SampledWord, known: frozenset[str]) -> str:
    if word.ending == "unseen":
        return "unseen context"
    if word.ending == "length":
        return "cut"
    return "in corpus" if word.word in known else "new"
