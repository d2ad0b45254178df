"""The table of contexts x outcomes, and what is under its cursor."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.reactive import var
from textual.widgets import Static

from model.alphabet import BOUNDARY, normalise
from model.errors import MakemoreError
from tui.keys import hidden
from tui.messages import WordFollowed
from tui.panes.pane import LookingPane
from tui.widgets.axes import round_step
from tui.widgets.find import Find
from tui.widgets.heat_map import HeatMap, Numbers, Table
from tui.widgets.row_bars import Distributions, RowBars
from tui.widgets.shades import Scale

if TYPE_CHECKING:
    from torch import Tensor

    from model.counts import CountModel
    from model.ngrams import Ngrams
    from model.tables import View
    from tui.look import Look

ALPHABETICAL, FREQUENT, GAP = "alphabetical", "by frequency", "by gap"
ORDERS = (ALPHABETICAL, FREQUENT, GAP)
NO_NETWORK = "no network yet: space starts a run"


class ExplorerPane(LookingPane):
    """A heat-map of the model, the row under the cursor, and the exact figures of its cell."""

    NUMBER = 4
    TITLE = "Explorer"
    HINT = "V view · S sort · F scale · / find · enter where from · esc keys"
    HELP = """\
### Explorer

Every number of both models: a row for each **context**, a column for each **outcome** after it.

- Arrows or `h` `j` `k` `l` move. **Typing** any other character goes to the row that the model is \
in after it: type a word, and see which rows write it; `.` goes back to a word's beginning.
- `enter` lists the words in which this context is followed by this outcome.
- `V` goes through the views: counts **N**, **P**, **log P**, weights **W**, the network's **P**, \
the **gradient** (expected minus observed: what the next step takes away) and the **difference**.
- `S` sorts the rows, `F` fixes the scale, `/` finds a context by any of its characters.
- The bars are the row under the cursor: `█` counts, `◆` network. `escape` goes to them and back: \
there the letters are keys again, so that `s` does a step while you look.
- **gap** is how much this row adds to loss minus floor: how often it occurs times how wrong it is.
"""

    BINDINGS: ClassVar[list[BindingType]] = [
        hidden(
            "V",
            "next_view",
            "View",
            "N, P, W, the gradient and others",
            id="table.view",
        ),
        hidden("S", "next_order", "Sort", "Alphabetical, by frequency, by gap", id="table.sort"),
        hidden("F", "fix_scale", "Fix scale", "Or let it follow what is visible", id="table.scale"),
        hidden("slash", "find", "Find context", "By its characters", id="table.find", display="/"),
        hidden(
            "escape", "turn", "Bars or table", "Where letters are keys, or places", id="table.turn"
        ),
    ]

    view: var[int] = var(0, init=False)
    """The place in `VIEWS`."""
    order: var[str] = var(ALPHABETICAL, init=False)
    fixed: var[bool] = var(False, init=False)
    """Whether the scale stays as it is, whatever is visible."""

    _ngrams: Ngrams | None = None
    """Whose contexts are sorted."""
    _outcomes: list[str]
    """Their labels."""
    _sorted: Tensor | None = None
    """The ids of the contexts from top to bottom; None where they are in their order."""
    _sorted_at = 0
    """The step whose gaps the rows are sorted by."""
    _left_at: int | None = None
    """The context under the cursor when the search began."""

    def compose(self) -> ComposeResult:
        """The table and its row beside each other, figures below."""
        yield Static(id="view", markup=False)
        with Horizontal(id="table-and-row"):
            yield HeatMap(id="table", classes="target", empty="counting…")
            yield RowBars(id="row")
        yield Find("characters of a context, such as .em; up and down go to others", id="find")
        yield Static(id="cell", markup=False)

    # What is shown

    def watch_counts(self) -> None:
        """Show other counts, or the same in other characters."""
        if self.counts is not None:
            alphabet = self.counts.alphabet
            self._outcomes = [alphabet.label(token) for token in range(len(alphabet))]
        super().watch_counts()

    def watch_view(self) -> None:
        """Show another table."""
        self.changed()

    def watch_fixed(self) -> None:
        """Show the same in other shades."""
        self.changed()

    def show(self) -> None:
        """Show the table and what is under its cursor."""
        from model.tables import VIEWS

        counts, table = self.counts, self.query_one(HeatMap)
        if counts is None:
            table.show(None, "counting…" if self.corpus else "nothing is open: o opens a corpus")
            self._show_cell()
            return
        if counts.ngrams is not self._ngrams:
            self._take(counts.ngrams)
        view = VIEWS[self.view]
        table.show(self._table(counts, view), NO_NETWORK)
        self._show_view(view)
        self._show_cell()

    def _take(self, ngrams: Ngrams) -> None:
        """Start in the first row of other contexts."""
        self._ngrams = ngrams
        self._left_at = None
        self._sort(self.order if self.order != GAP else ALPHABETICAL)
        table = self.query_one(HeatMap)
        table.characters = frozenset((*ngrams.alphabet.characters, ".")) - set(" VSF/")
        table.row = 0

    def _table(self, counts: CountModel, view: View) -> Table | None:
        look, ngrams = self.look, counts.ngrams
        if look is None and view.of_network:
            return None

        def block(first: int, last: int) -> tuple[list[str], Numbers]:
            ids = self._ids(ngrams, first, last)
            rows = view.rows(counts, look.network if look else None, ids)
            labels = ngrams.context_labels(ids.tolist())

            def numbers(columns: slice) -> list[list[float]]:
                return rows[:, columns].tolist()

            return labels, numbers

        scale = _scale(view, counts)
        length = len(ngrams.contexts)
        return Table(view.name, self._outcomes, length, block, scale, follow=not self.fixed)

    def _ids(self, ngrams: Ngrams, first: int, last: int) -> Tensor:
        import torch

        return torch.arange(first, last) if self._sorted is None else self._sorted[first:last]

    def _show_view(self, view: View) -> None:
        order = self.order
        if order == GAP:
            order += f" as of step {self._sorted_at:,}"
        parts = [f"{view.name}: {view.about}", order]
        if self.counts and self.counts.k:
            parts.append(f"k={self.counts.k:g}")
        if self.look is not None:
            parts.append(f"step {self.look.step:,}")
        self.query_one("#view", Static).update(" · ".join(parts), layout=False)

    @on(HeatMap.Moved)
    def _show_cell(self) -> None:
        """Show the row and the figures under the cursor."""
        from model.tables import cell_of

        counts, bars = self.counts, self.query_one(RowBars)
        figures = self.query_one("#cell", Static)
        if counts is None or counts.ngrams is not self._ngrams:
            bars.show(None)
            figures.update("")
            return
        context, outcome = self.context, self.query_one(HeatMap).column
        look = self.look
        cell = cell_of(counts, look.network if look else None, context, outcome)
        labels = self._outcomes
        network = cell.network_row.tolist() if cell.network_row is not None else None
        bars.show(Distributions(labels, cell.row.tolist(), network, outcome))
        place = f"{counts.ngrams.context_labels([context])[0]} → {labels[outcome]}"
        lines = [
            f"{place}   count {cell.count:,} of {cell.row_count:,} · P {cell.p:.4f} · "
            f"log P {_log(cell.p)} · {_rank(cell.rank, len(labels))}"
        ]
        if cell.q is None:
            lines.append(NO_NETWORK)
        else:
            lines.append(
                f"network P {cell.q:.4f} · log P {_log(cell.q)} · "
                f"{_rank(cell.network_rank, len(labels))} · difference {cell.q - cell.p:+.4f}"
            )
        share = cell.row_count / counts.ngrams.total
        row = f"row {100 * share:.2f}% of examples"
        if look is not None:
            row += f" · its gap {_gap(look, context)}"
        figures.update("\n".join([*lines, row]), layout=False)

    # Where the cursor is

    @property
    def context(self) -> int:
        """The id of the context under the cursor."""
        row = self.query_one(HeatMap).row
        return row if self._sorted is None else int(self._sorted[row])

    def go_to(self, context: int, outcome: int | None = None) -> None:
        """Put the cursor on a context, and on an outcome of it."""
        table = self.query_one(HeatMap)
        if self.counts is not None and self.counts.ngrams is not self._ngrams:
            self._take(self.counts.ngrams)
            self.show()
        if self._ngrams is None or not 0 <= context < len(self._ngrams.contexts):
            return
        row = context if self._sorted is None else int((self._sorted == context).nonzero())
        table.go_to(row, table.column if outcome is None else outcome)

    @on(HeatMap.Typed)
    def follow_character(self, message: HeatMap.Typed) -> None:
        """Go to the row that the model is in after a character."""
        from model.tables import context_after

        if self.counts is None or self._ngrams is None:
            return
        typed = message.character
        token = BOUNDARY if typed == "." else self._ngrams.alphabet.encode(typed)[0]
        context = context_after(self._ngrams, self.context, token)
        if context is None:
            self.app.bell()
        else:
            self.go_to(context)

    @on(RowBars.Moved)
    def follow_outcome(self, message: RowBars.Moved) -> None:
        """Go to the outcome beside the one under the cursor."""
        self.query_one(HeatMap).action_move(0, message.by)

    @on(HeatMap.Chosen)
    def open_words(self) -> None:
        """List the words that hold what is counted under the cursor."""
        from tui.screens.where_from import WhereFromScreen

        if self.corpus is None or self._ngrams is None:
            return
        outcome = self.query_one(HeatMap).column

        def follow(word: str | None) -> None:
            if word is not None:
                self.post_message(WordFollowed(word))

        screen = WhereFromScreen(self.corpus, self._ngrams, self.context, outcome)
        self.app.push_screen(screen, follow)

    # How it is shown

    def action_next_view(self) -> None:
        """Go to the next table."""
        from model.tables import VIEWS

        self.view = (self.view + 1) % len(VIEWS)

    def action_fix_scale(self) -> None:
        """Fix the scale, or let it follow."""
        self.fixed = not self.fixed

    def action_next_order(self) -> None:
        """Sort the rows in another way; the cursor stays on its context."""
        if self._ngrams is None:
            return
        context = self.context
        order = ORDERS[(ORDERS.index(self.order) + 1) % len(ORDERS)]
        if order == GAP and (self.look is None or self.look.gaps is None):
            reason = NO_NETWORK if self.look is None else "the gaps are still being computed"
            self.app.notify(f"To sort by gap: {reason}.")
            order = ALPHABETICAL
        self._sort(order)
        self.go_to(context)
        self.show()

    def _sort(self, order: str) -> None:
        """Sort the rows, once: they do not move under the cursor while the network learns."""
        self.order = order
        self._sorted = None
        if order == FREQUENT and self._ngrams is not None:
            self._sorted = self._ngrams.by_frequency
        elif order == GAP and self.look is not None and self.look.gaps is not None:
            self._sorted, self._sorted_at = self.look.gaps.ranking, self.look.gaps.step

    def action_turn(self) -> None:
        """Go from the table to the bars, or back."""
        table, bars = self.query_one(HeatMap), self.query_one(RowBars)
        (bars if table.has_focus else table).focus()

    # Finding

    def action_find(self) -> None:
        """Ask for a context."""
        if self._ngrams is not None:
            self._left_at = self.context
            self.query_one(Find).open()

    @on(Find.Wanted)
    def find(self, message: Find.Wanted) -> None:
        """Go to a context that holds what is typed."""
        from model.tables import find_contexts

        if self._ngrams is None:
            return
        try:
            found = find_contexts(self._ngrams, normalise(message.text))
        except MakemoreError as error:
            self._say(str(error))
            return
        if len(found):
            match = message.match % len(found)
            self.go_to(int(found[match]))
            self._say(f"match {match + 1:,} of {len(found):,}")
        else:
            length = self._ngrams.n - 1
            self._say(f"no context of {length} characters holds this" if message.text else "")

    @on(Find.Closed)
    def close_find(self, message: Find.Closed) -> None:
        """Go on from what was found, or from where the search began."""
        self._say("")
        if not message.keep and self._left_at is not None:
            self.go_to(self._left_at)
        if message.by_key:
            self.query_one(HeatMap).focus()

    def _say(self, what: str) -> None:
        self.caption = f"{self.TITLE}{what and ': ' + what}"


def _scale(view: View, counts: CountModel) -> Scale:
    """A scale that holds the view of every context at any step, or nearly."""
    most = int(counts.ngrams.counts.max())
    steepest = round_step(most / counts.ngrams.total)
    limits = {
        "N": (0.0, round_step(most)),
        "P": (0.0, 1.0),
        "log P": (-10.0, 0.0),
        "W": (-5.0, 5.0),
        "network P": (0.0, 1.0),
        "gradient": (-steepest, steepest),
        "difference": (-1.0, 1.0),
    }
    return Scale(*limits[view.name], signed=view.signed, root=view.name not in ("log P", "W"))


def _gap(look: Look, context: int) -> str:
    gaps = look.gaps
    if gaps is None:
        return "is being computed"
    gap = float(gaps.by_context[context])
    part = f", {100 * gap / gaps.total:.1f}%" if gaps.total > 1e-9 else ""
    at = f" at step {gaps.step:,}" if gaps.step != look.step else ""
    return f"{gap:.2g} nats{part} of all {gaps.total:.4f}{at}"


def _log(p: float) -> str:
    return f"{math.log(p):.4f}" if p else "-∞"


def _rank(rank: int | None, outcomes: int) -> str:
    return f"rank {rank} of {outcomes}" if rank else "impossible"
