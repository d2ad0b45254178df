"""How a word was drawn: each character with its distribution, as bars."""

from __future__ import annotations

import math
from itertools import accumulate
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.reactive import var
from textual.screen import ModalScreen
from textual.widgets import DataTable, Static

from model.alphabet import visible
from model.sampling import Draw, trace
from tui.messages import Drawing
from tui.screens.still import Still
from tui.widgets.key_bar import KeyBar

BESIDE_BAR = 22
"""Columns that the distribution needs next to its bars."""


class TraceScreen(Still, ModalScreen[None]):
    """The draws of one word on the left, the distribution of the one under the cursor beside."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "dismiss", "Back"),
        Binding("c", "next_model", "Other model", tooltip="Counts or network, on the same draws"),
        # Before the table, which would scroll.
        Binding("left", "turn(-1)", "Word before", priority=True),
        Binding("right", "turn(1)", "Word after", priority=True),
        Binding("question_mark", "help", "Help", key_display="?"),
    ]
    CSS_PATH = "trace.tcss"
    HELP = """\
### How a word was drawn

Each line on the left is one draw: the context, the outcome, its probability p and the random \
number **u**. On the right, the outcomes with their probabilities add up from top to bottom; the \
first **sum** above u is the choice, marked `◄`.
"""

    word: var[int] = var(0, init=False)
    model: var[str] = var("", init=False)

    def __init__(self, drawing: Drawing, word: int) -> None:
        super().__init__()
        self._drawing = drawing
        self._draws: list[Draw] = []
        self.set_reactive(TraceScreen.word, word)
        self.set_reactive(TraceScreen.model, next(iter(drawing.models)))

    def compose(self) -> ComposeResult:
        """Draws and distribution side by side."""
        with Vertical(id="trace"):
            yield Static(id="total", markup=False)
            with Horizontal():
                yield DataTable(id="steps", cursor_type="row")
                with Vertical(id="distribution"):
                    yield Static(id="uniform")
                    with VerticalScroll(can_focus=False):
                        yield Static(id="bars")
        yield KeyBar()

    def on_mount(self) -> None:
        """Show the word that was chosen."""
        self.query_one("#steps", DataTable).add_columns("context", "draw", "p", "NLL", "u")
        self._show()

    def watch_word(self) -> None:
        """Show another word."""
        self._show()

    def watch_model(self) -> None:
        """Show the same draws through another model."""
        self._show()

    def action_turn(self, by: int) -> None:
        """Go to a word before or after."""
        self.word = (self.word + by) % self._drawing.draws.count

    def action_next_model(self) -> None:
        """Go to the other model, where there are two."""
        names = list(self._drawing.models)
        self.model = names[(names.index(self.model) + 1) % len(names)]

    def action_help(self) -> None:
        """Explain the screen."""
        from tui.screens.help import HelpScreen

        self.app.push_screen(HelpScreen(self))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Another model needs two."""
        return len(self._drawing.models) > 1 if action == "next_model" else True

    @on(DataTable.RowHighlighted)
    def show_distribution(self, message: DataTable.RowHighlighted) -> None:
        """Show what the draw under the cursor was drawn from."""
        if message.cursor_row < len(self._draws):
            self._show_bars(self._draws[message.cursor_row])

    @on(DataTable.RowSelected)
    def leave(self) -> None:
        """Close on enter."""
        self.dismiss()

    def on_resize(self) -> None:
        """Draw the bars as long as the new width allows."""
        steps = self.query_one("#steps", DataTable)
        if steps.cursor_row < len(self._draws):
            self._show_bars(self._draws[steps.cursor_row])

    def _show(self) -> None:
        model = self._drawing.models[self.model]
        self._draws = trace(model, self._drawing.draws, self.word)
        steps = self.query_one("#steps", DataTable)
        steps.clear()
        for draw in self._draws:
            choice = "—" if draw.choice is None else model.alphabet.label(draw.choice)
            steps.add_row(
                Text(draw.context),
                Text(choice),
                "never seen" if draw.choice is None else f"{math.exp(-draw.nll):.4f}",
                f"{draw.nll:.3f}" if math.isfinite(draw.nll) else "∞",
                "" if draw.uniform is None else f"{draw.uniform:.4f}",
            )
        word = self._drawing.samples[self.model][self.word]
        frame = self.query_one("#trace", Vertical)
        frame.border_title = Content(f"{self.word + 1} {visible(word.word)}")
        frame.border_subtitle = self.model
        total = f"{word.nll:.4f} nats" if math.isfinite(word.nll) else "no probability"
        draws = self._drawing.draws
        notes = [f"{total} in {len(self._draws)} draws", f"seed {draws.seed}"]
        if draws.temperature != 1:
            notes.append(f"temperature {draws.temperature:g}")
        if draws.top_k is not None:
            notes.append(f"top-k {draws.top_k}")
        self.query_one("#total", Static).update(" · ".join(notes))

    def _show_bars(self, draw: Draw) -> None:
        bars = self.query_one("#bars", Static)
        if draw.probs is None:
            self.query_one("#uniform", Static).update("")
            bars.update(Text("This context never occurs in the corpus: the word ends here."))
            return
        self.query_one("#uniform", Static).update(
            Text(f"  {'p':>6} {'sum':>6} {_told(draw)}", "dim")
        )
        alphabet = self._drawing.models[self.model].alphabet
        table = Table.grid(padding=(0, 1, 0, 0))
        for justify in ("left", "right", "right", "left"):
            table.add_column(justify=justify, no_wrap=True)
        longest = max(4, self.query_one("#distribution").size.width - BESIDE_BAR)
        highest = max(draw.probs)
        sums = accumulate(draw.probs)
        for token, (p, total) in enumerate(zip(draw.probs, sums, strict=True)):
            chosen = token == draw.choice
            bar = "█" * round(longest * p / highest) or ("▏" if p else "")
            style = "bold reverse" if chosen else "" if p else "dim"
            mark = " ◄" if chosen else ""
            table.add_row(
                Text(alphabet.label(token), style),
                f"{p:.4f}",
                f"{total:.4f}",
                Text(bar + mark, "" if chosen else "dim"),
            )
        bars.update(table)
        scroll = self.query_one("#distribution VerticalScroll", VerticalScroll)
        scroll.scroll_to(y=(draw.choice or 0) - scroll.size.height // 2, animate=False)


def _told(draw: Draw) -> str:
    return "set by the prefix" if draw.uniform is None else f"u = {draw.uniform:.4f}"
