"""Two roads to one table: words of counts and network on the same draws, and where they part."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.reactive import var
from textual.widgets import Static

from model.alphabet import visible
from model.corpus import Corpus
from model.draws import MOST_SEED, Draws
from model.session import in_one_line
from tui.keys import hidden
from tui.look import Look, same_network
from tui.marked import marked
from tui.messages import COUNTS, NETWORK, CellFollowed, Drawing
from tui.panes.comparison import (
    Comparison,
    cell_columns,
    pair_columns,
    picture,
    share,
)
from tui.panes.pane import LookingPane
from tui.widgets.bars import share_bar
from tui.widgets.live_table import Cell, LiveTable

if TYPE_CHECKING:
    from model.counts import CountModel
    from model.language_model import LanguageModel
    from model.sampling import Sample

MOST_DIFFERENCES = 100
WORKING_SHARE = 0.25
"""Of the time at most goes into comparing while the network learns."""
SHORTEST_REST = 0.5  # seconds: more often, nobody could read it


@dataclass
class RoadsCompared(Message):
    """Both models were compared."""

    comparison: Comparison


@dataclass
class ComparingFailed(Message):
    """The models could not be compared."""

    reason: str
    counts: CountModel
    draws: Draws


class RoadsPane(LookingPane):
    """Pairs of words with the draw at which they part, and the cells that make them part."""

    NUMBER = 6
    TITLE = "Roads"
    HINT = "enter how · n parting only · d next seed · e edit"
    ROOMY = 140
    HELP = """\
### Roads

Two roads to one table: counting, and the network that learns. Both write words from the **same \
random numbers**, so that they differ only where the tables do.

- Each line is a pair of words. They part at the draw marked `▸`: **after** this context the \
number **u** lies in the share of one outcome by counting and of another in the network. A share \
is the outcome's part of [0, 1), as long as its probability. Below, both are drawn, with u at `┃`.
- At the foot are the cells in which the **tables** differ most, and how often their context \
occurs: what is rare moves the loss little and is learned last.
- When the recipe **converge** is done, the words are the same. Before, one sees why not.
- `enter` on a pair shows how its words were drawn, on a cell goes to it in the explorer; `tab` \
goes from list to list.
"""

    BINDINGS: ClassVar[list[BindingType]] = [
        hidden("n", "parting_only", "Parting only", "Hide pairs of the same word", id="roads.part"),
        hidden("d", "next_seed", "Other pairs", "Words of the next seed", id="roads.seed"),
        hidden(
            "e",
            "edit_draws",
            "Edit pairs",
            "Count, seed, temperature, top-k, prefix",
            id="roads.edit",
        ),
    ]

    draws: var[Draws] = var(Draws(count=100), init=False)
    parting_only: var[bool] = var(False, init=False)
    comparison: var[Comparison | None] = var(None, init=False)

    _busy = False
    """Whether a comparison is under way, or rests from one."""
    _failed: tuple[CountModel, Draws] | None = None
    """What is not tried again."""
    _pairs: list[int]
    """The numbers of the pairs that are listed."""

    def compose(self) -> ComposeResult:
        """What is compared, the pairs, why one of them parts, and the cells."""
        yield Static(id="compared", markup=False)
        with Vertical(id="roads-pairs"):
            yield LiveTable(id="pairs", classes="target")
            yield Static(id="why", markup=False)
        with Vertical(id="roads-cells"):
            yield Static(
                "where the tables differ most, and how often the context occurs",
                id="cells-head",
                markup=False,
            )
            yield LiveTable(id="cells")

    @on(LiveTable.Resized)
    def fill(self) -> None:
        """Use the room there is now."""
        self.watch_comparison()

    def watch_draws(self) -> None:
        """Draw other words."""
        self.changed()

    def watch_parting_only(self) -> None:
        """Show all pairs or some."""
        self.watch_comparison()

    def watch_comparison(self) -> None:
        """Show what was found."""
        self._show_head()
        self._show_pairs()
        self._show_why()
        self._show_cells()

    # Comparing

    def show(self) -> None:
        """Compare the models as they are now, unless that is being done or known."""
        counts, look, corpus = self.counts, self.look, self.corpus
        if counts is None or look is None or corpus is None or look.ngrams is not counts.ngrams:
            self.comparison = None
            self._show_head()
            return
        known = self.comparison
        if known and known.counts is counts and same_network(known.look, look):
            if known.drawing.draws == self.draws:
                return
        elif known and known.look.run != look.run:
            self.comparison = None
        if self._busy or self._failed == (counts, self.draws):
            return
        drawn = None
        if known and known.counts is counts and known.drawing.draws == self.draws:
            drawn = known.drawing.samples[COUNTS]
        self._busy = True
        self._compare(corpus, counts, look, self.draws, drawn)

    # Without a description, Textual writes out all arguments, tensors and all: milliseconds.
    @work(thread=True, group="comparing", exit_on_error=False, description="compare")
    def _compare(
        self, corpus: Corpus, counts: CountModel, look: Look, draws: Draws, drawn: Sample | None
    ) -> None:
        from model.devices import fit_threads
        from model.sampling import partings, sample
        from model.tables import largest_differences

        began = time.perf_counter()
        try:
            fit_threads(draws.count * len(counts.alphabet))
            samples = (drawn or sample(counts, draws), sample(look.network, draws))
            found = partings((counts, look.network), draws, samples)
            cells = largest_differences(counts, look.network, MOST_DIFFERENCES)
            times = look.ngrams.row_sums[[cell.context for cell in cells]].tolist()
        except Exception as error:  # out of memory, say: whatever it was, the user is to know
            self.post_message(ComparingFailed(in_one_line(error), counts, draws))
            return
        models: dict[str, LanguageModel] = {COUNTS: counts, NETWORK: look.network}
        drawing = Drawing(draws, models, dict(zip(models, samples, strict=True)), corpus,
                          counts.ngrams.n)  # fmt: skip
        seconds = time.perf_counter() - began
        self.post_message(
            RoadsCompared(Comparison(drawing, counts, look, found, cells, times, seconds))
        )

    @on(RoadsCompared)
    def keep_comparison(self, message: RoadsCompared) -> None:
        """Show what was found, unless something else is wanted by now, and go on after a rest."""
        found = message.comparison
        wanted = self.look is not None and self.look.run == found.look.run
        if wanted and found.counts is self.counts and found.drawing.draws == self.draws:
            self.comparison = found
        rest = max(SHORTEST_REST, found.seconds * (1 / WORKING_SHARE - 1))
        self.set_timer(rest if self.look is not None else 0, self._go_on)

    @on(ComparingFailed)
    def report_failure(self, message: ComparingFailed) -> None:
        """Say why there is nothing to see."""
        self._failed = message.counts, message.draws
        if message.counts is self.counts and message.draws == self.draws:
            self.comparison = None
            self._show_head()
            self.app.notify(message.reason, severity="error", markup=False)
        self._go_on()

    def _go_on(self) -> None:
        self._busy = False
        self.changed()

    # Keys

    def action_parting_only(self) -> None:
        """Show all pairs, or those that part."""
        self.parting_only = not self.parting_only

    def action_next_seed(self) -> None:
        """Draw with the next seed."""
        self.draws = replace(self.draws, seed=(self.draws.seed + 1) % (MOST_SEED + 1))

    def action_edit_draws(self) -> None:
        """Open the form."""
        from tui.screens.forms import draws_form

        def take(draws: Draws | None) -> None:
            if draws is not None:
                self.draws = draws

        self.app.push_screen(draws_form(self.draws, self.corpus), take)

    @on(LiveTable.Chosen, "#pairs")
    def open_trace(self, message: LiveTable.Chosen) -> None:
        """Show how the words were drawn."""
        if self.comparison is not None:
            from tui.screens.trace import TraceScreen

            self.app.push_screen(TraceScreen(self.comparison.drawing, message.key))

    @on(LiveTable.Chosen, "#cells")
    def follow_cell(self, message: LiveTable.Chosen) -> None:
        """Go to the cell in the table."""
        if self.comparison is not None:
            self.post_message(CellFollowed(*message.key))

    @on(LiveTable.Moved, "#pairs")
    def explain(self) -> None:
        """Show why the pair under the cursor parts."""
        self._show_why()

    # What is seen

    def _show_head(self) -> None:
        found, draws = self.comparison, self.draws
        self.set_class(found is None, "-empty")
        if found is None:
            return self.query_one("#compared", Static).update(self._why_not())
        draws = found.drawing.draws
        parting = len(found.partings) - found.partings.count(None)
        parts = [
            f"{draws.count:,} words each, seed {draws.seed}, step {found.look.step:,}: "
            f"{found.partings.count(None):,} identical, {parting:,} part"
        ]
        if draws.temperature != 1:
            parts.append(f"temperature {draws.temperature:g}")
        if draws.top_k is not None:
            parts.append(f"top-k {draws.top_k}")
        if draws.prefix:
            parts.append(f"prefix {visible(draws.prefix)}")
        if found.counts.k:
            parts.append(f"k={found.counts.k:g}")
        if self.parting_only:
            parts.append("n shows all")
        self.query_one("#compared", Static).update(" · ".join(parts))
        return None

    def _why_not(self) -> str:
        if self.corpus is None:
            return "There is no corpus yet: o opens one."
        if self.counts is None:
            return "counting…"
        if self._failed == (self.counts, self.draws):
            return "Nothing could be drawn: e edits the draws."
        if self.look is None:
            return (
                "There is no network to compare with yet: space starts a run. With the recipe "
                "converge (2, then e) it reaches the floor, and both write the same words."
            )
        return "comparing…"

    def _show_pairs(self) -> None:
        table, found = self.query_one("#pairs", LiveTable), self.comparison
        if found is None:
            self._pairs = []
            table.show((), (), lambda _: ())
            return
        apart = [index for index, each in enumerate(found.partings) if each is not None]
        self._pairs = apart if self.parting_only else list(range(len(found.partings)))
        columns = pair_columns(found, table.size.width)
        width = columns[1].width
        words = [found.drawing.samples[name].words for name in (COUNTS, NETWORK)]

        def cells(row: int) -> list[Cell]:
            index = self._pairs[row]
            parting = found.partings[index]
            place = parting.place if parting else None
            both = [Content.from_rich_text(marked(each[index], place, width)) for each in words]
            number = f"{index + 1}"
            if parting is None:
                return [number, *both, Content.styled("same", "dim"), None, None, None]
            shares = [share(turn) for turn in parting.turns]
            return [number, *both, parting.context, f"{parting.uniform:.4f}", *shares]

        table.show(columns, self._pairs, cells)

    def _show_why(self) -> None:
        panel, found = self.query_one("#why", Static), self.comparison
        row = self.query_one("#pairs", LiveTable).cursor
        if found is None or row >= len(self._pairs):
            text = "every pair is the same word" if found and self.parting_only else ""
            panel.update(text, layout=False)
            return
        index = self._pairs[row]
        parting = found.partings[index]
        if parting is None:
            both = [sample[index] for sample in found.drawing.samples.values()]
            why = "every u lies in the same outcome's share in both"
            if both[0].ending != both[1].ending:
                why = "the same word, which one of the two ends in a context never seen"
            word = visible(both[0].word) or "(empty)"
            panel.update(f"{index + 1} {word}: {why}", layout=False)
        else:
            panel.update(picture(index, parting, panel.size.width), layout=False)

    def _show_cells(self) -> None:
        table, found = self.query_one("#cells", LiveTable), self.comparison
        if found is None:
            table.show((), (), lambda _: ())
            return
        differences = found.differences
        ngrams = found.look.ngrams
        labels = ngrams.context_labels([each.context for each in differences])
        outcomes = [ngrams.alphabet.label(each.outcome) for each in differences]
        columns = cell_columns(labels, outcomes, table.size.width)

        def cells(row: int) -> list[Cell]:
            one = differences[row]
            more = one.second - one.first
            return [
                labels[row],
                outcomes[row],
                f"{one.first:.4f}",
                f"{one.second:.4f}",
                f"{more:+.4f}" if abs(more) >= 0.00005 else f"{more:+.0e}",
                f"{found.times[row]:,}",
                share_bar(abs(more), columns[-1].width),
            ]

        table.show(columns, [(each.context, each.outcome) for each in differences], cells)
