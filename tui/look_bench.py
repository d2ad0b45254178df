"""The looks into the network of the run while it learns."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on, work

from model.corpus import Corpus
from model.recipe import Recipe
from model.session import Phase, in_one_line
from tui.look import Look
from tui.messages import LookTaken, LookWeighed
from tui.workbench import Workbench

if TYPE_CHECKING:
    from model.ngrams import Ngrams

LOOK_SECONDS = 0.4
"""From one look at the network to the next, at least: nobody reads faster."""
LOW_LOOK_SECONDS = 1.0
"""The same at a low bandwidth: a table that is full of new figures is the most that is sent."""
RESTS = 9
"""For so many times as long as one took, none is taken: a tenth of the time goes into them."""


class LookBench(Workbench):
    """Looks at the network now and then, as long as somebody wants to see it."""

    def __init__(self, runs: Path) -> None:
        super().__init__(runs)
        self._looking = self._weighing = False
        self._looked = self._weighed = 0, 0
        """The run and the step of the last look, and of the last gaps, whatever came of them."""
        self._look_due = self._weigh_due = 0.0
        self._failure = ""
        """Why there was no look, as it was said."""
        self._taken: Look | None = None
        """The last look, until it is shown."""
        self._learnt: tuple[Ngrams, Ngrams] | None = None
        """The n-grams of all words that were last looked at, and those of train among them."""

    def looked_at(self) -> bool:
        """Whether anybody wants to see the inside of the network."""
        return False

    def pull(self) -> None:
        """Take the run's snapshot, and look at its network as well if that is wanted."""
        super().pull()
        now = self.snapshot
        if now.losses is None or now.phase is Phase.FAILED or self.counts is None:
            return
        self._show_look()
        if not self.looked_at():
            return
        at = now.run, now.step
        if not self._looking and at != self._looked and self._is_over(self._look_due):
            self._looking = True
            self._looked = at
            self._look(self.counts.ngrams)
        if self.look is not None:
            self._weigh_if_due(self.look)

    def _is_over(self, rest: float) -> bool:
        """Whether a rest is over; none is needed where nobody trains."""
        return self.snapshot.phase is not Phase.RUNNING or time.monotonic() >= rest

    @work(thread=True, group="looking", exit_on_error=False, description="look")
    def _look(self, ngrams: Ngrams) -> None:
        from model.devices import fit_threads

        look, began = None, time.perf_counter()
        try:
            trained = self.session.trained().result()
            began = time.perf_counter()  # of the work: to wait for the network was none
            fit_threads(0)  # one, so that the trainer's have cores of their own
            if trained is not None and trained.network.context_length == ngrams.n - 1:
                look = Look(ngrams, *trained)
                if not look.finite:
                    look = None
        except Exception as error:
            self._report(error)
        self.post_message(LookTaken(look, time.perf_counter() - began))

    @on(LookTaken)
    def take_look(self, message: LookTaken) -> None:
        """Keep it until the screen is next drawn, so that it is drawn once for all."""
        self._looking = False
        least = LOW_LOOK_SECONDS if self.low_bandwidth else LOOK_SECONDS
        self._look_due = time.monotonic() + max(least, RESTS * message.seconds)
        look, known = message.look, self._taken or self.look
        if look is not None and known is not None and known.run == look.run:
            look = replace(look, gaps=known.gaps)
        self._taken = look
        if look is not None:
            self._weigh_if_due(look)

    def _weigh_if_due(self, look: Look) -> None:
        """Find out the gaps of a look; with many contexts it takes seconds, and others come."""
        at = look.run, look.step
        if not self._weighing and at != self._weighed and self._is_over(self._weigh_due):
            self._weighing = True
            self._weighed = at
            self._weigh(look, self.corpus, self.snapshot.recipe)

    @work(thread=True, group="weighing", exit_on_error=False, description="weigh")
    def _weigh(self, look: Look, corpus: Corpus | None, recipe: Recipe | None) -> None:
        from model.devices import fit_threads
        from model.ngrams import count
        from model.splits import learnt

        gaps, began = None, time.perf_counter()
        try:
            fit_threads(0)
            train = None
            if corpus is not None and recipe is not None and recipe.data == "train":
                if self._learnt is None or self._learnt[0] is not look.ngrams:
                    self._learnt = look.ngrams, count(learnt(corpus, "train"), look.ngrams.n)
                train = self._learnt[1]
            gaps = look.weigh(train)
        except Exception as error:
            self._report(error)
        self.post_message(LookWeighed(replace(look, gaps=gaps), time.perf_counter() - began))

    @on(LookWeighed)
    def take_gaps(self, message: LookWeighed) -> None:
        """Show them with the latest look."""
        self._weighing = False
        self._weigh_due = time.monotonic() + RESTS * message.seconds
        latest, gaps = self._taken or self.look, message.look.gaps
        if latest is not None and latest.run == message.look.run and gaps is not None:
            self._taken = replace(latest, gaps=gaps)

    def _report(self, error: Exception) -> None:
        """Say once why there is no look: out of memory, say."""
        before, self._failure = self._failure, in_one_line(error)
        if self._failure != before:
            self.notify(self._failure, severity="error", markup=False)

    def _show_look(self) -> None:
        """Show the last look, unless the run or the counts are others by now."""
        look, self._taken = self._taken, None
        if look is None or self.counts is None:
            return
        if look.run != self.snapshot.run or look.ngrams is not self.counts.ngrams:
            return
        self._looked = look.run, look.step
        self.look = look
