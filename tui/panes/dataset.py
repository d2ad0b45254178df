"""What is in the list, and how low a loss can get on it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.reactive import var
from textual.widgets import Static

from model.alphabet import visible
from model.corpus import Corpus
from model.recipe import RECIPES, Recipe
from tui.panes.pane import Pane
from tui.widgets.chart import Bars, Chart

if TYPE_CHECKING:
    from model.counts import CountModel

Rows = list[tuple[str, str]]


class DatasetPane(Pane):
    """The corpus: its words, its alphabet, its n-grams and the floor."""

    NUMBER = 1
    TITLE = "Dataset"
    HINT = r"\[ ] order n · o open"
    FOLLOWS = ("corpus", "counts", "recipe", "activity")
    BESIDE = True
    HELP = """\
### Dataset

The **corpus** is the list of words, one a line. Everything else is counted from it.

- An **n-gram** is a *context* of n-1 characters and the *outcome* after it; `.` marks a word's \
beginning and end. `[` and `]` change **n**.
- The **floor** is the loss of the count model on its own data: the mean of -log P over all \
examples. A network that sees the same contexts can come close to it, and never below.
"""

    MOST_BARS: ClassVar[int] = 300
    A_FEW: ClassVar[int] = 60
    """Characters that are listed in their order; more are listed by frequency."""

    corpus: var[Corpus | None] = var(None)
    counts: var[CountModel | None] = var(None)
    recipe: var[Recipe] = var(RECIPES["notebook"])
    activity: var[str] = var("")
    """What is being loaded, while it is."""

    def compose(self) -> ComposeResult:
        """Lay the parts out one below the other; the sheet sets them side by side."""
        yield Static(id="activity", markup=False)
        with VerticalScroll(classes="target"):
            with Vertical(classes="part"):
                yield Static(id="facts")
                yield Static("word lengths", classes="heading")
                yield Chart(id="lengths", empty="no corpus yet")
            with Vertical(classes="part"):
                yield Static("alphabet", classes="heading")
                yield Static(id="alphabet")

    def watch_activity(self) -> None:
        """Show what is going on, and nothing when nothing is."""
        line = self.query_one("#activity", Static)
        line.update(f"⧗ {self.activity}")
        line.display = bool(self.activity)

    def watch_corpus(self) -> None:
        """Show the words."""
        self._show_facts()
        if self.corpus is not None:
            lengths = self.corpus.lengths
            self.query_one("#lengths", Chart).show(Bars(list(lengths), list(lengths.values())))

    def watch_recipe(self) -> None:
        """Show the order at once, its figures when they are counted."""
        self._show_facts()

    def watch_counts(self) -> None:
        """Show what was counted."""
        self._show_facts()
        self._show_alphabet()

    def _show_facts(self) -> None:
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(style="dim", no_wrap=True)
        table.add_column()
        if self.corpus is not None:
            for name, value in [*_words(self.corpus), *self._ngrams()]:
                table.add_row(name, Text(value))
        self.query_one("#facts", Static).update(table)

    def _ngrams(self) -> Rows:
        counts = self.counts
        if counts is None:
            return [("order n", f"{self.recipe.n}"), ("contexts", "counting…")]
        floor = counts.floor
        contexts, outcomes = len(counts.ngrams.contexts), len(counts.alphabet)
        return [
            ("order n", f"{counts.ngrams.n}"),
            ("contexts", f"{contexts:,} × {outcomes:,}"),
            ("examples", f"{counts.ngrams.total:,}"),
            ("floor", f"{floor:.4f} nats"),
            ("", f"{floor / math.log(2):.4f} bits"),
            ("", f"perplexity {math.exp(floor):.2f}"),
        ]

    def _show_alphabet(self) -> None:
        if self.counts is None:
            return
        ngrams = self.counts.ngrams
        frequencies: list[int] = ngrams.column_sums.tolist()
        table = Table.grid(padding=(0, 1, 0, 0), expand=True)
        table.add_column(no_wrap=True)
        table.add_column(justify="right", no_wrap=True)
        table.add_column(ratio=1, style="dim", no_wrap=True, overflow="crop")
        highest = max(frequencies)
        tokens = list(range(len(frequencies)))
        if len(tokens) > self.A_FEW:
            tokens.sort(key=lambda token: -frequencies[token])
        for token in tokens[: self.MOST_BARS]:
            bar = "█" * round(20 * frequencies[token] / highest) or "▏"
            table.add_row(Text(ngrams.alphabet.label(token)), f"{frequencies[token]:,}", bar)
        if len(tokens) > self.MOST_BARS:
            table.add_row("…", f"and {len(tokens) - self.MOST_BARS:,} rarer", "")
        self.query_one("#alphabet", Static).update(table)


def _words(corpus: Corpus) -> Rows:
    return [
        ("corpus", visible(corpus.name)),
        ("words", f"{corpus.word_count:,}"),
        ("unique", f"{len(corpus.vocabulary):,}"),
        ("duplicates", f"{corpus.duplicates:,}"),
        ("characters", f"{corpus.characters:,}"),
        ("alphabet", f"{len(corpus.alphabet.characters):,} and boundary"),
        ("first", ", ".join(map(_shortened, corpus.first[:3]))),
        ("longest", ", ".join(map(_shortened, corpus.longest[:2]))),
        ("shortest", ", ".join(map(_shortened, corpus.shortest[:4]))),
    ]


def _shortened(word: str) -> str:
    return visible(word if len(word) <= 30 else f"{word[:29]}…")
