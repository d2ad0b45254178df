"""Composition, global keys, and the one place where the app's state lives."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from importlib import import_module
from threading import Thread
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import App, ComposeResult, SystemCommand
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.events import DescendantFocus
from textual.keys import format_key
from textual.reactive import var
from textual.screen import Screen
from textual.widgets import Footer, Static, Tab, Tabs
from textual.worker import Worker, WorkerState

from model.alphabet import visible
from model.corpus import DEFAULT, Corpus, load
from model.order import ORDERS
from model.recipe import RECIPES, Recipe
from tui import settings
from tui.keys import KEYS, bindings_of
from tui.messages import CorpusCounted, CorpusLoaded, CorpusRefused, DrawsChanged
from tui.panes.dataset import DatasetPane
from tui.panes.generator import GeneratorPane
from tui.panes.pane import Pane
from tui.panes.training import TrainingPane
from tui.training_session import Phase, Snapshot, TrainingSession, in_one_line

if TYPE_CHECKING:
    from model.counts import CountModel

PANES: tuple[type[Pane], ...] = (DatasetPane, TrainingPane, GeneratorPane)
FRAMES_PER_SECOND = 4 if "SSH_CONNECTION" in os.environ else 10
SPEEDS = (1, 3, 10, 30, 100, 300, 1000, 3000)
"""Paces in steps a second."""
LATER = ("plotext", "tui.screens.help", "tui.screens.forms", "tui.screens.open_corpus")
"""What takes a moment to import and is not needed for the first picture."""


class MakemoreApp(App[None]):
    """The workbench: a corpus, a network that learns it, and the words that both write."""

    TITLE = "makemore"
    CSS_PATH = "app.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [*KEYS]

    corpus: var[Corpus | None] = var(None)
    recipe: var[Recipe] = var(RECIPES["notebook"])
    """What the next run follows; its order is that of all panes."""
    counts: var[CountModel | None] = var(None)
    """Of the corpus at the order of the recipe; None until they are there."""
    snapshot: var[Snapshot] = var(Snapshot())
    pace: var[float] = var(100, init=False)
    """Steps a second to watch."""
    full_speed: var[bool] = var(False, init=False)
    pane: var[int] = var(0, init=False)
    activity: var[str] = var("")
    """What is being loaded, while it is."""

    def __init__(self, source: str = DEFAULT, corpus: Corpus | None = None) -> None:
        """Make the app for the corpus that `source` names, or for one that is loaded already."""
        super().__init__(ansi_color=True if "NO_COLOR" in os.environ else None)
        self.session = TrainingSession(self.pace)
        self._source = source
        self._given = corpus
        self._filled = False
        self._request = 0
        """Which corpus is wanted; the answer to an earlier request is late."""
        self._counting = False
        self._theme = settings.DEFAULT_THEME
        """The one to remember."""

    def compose(self) -> ComposeResult:
        """The frames of the panes, which are all that the first picture shows."""
        with Horizontal(id="panes"):
            for pane in PANES:
                frame = Static(classes="pane -active" if pane is PANES[0] else "pane", id=_id(pane))
                frame.border_title = f"{pane.NUMBER} {pane.TITLE}"
                yield frame
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Take up what was remembered."""
        remembered, problem = settings.load()
        if problem:
            self.notify(problem, title="Settings", severity="warning", markup=False)
        self.recipe = remembered.recipe
        if remembered.theme in self.available_themes:
            self._theme = remembered.theme
        self.theme = "ansi-dark" if self.no_color else self._theme
        self.theme_changed_signal.subscribe(self, lambda theme: self._keep_theme(theme.name))
        # The first picture is painted before the panes are made, and torch imported after that.
        self.call_after_refresh(self._fill)

    async def _fill(self) -> None:
        """Put the panes into their frames; a narrow screen shows one at a time under tabs."""
        frames = self.query_one("#panes")
        await frames.remove_children()
        await frames.mount(
            DatasetPane(id="dataset").data_bind(
                MakemoreApp.corpus, MakemoreApp.counts, MakemoreApp.recipe, MakemoreApp.activity
            ),
            TrainingPane(id="training").data_bind(
                MakemoreApp.snapshot, MakemoreApp.recipe, MakemoreApp.pace, MakemoreApp.full_speed
            ),
            GeneratorPane(id="generator").data_bind(MakemoreApp.corpus, MakemoreApp.counts),
        )
        tabs = Tabs(*(Tab(f"{pane.NUMBER} {pane.TITLE}", id=_id(pane)) for pane in PANES))
        await self.mount(tabs, before=frames)
        self._filled = True
        self.watch_pane()
        self.set_interval(1 / FRAMES_PER_SECOND, self._pull)
        self.open_corpus(self._source, self._given)

    def on_unmount(self) -> None:
        """End the run with the app."""
        self.session.close()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Until the panes are there, one can only leave."""
        return self._filled or action == "quit"

    @on(Worker.StateChanged)
    def report_crash(self, message: Worker.StateChanged) -> None:
        """Say what no worker foresaw, and let nothing wait for it."""
        error = message.worker.error
        if message.state is WorkerState.ERROR and isinstance(error, Exception):
            self.activity = ""
            self._counting = False
            self.notify(in_one_line(error), severity="error", timeout=10, markup=False)

    # The corpus

    def open_corpus(self, source: str, given: Corpus | None = None) -> None:
        """Load and count a corpus; the one that is open stays until that is done."""
        self.activity = f"loading {visible(source)}"
        self._request += 1
        # A thread that the program does not wait for when it ends: a pipe may be silent for ever.
        Thread(target=self._load, args=(source, given, self._request), daemon=True).start()

    def _load(self, source: str, given: Corpus | None, request: int) -> None:
        try:
            for module in LATER:
                import_module(module)
            corpus = given or load(source)
            # What the panes show of the words takes a moment for a long list.
            _ = corpus.vocabulary, corpus.alphabet, corpus.lengths, corpus.longest, corpus.shortest
            self.post_message(CorpusLoaded(corpus, request))
        except Exception as error:  # too large for the memory, say: the user is to know
            self.post_message(CorpusRefused(in_one_line(error), request))

    @on(CorpusLoaded)
    def take_corpus(self, message: CorpusLoaded) -> None:
        """Put the corpus in the place of the one that was open, unless another is asked for."""
        if message.request != self._request:
            return
        self._end_run(f"{visible(message.corpus.name)} is open")
        self.corpus = message.corpus
        self._count_anew()

    @on(CorpusRefused)
    def report_refusal(self, message: CorpusRefused) -> None:
        """Say why there is no other corpus."""
        if message.request != self._request:
            return
        self.activity = "" if self.corpus else "nothing is open: o opens a corpus"
        self.notify(message.reason, title="Not opened", severity="error", timeout=10, markup=False)

    def _count_anew(self) -> None:
        self.counts = None
        if self.corpus is not None and not self._counting:
            self._counting = True
            self.activity = f"counting at n={self.recipe.n}"
            self._count(self.corpus, self.recipe.n)

    @work(thread=True, group="counting", exit_on_error=False)
    def _count(self, corpus: Corpus, n: int) -> None:
        from model.counts import CountModel
        from model.devices import fit_threads
        from model.ngrams import count

        fit_threads(len(corpus.text))
        counts = CountModel(count(corpus, n))
        _ = counts.floor
        self.post_message(CorpusCounted(corpus, counts))

    @on(CorpusCounted)
    def take_counts(self, message: CorpusCounted) -> None:
        """Show the counts, or count anew if the corpus or the order has changed meanwhile."""
        self._counting = False
        if message.corpus is self.corpus and message.counts.ngrams.n == self.recipe.n:
            self.activity = ""
            self.counts = message.counts
        else:
            self._count_anew()

    def action_open(self) -> None:
        """Ask for a corpus."""
        from tui.screens.open_corpus import OpenCorpusScreen

        def take(source: str | None) -> None:
            if source is not None:
                self.action_show_pane(PANES.index(DatasetPane))
                self.open_corpus(source)

        self.push_screen(OpenCorpusScreen(), take)

    def action_change_order(self, by: int) -> None:
        """Raise or lower n."""
        if self.recipe.n + by in ORDERS:
            self.recipe = replace(self.recipe, n=self.recipe.n + by)
            self._end_run(f"n is {self.recipe.n} now")
            self._count_anew()
            self._remember()

    # The run

    def action_train(self) -> None:
        """Start a run, pause it or let it go on."""
        phase = self.session.snapshot.phase
        if phase is Phase.RUNNING:
            self.session.pause()
        elif phase is Phase.PAUSED:
            self.session.resume()
        elif phase is not Phase.PREPARING:
            self._start()

    def action_step(self) -> None:
        """Do one step, of a new run if there has been none."""
        phase = self.session.snapshot.phase
        if phase in (Phase.FINISHED, Phase.STOPPED):
            self.notify("The run is over: r goes back to step 0, space starts it again.")
            return
        if not phase.resumable:
            self._start(paused=True)
        self.session.step()

    def action_reset(self) -> None:
        """Go back to step 0."""
        self._start(paused=True)

    def action_stop(self) -> None:
        """End the run."""
        self.session.stop()

    def action_full_speed(self) -> None:
        """Go as fast as it goes, or back to the pace of before."""
        self.full_speed = not self.full_speed

    def action_change_speed(self, by: int) -> None:
        """Go to the next faster or slower pace."""
        place = SPEEDS.index(self.pace) + by
        if 0 <= place < len(SPEEDS):
            self.pace = SPEEDS[place]
        self.full_speed = False

    def watch_pace(self) -> None:
        """Let the run go at the new pace."""
        self.session.set_speed(None if self.full_speed else self.pace)

    def watch_full_speed(self) -> None:
        """Let the run go at the new pace."""
        self.watch_pace()

    def action_edit_recipe(self) -> None:
        """Ask for the recipe of the next run."""
        from tui.screens.forms import RecipeForm

        def take(recipe: Recipe | None) -> None:
            if recipe is not None and recipe != self.recipe:
                self.recipe = recipe
                self._end_run("the recipe has changed")
                self._remember()

        self.push_screen(RecipeForm(self.recipe), take)

    def action_log_scale(self) -> None:
        """Switch the loss axis."""
        self.query_one(TrainingPane).action_log_scale()

    def _start(self, *, paused: bool = False) -> None:
        if self.corpus is None:
            self.notify("There is nothing to learn from yet: wait, or open a corpus with o.")
            return
        self.session.start(self.corpus, self.recipe, paused=paused)

    def _end_run(self, reason: str) -> None:
        if self.session.snapshot.phase in (Phase.RUNNING, Phase.PAUSED):
            step = self.session.snapshot.step
            self.notify(f"{reason}: the run has ended at step {step:,}.", markup=False)
        self.session.clear()

    def _pull(self) -> None:
        before, self.snapshot = self.snapshot, self.session.snapshot
        now = self.snapshot
        if now.phase is Phase.FAILED and (now.phase, now.run) != (before.phase, before.run):
            self.notify(now.error, title="The run failed", severity="error", markup=False)

    # Words

    @on(DrawsChanged)
    def action_generate(self) -> None:
        """Draw words and go to them."""
        self.pane = PANES.index(GeneratorPane)
        self.query_one(GeneratorPane).generate(self.session.network)

    # The screen

    def action_show_pane(self, number: int) -> None:
        """Go to a pane."""
        self.pane = number
        self._pane.target.focus()

    def watch_pane(self) -> None:
        """Bring the pane to the front."""
        for pane in self.query(Pane):
            pane.set_class(pane is self._pane, "-active")
        self.query_one(Tabs).active = _id(PANES[self.pane])
        self._pane.target.focus()

    @on(Tabs.TabActivated)
    def follow_tab(self, message: Tabs.TabActivated) -> None:
        """Go to the pane of the tab that was clicked."""
        self.pane = [_id(pane) for pane in PANES].index(message.tab.id or "")

    @on(DescendantFocus)
    def follow_focus(self, message: DescendantFocus) -> None:
        """Let the pane that has the focus be the one that is zoomed."""
        for pane in message.widget.ancestors_with_self:
            if isinstance(pane, Pane):
                self.pane = PANES.index(type(pane))

    def action_zoom(self) -> None:
        """Give the pane the whole screen, or the others their place back."""
        self.screen.toggle_class("-zoomed")

    def action_help(self) -> None:
        """Show what the pane shows and what the keys do."""
        from tui.screens.help import HelpScreen

        self.push_screen(HelpScreen(self._pane, KEYS))

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Every command there is, for the palette."""
        yield SystemCommand("Theme", "Change the colours", self.action_change_theme)
        yield SystemCommand("Screenshot", "Write the screen to an SVG", self.deliver_screenshot)
        for owner in (self, *self.query(Pane)):
            for binding in bindings_of(owner):
                run = partial(self.run_action, binding.action, owner)
                about = f"{binding.tooltip} ({format_key(binding.key_display or binding.key)})"
                yield SystemCommand(binding.description, about, run)

    @property
    def _pane(self) -> Pane:
        return self.query_one(PANES[self.pane])

    # What is remembered

    def _keep_theme(self, name: str) -> None:
        if not self.no_color:
            self._theme = name
            self._remember()

    def _remember(self) -> None:
        self._save(settings.Settings(self._theme, self.recipe))

    @work(thread=True, group="settings", exit_on_error=False)
    def _save(self, remembered: settings.Settings) -> None:
        try:
            settings.save(remembered)
        except OSError as error:
            reason = f"{visible(str(settings.path()))} could not be written: {error.strerror}"
            self.notify(reason, title="Settings", severity="warning", markup=False)


def _id(pane: type[Pane]) -> str:
    return pane.TITLE.lower()
