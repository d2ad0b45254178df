"""The state of the workbench: the corpus, its counts, the run that is shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

from textual import on, work
from textual.events import Event, Key
from textual.reactive import var
from textual.worker import Worker, WorkerState

from model.alphabet import visible
from model.corpus import Corpus, load
from model.order import ORDERS
from model.recipe import RECIPES, Recipe
from model.session import Phase, Session, Snapshot, in_one_line
from model.training_session import TrainingSession
from tui import settings
from tui.display import UTF_8, Display, encoding, lacks_characters, over_ssh
from tui.garbage import Collector, import_aside
from tui.look import Look
from tui.messages import CorpusCounted, CorpusLoaded, CorpusRefused, YardstickFound

if TYPE_CHECKING:
    from model.counts import CountModel
    from model.yardstick import Yardstick

LATER = ("plotext", "tui.screens.help", "tui.screens.recipe_form", "tui.screens.open_corpus")
"""What takes a moment to import and is not needed for the first picture."""


def prepared(corpus: Corpus) -> Corpus:
    """A corpus, with all at hand that is needed to show it; to be called in a thread."""
    import_aside(*LATER)
    # What the panes show of the words takes a moment for a long list.
    _ = corpus.word_count, corpus.vocabulary, corpus.alphabet
    _ = corpus.lengths, corpus.longest, corpus.shortest
    return corpus


class Workbench(Display):
    """What the panes show, and the actions on it; it knows none of them."""

    corpus: var[Corpus | None] = var(None)
    recipe: var[Recipe] = var(RECIPES["notebook"])
    """What the next run follows; its order is that of all panes."""
    counts: var[CountModel | None] = var(None)
    """Of the corpus at the order of the recipe; None until they are there."""
    snapshot: var[Snapshot] = var(Snapshot())
    look: var[Look | None] = var(None)
    """The network not long ago, for the panes that look inside it; None without a run."""
    yardstick: var[Yardstick | None] = var(None)
    """The counts that are best on dev; None until a run is judged by them."""
    pace: var[float] = var(100, init=False)
    """Steps a second to watch."""
    full_speed: var[bool] = var(False, init=False)
    activity: var[str] = var("")
    """What is being loaded, while it is."""

    def __init__(self, runs: Path) -> None:
        super().__init__()
        self.runs = runs
        """The directory that runs are kept in."""
        self.local = TrainingSession(self.pace, runs=runs)
        """Trains in this process, whatever is shown."""
        self.session: Session = self.local
        """Of the run that is shown."""
        self._request = 0
        """Which corpus is wanted; the answer to an earlier request is late."""
        self._replaced = -1
        """The local run that was left last; until its thread has followed, it is still seen."""
        self._counting: tuple[Corpus, int] | None = None
        """What is being counted, and at which order."""
        self.garbage = Collector()
        self._measured: Corpus | None = None
        """The corpus that a yardstick was last asked for."""
        self._k = 0.0
        """What is added to all counts."""
        self.remembered = settings.Settings()
        self._saving = Lock()

    @on(Worker.StateChanged)
    def report_crash(self, message: Worker.StateChanged) -> None:
        """Say what no worker foresaw, and let nothing wait for it."""
        error = message.worker.error
        if message.state is WorkerState.ERROR and isinstance(error, Exception):
            self.notify(in_one_line(error), severity="error", timeout=10, markup=False)
            if message.worker.group == "counting" and self._counting is not None:
                corpus, n = self._counting
                self._counting, self.activity = None, ""
                if corpus is not self.corpus or n != self.recipe.n:  # that was not tried
                    self._count_anew()

    async def on_event(self, event: Event) -> None:
        """Obey a key before all else: tiny steps would leave this thread every other moment."""
        if isinstance(event, Key):
            self.garbage.note_key()
            self.local.give_way()
        await super().on_event(event)

    # The corpus

    def open_corpus(self, source: str, given: Corpus | None = None) -> None:
        """Load and count a corpus; the one that is open stays until that is done."""
        self.activity = f"loading {visible(source)}"
        self._request += 1
        # A thread that the program does not wait for when it ends: a pipe may be silent for ever.
        Thread(target=self._load, args=(source, given, self._request), daemon=True).start()

    def _load(self, source: str, given: Corpus | None, request: int) -> None:
        try:
            self.post_message(CorpusLoaded(prepared(given or load(source)), request))
        except Exception as error:  # too large for the memory, say: the user is to know
            self.post_message(CorpusRefused(in_one_line(error), request))

    @on(CorpusLoaded)
    def take_corpus(self, message: CorpusLoaded) -> None:
        """Put the corpus in the place of the one that was open, unless another is asked for."""
        if message.request != self._request:
            return
        self._end_run(f"{visible(message.corpus.name)} is open")
        self.corpus = message.corpus
        self.yardstick = self._measured = None
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
        if self.corpus is not None and self._counting is None:
            self._counting = self.corpus, self.recipe.n
            self.activity = f"counting at n={self.recipe.n}"
            self._count(self.corpus, self.recipe.n)

    @work(thread=True, group="counting", exit_on_error=False, description="count")
    def _count(self, corpus: Corpus, n: int) -> None:
        import_aside("model.training")  # more than counting needs: the first run begins at once
        from model.counts import CountModel
        from model.devices import fit_threads
        from model.ngrams import count

        fit_threads(len(corpus.text))
        counts = CountModel(count(corpus, n))
        _ = counts.floor, counts.ngrams.by_frequency, counts.ngrams.column_sums
        self.post_message(CorpusCounted(corpus, counts))

    @on(CorpusCounted)
    def take_counts(self, message: CorpusCounted) -> None:
        """Show the counts, or count anew if the corpus or the order has changed meanwhile."""
        self._counting = None
        if message.corpus is self.corpus and message.counts.ngrams.n == self.recipe.n:
            self.activity = ""
            self.counts = replace(message.counts, k=self._k)
        else:
            self._count_anew()

    def action_change_order(self, by: int) -> None:
        """Raise or lower n."""
        if self.recipe.n + by in ORDERS:
            self.set_recipe(replace(self.recipe, n=self.recipe.n + by))

    def set_recipe(self, recipe: Recipe, *, remember: bool = True) -> None:
        """Follow another recipe; a run ends with its own, unless it can go on with this one."""
        before, self.recipe = self.recipe, recipe
        if before.adjusted_to(recipe) == recipe:
            self.session.adjust(recipe)
        else:
            changed_order = before.n != recipe.n
            self._end_run(f"n is {recipe.n} now" if changed_order else "the recipe has changed")
            if changed_order:
                self._count_anew()
        if remember:
            self.remember(recipe=recipe)

    def smooth(self, k: float) -> None:
        """Add k to all counts, from now on."""
        self._k = k
        if self.counts is not None:
            self.counts = replace(self.counts, k=k)

    # The run

    def leave(self) -> None:
        """Let go of a run of another process, which goes on."""
        if self.session is not self.local:
            self.session.close()
            self.session = self.local

    def _end_run(self, reason: str) -> None:
        shown = self.session.snapshot
        left = self.session is self.local and shown.run == self._replaced
        if shown.phase in (Phase.RUNNING, Phase.PAUSED) and not left:
            self.notify(f"{reason}: {self._fate(shown)}", markup=False)
        self.leave()
        self._replaced = self.local.snapshot.run
        self.local.clear()
        self.look = None

    def _fate(self, snapshot: Snapshot) -> str:
        """What becomes of a run that is left."""
        name = visible(snapshot.name)
        if snapshot.process:
            return f"{name} goes on in process {snapshot.process}; R lists it."
        end = f"the run has ended at step {snapshot.step:,}"
        return f"{end}; R lists it as {name}." if snapshot.folder else f"{end}."

    def pull(self) -> None:
        """Take the run's snapshot, and say what is new about it."""
        before, self.snapshot = self.snapshot, self.session.snapshot
        now = self.snapshot
        if now.phase is Phase.FAILED and (now.phase, now.run) != (before.phase, before.run):
            self.notify(now.error, title="The run failed", severity="error", markup=False)
        if now.warning and now.warning != before.warning:
            self.notify(now.warning, severity="warning", timeout=10, markup=False)
        elif before.warning and not now.warning and now.folder and now.run == before.run:
            self.notify(f"{visible(now.name)} is saved again.", markup=False)
        if now.losses is None or now.phase is Phase.FAILED:
            self.look = None
        else:
            self._measure(now)

    def _measure(self, now: Snapshot) -> None:
        """Find out what a run that is judged on dev has to beat, once for a corpus."""
        if now.recipe is None or now.recipe.data == "all" or self._measured is self.corpus:
            return
        self._measured = self.corpus
        if self.corpus is not None:
            self._find_yardstick(self.corpus)

    @work(thread=True, group="yardstick", exit_on_error=False, description="yardstick")
    def _find_yardstick(self, corpus: Corpus) -> None:
        from model.devices import fit_threads
        from model.yardstick import yardstick

        fit_threads(len(corpus.text))
        self.post_message(YardstickFound(corpus, yardstick(corpus)))

    @on(YardstickFound)
    def take_yardstick(self, message: YardstickFound) -> None:
        """Show it."""
        if message.corpus is self.corpus:
            self.yardstick = message.yardstick

    # What is remembered

    def recall(self) -> None:
        """Take up what was remembered."""
        remembered, problem = settings.load()
        if problem:
            self.notify(problem, title="Settings", severity="warning", markup=False)
        if remembered.theme not in self.available_themes:
            remembered = replace(remembered, theme=settings.DEFAULT_THEME)
        self.remembered, self.recipe = remembered, remembered.recipe
        self.show_ascii(remembered.ascii)
        self.low_bandwidth = (
            over_ssh() if remembered.low_bandwidth is None else remembered.low_bandwidth
        )
        self.take_theme(remembered.theme)
        self.theme_changed_signal.subscribe(self, lambda theme: self._keep_theme(theme.name))

    def action_characters(self) -> None:
        """Show ASCII alone, or all characters again."""
        wish = not self.ascii_only
        self.show_ascii(wish)
        if encoding() != UTF_8:
            self.smooth(self._k)  # as before, so that the panes write all words anew
        self.remember(ascii=None if wish is lacks_characters() else wish)

    def action_bandwidth(self) -> None:
        """Send less to the terminal, or as much as at a local one."""
        wish = self.low_bandwidth = not self.low_bandwidth
        self.remember(low_bandwidth=None if wish is over_ssh() else wish)

    def remember(self, **changes: Any) -> None:
        """Keep some of the settings for the next start."""
        self.remembered = replace(self.remembered, **changes)
        self._save()

    def _keep_theme(self, name: str) -> None:
        if self.wished(name):
            self.remember(theme=name)

    @work(thread=True, group="settings", exit_on_error=False, description="save")
    def _save(self) -> None:
        try:
            with self._saving:  # or what was remembered before might be written last
                settings.save(self.remembered)
        except OSError as error:
            reason = f"{visible(str(settings.path()))} could not be written: {error.strerror}"
            self.notify(reason, title="Settings", severity="warning", markup=False)
