"""Composition and global keys."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult, SystemCommand
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.events import DescendantFocus
from textual.keys import format_key
from textual.reactive import var
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Input, Static, Tab, Tabs

from model.corpus import DEFAULT, Corpus
from model.recipe import Recipe
from model.runs import Run, default_root
from tui.garbage import GLANCE_SECONDS
from tui.keys import KEYS, bindings_of
from tui.messages import CellFollowed, DrawsChanged, KChosen, L2Chosen, WordFollowed
from tui.run_bench import RunBench
from tui.widgets.key_bar import KeyBar

if TYPE_CHECKING:
    from tui.panes.pane import Pane
    from tui.tour import Tour

FRAMES = ("1 Dataset", "2 Training", "3 Generator")
"""What the first picture shows of the panes, which are imported after it."""
FRAMES_PER_SECOND = 10.0
LOW_FRAMES_PER_SECOND = 4.0  # at a low bandwidth


class MakemoreApp(RunBench):
    """The workbench: a corpus, a network that learns it, and the words that both write."""

    TITLE = "makemore"
    CSS_PATH = ["app.tcss", "panes/lens.tcss", "panes/roads.tcss", "panes/smoothing.tcss"]  # noqa: RUF012
    CSS_PATH += ["terminals.tcss"]
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012
        (0, "-slim"),
        (40, "-narrow"),
        (66, "-medium"),
        (100, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [(0, "-low"), (12, "-short"), (16, "-tall")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [*KEYS]

    pane: var[int] = var(0, init=False)

    def __init__(
        self,
        source: str = DEFAULT,
        corpus: Corpus | None = None,
        *,
        runs: Path | None = None,
        run: Run | None = None,
        tour: bool = False,
        ascii: bool | None = None,
        low_bandwidth: bool | None = None,
    ) -> None:
        """Make the app.

        Args:
            source: the corpus to begin with.
            corpus: one that is loaded already, instead.
            runs: the directory that runs are kept in; None for the user's.
            run: what to begin with instead of a corpus.
            tour: whether to begin with the tour.
            ascii: whether to show ASCII alone; None for what is remembered, or suits the terminal.
            low_bandwidth: whether to send less to the terminal; None likewise.
        """
        super().__init__(runs or default_root())
        self._source = source
        self._given = corpus
        self._run = run
        self._begin_tour = tour
        self._ascii = ascii
        self._low_bandwidth = low_bandwidth
        self._pulling: Timer | None = None
        self._zoomed = False
        self._filled = False

    def compose(self) -> ComposeResult:
        """The frames of the panes, which are all that the first picture shows."""
        with Horizontal(id="panes"):
            for title in FRAMES:
                frame = Static(classes="pane -beside", id=_id(title))
                frame.set_class(title is FRAMES[0], "-active")
                frame.border_title = title
                yield frame
        yield KeyBar(id="footer")
        yield Static("make the terminal larger: 40 x 12 at least", id="too-small")

    def on_mount(self) -> None:
        """Take up what was remembered."""
        self.recall()
        if self._ascii is not None:
            self.show_ascii(self._ascii)
        if self._low_bandwidth is not None:
            self.low_bandwidth = self._low_bandwidth
        # The first picture is painted before the panes are made, and torch imported after that.
        self.call_after_refresh(self._fill)

    async def _fill(self) -> None:
        """Put the panes into their frames, under tabs."""
        self.garbage.begin()
        self.set_interval(GLANCE_SECONDS, self.garbage.glance)
        from tui.panes.every import PANES
        from tui.tour import Tour

        frames = self.query_one("#panes")
        await frames.remove_children()
        titles = [f"{pane.NUMBER} {pane.TITLE}" for pane in PANES]
        panes = [kind(id=_id(title)) for kind, title in zip(PANES, titles, strict=True)]
        for pane in panes:
            pane.set_class(pane.BESIDE, "-beside")
            pane.data_bind(*(getattr(MakemoreApp, name) for name in pane.FOLLOWS))
        await frames.mount(*panes)
        tabs = Tabs(*(Tab(title, id=_id(title)) for title in titles))
        bandwidth = Static("low bandwidth", id="bandwidth")
        await self.mount(Horizontal(tabs, bandwidth, id="top"), before=frames)
        tour = Tour().data_bind(MakemoreApp.counts)
        tour.stop = self.remembered.tour
        await self.mount(tour, after=frames)
        if self.return_code is not None:  # somebody quits, and there will be no panes
            return
        self._filled = True
        self.watch_pane()
        self._pull_in_time()
        if self._run is not None:
            self.open_run(self._run)
        else:
            self.open_corpus(self._source, self._given)
        if self._begin_tour:
            self.action_tour()

    def watch_low_bandwidth(self) -> None:
        """Draw less often, or as often as before."""
        super().watch_low_bandwidth()
        if self._pulling:
            self._pull_in_time()

    def _pull_in_time(self) -> None:
        if self._pulling:
            self._pulling.stop()
        rate = LOW_FRAMES_PER_SECOND if self.low_bandwidth else FRAMES_PER_SECOND
        self._pulling = self.set_interval(1 / rate, self.pull)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Until the panes are there, one can only leave."""
        if action == "next_stop":
            typing = len(self.screen_stack) > 1 and bool(self.screen.query(Input))
            return self._filled and not typing and self._tour.open
        if self.moving and action in ("train", "step", "stop", "detach"):
            return None
        return self._filled or action == "quit"

    def action_open(self) -> None:
        """Ask for a corpus."""
        from tui.screens.open_corpus import OpenCorpusScreen

        def take(source: str | None) -> None:
            if source is not None:
                self.open_corpus(source)
                # Closing the form gives the focus back to where it was.
                self.call_later(self.action_show_pane, 0)

        self.push_screen(OpenCorpusScreen(), take)

    def action_edit_recipe(self) -> None:
        """Ask for the recipe of the next run."""
        from tui.screens.recipe_form import RecipeForm

        def take(recipe: Recipe | None) -> None:
            if recipe is None or recipe == self.recipe:
                return
            if recipe == self.recipe.adjusted_to(recipe) and self.snapshot.phase.resumable:
                self.notify(f"The run goes on with {self.recipe.changes(recipe)}.")
            self.set_recipe(recipe)

        ngrams = self.counts.ngrams if self.counts else None
        self.push_screen(RecipeForm(self.recipe, ngrams, self.corpus), take)

    def action_layers(self) -> None:
        """Show how the layers of the network fare."""
        from tui.screens.layers import LayersScreen

        self.push_screen(LayersScreen().data_bind(MakemoreApp.snapshot))

    def action_runs(self) -> None:
        """Show the runs that are on disk."""
        from tui.screens.runs import RunsScreen

        def take(run: Run | None) -> None:
            if run is not None:
                self.open_run(run)

        self.push_screen(RunsScreen(self), take)

    def action_leaderboard(self) -> None:
        """Judge every model of the corpus by the same words."""
        from tui.screens.leaderboard import LeaderboardScreen

        def take(run: Run | None) -> None:
            if run is not None:
                self.open_run(run)

        if corpus := self._learnable():
            self.push_screen(LeaderboardScreen(corpus, self.runs), take)

    def looked_at(self) -> bool:
        """Whether a pane on the screen shows the inside of the network."""
        return any(pane.looks and pane.display for pane in self._all_panes)

    def action_log_scale(self) -> None:
        """Switch the loss axis."""
        from tui.panes.training import TrainingPane

        self.query_one(TrainingPane).action_log_scale()

    # Words

    @on(DrawsChanged)
    def action_generate(self) -> None:
        """Draw words and go to them."""
        from tui.panes.generator import GeneratorPane

        self.pane = self.place_of(GeneratorPane)
        self.query_one(GeneratorPane).generate(self.session.trained)

    # The tour

    def action_tour(self) -> None:
        """Take the tour up where it was left, or leave it."""
        tour = self._tour
        if tour.open:
            tour.leave()
            self.notify("The tour waits here: ctrl+t takes it up again.", timeout=3)
        else:
            tour.go_to(tour.stop)

    def action_next_stop(self, by: int) -> None:
        """Go on with the tour, or back."""
        self._tour.go_to(self._tour.stop + by)

    def place_of(self, pane: type[Pane]) -> int:
        """The number that `action_show_pane` takes for a pane."""
        return [type(one) for one in self._all_panes].index(pane)

    # From one pane to another

    @on(CellFollowed)
    def show_cell(self, message: CellFollowed) -> None:
        """Show where a number stands in the table."""
        from tui.panes.explorer import ExplorerPane

        self.action_show_pane(self.place_of(ExplorerPane))
        self.query_one(ExplorerPane).go_to(message.context, message.outcome)

    @on(WordFollowed)
    def show_word(self, message: WordFollowed) -> None:
        """Look at a word through the lens."""
        from tui.panes.lens import LensPane

        self.action_show_pane(self.place_of(LensPane))
        self.query_one(LensPane).word = message.word

    @on(KChosen)
    def take_k(self, message: KChosen) -> None:
        """Smooth the counts."""
        self.smooth(message.k)

    @on(L2Chosen)
    def take_l2(self, message: L2Chosen) -> None:
        """Pull W towards zero, more or less than before."""
        self.set_recipe(replace(self.recipe, l2=message.l2))

    # The screen

    def action_show_pane(self, number: int) -> None:
        """Go to a pane."""
        self.pane = number
        self._pane.target.focus()

    def watch_pane(self) -> None:
        """Bring the pane to the front."""
        self._arrange()
        self.query_one(Tabs).active = self._pane.id or ""
        self._pane.target.focus()

    @on(Tabs.TabActivated)
    def follow_tab(self, message: Tabs.TabActivated) -> None:
        """Go to the pane of the tab that was clicked, unless another has been gone to since."""
        if message.tabs.active == message.tab.id:
            self.pane = [pane.id for pane in self._all_panes].index(message.tabs.active)

    @on(DescendantFocus)
    def follow_focus(self, message: DescendantFocus) -> None:
        """Let the pane that has the focus, and still has it, be the one that is zoomed."""
        if message.widget is not self.focused:
            return
        for place, pane in enumerate(self._all_panes):
            # A pane that was left meanwhile has lost the focus, and does not know it yet.
            if pane.display and pane in message.widget.ancestors_with_self:
                self.pane = place

    def action_zoom(self) -> None:
        """Give the pane the whole screen, or the others their place back."""
        self._zoomed = not self._zoomed
        self._arrange()

    def _arrange(self) -> None:
        """Show the pane, and beside it, where the screen is wide, those that belong there."""
        active, panes = self._pane, self._all_panes
        beside = active.BESIDE and not self._zoomed
        before = [pane.classes for pane in panes]
        for pane in panes:
            pane.active = pane is active
            pane.set_class(beside and pane.BESIDE, "-beside", update=False)
        # What is in the panes stays as it is: to style all that anew would outlast the picture.
        changed = [pane for pane, was in zip(panes, before, strict=True) if pane.classes != was]
        self.stylesheet.update_nodes(changed)

    def action_help(self) -> None:
        """Show what the pane shows and what the keys do."""
        from tui.screens.help import HelpScreen

        self.push_screen(HelpScreen(self._pane, KEYS, self.focused))

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Every command there is, for the palette."""
        yield SystemCommand("Theme", "Change the colours", self.action_change_theme)
        if self.ascii_only:
            yield SystemCommand("Characters: all", "Braille, frames, signs", self.action_characters)
        else:
            yield SystemCommand("Characters: ASCII", "For poor fonts", self.action_characters)
        if self.low_bandwidth:
            about = f"{FRAMES_PER_SECOND:.0f} updates a second"
            yield SystemCommand("Bandwidth: full", about, self.action_bandwidth)
        else:
            about = f"At most {LOW_FRAMES_PER_SECOND:.0f} updates a second"
            yield SystemCommand("Bandwidth: low", about, self.action_bandwidth)
        yield SystemCommand("Screenshot", "Write the screen to an SVG", self.deliver_screenshot)
        from tui.tour import STOPS

        for number, stop in enumerate(STOPS):
            go = partial(self._tour.go_to, number)
            yield SystemCommand(f"Tour {number + 1}: {stop.title}", "Take the tour up here", go)
        for owner in (self, *self._all_panes):
            for binding in bindings_of(owner):
                run = partial(self.run_action, binding.action, owner)
                about = f"{binding.tooltip} ({format_key(binding.key_display or binding.key)})"
                yield SystemCommand(binding.description, about, run)

    @property
    def _panes(self) -> Screen[object]:
        """The screen of the panes, whichever lies above it."""
        return self.screen_stack[0]

    @property
    def _tour(self) -> Tour:
        from tui.tour import Tour

        return self._panes.query_one(Tour)

    @property
    def _all_panes(self) -> list[Pane]:
        """In the order of their numbers; before they are there, none."""
        from tui.panes.pane import Pane

        frames = (each for one in self._panes.query_children("#panes") for each in one.children)
        return [pane for pane in frames if isinstance(pane, Pane)]

    @property
    def _pane(self) -> Pane:
        return self._all_panes[self.pane]


def _id(title: str) -> str:
    """The id of the pane that has a number and a name."""
    return title.split()[1].lower()
