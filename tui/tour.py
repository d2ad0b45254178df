"""The guided tour: the notebook's sections as steps, each of which drives the app."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.reactive import var
from textual.widgets import Static

from model.recipe import RECIPES
from model.session import Phase
from tui.messages import COUNTS, NETWORK
from tui.panes.dataset import DatasetPane
from tui.panes.explorer import ExplorerPane
from tui.panes.generator import GeneratorPane
from tui.panes.pane import Pane
from tui.panes.roads import RoadsPane
from tui.panes.training import TrainingPane

if TYPE_CHECKING:
    from model.counts import CountModel
    from tui.app import MakemoreApp

ORDER = 2  # the notebook's, at which a table fits on the screen


@dataclass(frozen=True)
class Stop:
    """One step of the tour: what it says, and what it does to the app first."""

    title: str
    text: str
    """Two or three sentences on what to look at."""
    drive: Callable[[MakemoreApp], None]
    """Called at order 2 when the counts are there, whatever came before."""


def _show(app: MakemoreApp, pane: type[Pane]) -> None:
    app.action_show_pane(app.place_of(pane))


def _explore(app: MakemoreApp, view: str, *, fixed: bool = False) -> None:
    """Show the row of the most frequent character, and in it the likeliest outcome."""
    from model.tables import VIEWS

    assert app.counts is not None
    explorer = app.query_one(ExplorerPane)
    explorer.view = [each.name for each in VIEWS].index(view)
    explorer.fixed = fixed
    _show(app, ExplorerPane)
    ngrams = app.counts.ngrams
    context = next((each for each in ngrams.by_frequency.tolist() if each), 0)
    row = ngrams.rows(ngrams.by_frequency.new_tensor([context]))[0]
    explorer.go_to(context, int(row.argmax()))


def _have_run(app: MakemoreApp, name: str, *, at_start: bool) -> None:
    """Have a run of a recipe as it stands in the book, at step 0 or wherever it has come to."""
    recipe = replace(RECIPES[name], n=ORDER, device=app.recipe.device)
    if recipe != app.recipe:
        app.set_recipe(recipe, remember=False)
    snapshot = app.session.snapshot
    over = not snapshot.phase.resumable and snapshot.phase is not Phase.FINISHED
    if at_start or over or snapshot.recipe != recipe:
        app.action_reset()


def _untrained(app: MakemoreApp) -> None:
    _have_run(app, "notebook", at_start=True)


def _at_full_speed(app: MakemoreApp) -> None:
    app.full_speed = True
    app.session.resume()


def _the_list(app: MakemoreApp) -> None:
    _show(app, DatasetPane)


def _counts(app: MakemoreApp) -> None:
    _explore(app, "N")


def _probabilities(app: MakemoreApp) -> None:
    _explore(app, "P")


def _counted_words(app: MakemoreApp) -> None:
    app.query_one(GeneratorPane).source = COUNTS
    app.action_generate()


def _weights(app: MakemoreApp) -> None:
    _untrained(app)
    _explore(app, "W")


def _forward_pass(app: MakemoreApp) -> None:
    _untrained(app)
    _explore(app, "network P")


def _noise(app: MakemoreApp) -> None:
    _untrained(app)
    app.query_one(GeneratorPane).source = NETWORK
    app.action_generate()


def _gradient(app: MakemoreApp) -> None:
    _untrained(app)
    _explore(app, "gradient", fixed=True)


def _training(app: MakemoreApp) -> None:
    _untrained(app)
    app.full_speed, app.pace = False, 10
    app.session.resume()
    _show(app, TrainingPane)


def _losses(app: MakemoreApp) -> None:
    _have_run(app, "notebook", at_start=False)
    _at_full_speed(app)
    _show(app, TrainingPane)


def _floor(app: MakemoreApp) -> None:
    _have_run(app, "converge", at_start=True)
    _at_full_speed(app)
    _show(app, TrainingPane)


def _two_roads(app: MakemoreApp) -> None:
    _have_run(app, "converge", at_start=False)
    _at_full_speed(app)
    _show(app, RoadsPane)


STOPS = (
    Stop(
        "A list of words",
        "All that follows is learnt from this list, one word a line: see how many words it "
        "has, how long they are, which characters occur. The dot is no character: it marks "
        "where a word begins and ends.",
        _the_list,
    ),
    Stop(
        "The lookup table",
        "Count what follows what: a row for each character, a column for each that comes "
        "next. The cursor is on the pair that is most frequent in its row. Move it with the "
        "arrows, or type a character to go to its row.",
        _counts,
    ),
    Stop(
        "Where a number comes from",
        "Press enter: the words that this count was counted from, with the place marked. "
        "Escape comes back. The dot's row says how words begin, the dot's column how they "
        "end.",
        _counts,
    ),
    Stop(
        "From counts to probabilities",
        "Each row divided by its sum: what comes next, and how likely. The bars on the right "
        "are the row under the cursor; they add up to 1. What was never counted is "
        "impossible.",
        _probabilities,
    ),
    Stop(
        "Sampling",
        "Begin at the dot, draw a character from its row, go to that character's row, and so "
        "on to the next dot. These words were made in that way. Press enter on one to see "
        "every draw; d draws others.",
        _counted_words,
    ),
    Stop(
        "A cheap neural network",
        "The same table on another road: W has a weight for each pair, and starts as random "
        "numbers. A one-hot context times W picks a row of it, and that is the whole network.",
        _weights,
    ),
    Stop(
        "The forward pass",
        "Softmax turns a row of weights into probabilities: exponentiate, divide by the sum. "
        "Compare the diamonds, which are the network, with the bars, which are the counts: "
        "nothing is learnt yet.",
        _forward_pass,
    ),
    Stop(
        "Sampling from the network",
        "The same draws through the untrained network give noise. Press c to see counts and "
        "network side by side on the same random numbers: ▸ marks where they part.",
        _noise,
    ),
    Stop(
        "The gradient",
        "How often the network expects a pair, minus how often it was observed. Each step "
        "moves W against this. Press escape, then s for single steps, and watch the colours "
        "fade; escape comes back to the table.",
        _gradient,
    ),
    Stop(
        "The training loop",
        "The loss is the mean surprise -log p of what really came next. At ten steps a second "
        "one can watch it fall; space pauses, plus and minus change the pace. The log below "
        "shows words that the network writes on the way.",
        _training,
    ),
    Stop(
        "How the loss changed",
        "At full speed to the end of the notebook's 501 steps. The loss falls fast, then "
        "hardly: the learning rate was cut too early. The list beside the curve says which "
        "rows are still far off.",
        _losses,
    ),
    Stop(
        "How low can it get?",
        "No network that sees one character can beat the counts: their loss is the floor. The "
        "recipe converge, with Adam, comes down to it within the same 501 steps: loss minus "
        "floor, above the curve, shrinks to nothing.",
        _floor,
    ),
    Stop(
        "Two roads, one table",
        "From the same random numbers both models now write the same words, all or nearly all: "
        "the network has found the table by descent that counting gives at once. Raise n with "
        "], look at a word under 5, or smooth the counts under 7.",
        _two_roads,
    ),
)


class Tour(Vertical):
    """The panel below the panes that says what to look at."""

    DEFAULT_CSS = """
    Tour {
        display: none;
        height: auto;
        padding: 0 1;
        border: round $success;
        border-title-color: $text-success;
        border-subtitle-color: $text-muted;
        &.-open { display: block; }
        Static { height: auto; max-height: 4; }
    }
    """

    counts: var[CountModel | None] = var(None, init=False)
    stop: var[int] = var(0, init=False)
    """The place in `STOPS`."""

    _due = False
    """Whether the app is still to be driven, when the counts are there."""

    def compose(self) -> ComposeResult:
        """A few sentences."""
        yield Static(markup=False)

    @property
    def app(self) -> MakemoreApp:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The app that is shown round."""
        return super().app  # pyright: ignore[reportReturnType]

    @property
    def open(self) -> bool:
        """Whether the tour is being taken."""
        return self.has_class("-open")

    def go_to(self, stop: int) -> None:
        """Take the tour up at one of its stops."""
        self.stop = min(max(0, stop), len(STOPS) - 1)
        self.add_class("-open")
        here = STOPS[self.stop]
        self.border_title = f"Tour {self.stop + 1}/{len(STOPS)} · {here.title}"
        last = self.stop == len(STOPS) - 1
        keys = ["" if last else "> next", "< back" if self.stop else "", "ctrl+t leave"]
        self.border_subtitle = " · ".join(filter(None, keys))
        self.query_one(Static).update(here.text)
        self.app.remember(tour=0 if last else self.stop)
        while len(self.app.screen_stack) > 1:
            self.app.pop_screen()
        self.app.clear_notifications()
        self._due = True
        if self.app.recipe.n != ORDER:
            self.app.set_recipe(replace(self.app.recipe, n=ORDER), remember=False)
        self._drive()

    def leave(self) -> None:
        """Let the app be as it is."""
        self._due = False
        self.remove_class("-open")

    def watch_counts(self) -> None:
        """Go on when they are there."""
        self._drive()

    def _drive(self) -> None:
        if self._due and self.app.counts is not None:
            self._due = False
            if self.app.counts.k:
                self.app.smooth(0)
            STOPS[self.stop].drive(self.app)
