"""The looks into the network of the run while it learns."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on, work

from model.corpus import Corpus
from model.recipe import Recipe
from model.session import Phase, Snapshot, in_one_line
from tui.look import Gaps, Look
from tui.messages import LookingDone, LookTaken
from tui.workbench import Workbench

if TYPE_CHECKING:
    from model.ngrams import Ngrams

LOOK_SECONDS = 0.4
"""From one look at the network to the next, at least: nobody reads faster."""
LOW_LOOK_SECONDS = 1.0
"""The same at a low bandwidth: a table that is full of new figures is the most that is sent."""
LOOKING_SHARE = 0.1
"""Of the time at most goes into looking at the network while it learns."""


class LookBench(Workbench):
    """Looks at the network now and then, as long as somebody wants to see it."""

    def __init__(self, runs: Path) -> None:
        super().__init__(runs)
        self._looking = False
        self._looked = self._weighed = 0, 0
        """The run and the step of the last look, and of the last gaps, whatever came of them."""
        self._look_due = self._weigh_due = 0.0
        self._look_failure = ""
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
        if not self._looking and self.looked_at():
            self._look_if_due(self.counts.ngrams, now)

    def _look_if_due(self, ngrams: Ngrams, now: Snapshot) -> None:
        """Look at what has changed, after a rest while it goes on changing."""
        at, clock = (now.run, now.step), time.monotonic()
        moving = now.phase is Phase.RUNNING
        look = at != self._looked and not (moving and clock < self._look_due)
        weigh = at != self._weighed and not (moving and clock < self._weigh_due)
        if not (look or weigh):
            return
        self._looking = True
        self._looked = at
        if weigh:
            self._weighed = at
        before = self.look.gaps if self.look is not None and self.look.run == now.run else None
        self._look(ngrams, self.corpus, now.recipe, before, weigh=weigh)

    @work(thread=True, group="looking", exit_on_error=False, description="look")
    def _look(
        self,
        ngrams: Ngrams,
        corpus: Corpus | None,
        recipe: Recipe | None,
        before: Gaps | None,
        *,
        weigh: bool,
    ) -> None:
        from model.devices import fit_threads

        began = looked = time.perf_counter()
        try:
            trained = self.session.trained().result()
            began = looked = time.perf_counter()  # of the work: to wait for the network was none
            fit_threads(0)  # one, so that the trainer's have cores of their own
            look = None
            if trained is not None and trained.network.context_length == ngrams.n - 1:
                look = Look(ngrams, *trained, before)
            if look is not None and not look.finite:
                look = None
            self.post_message(LookTaken(look))
            looked = time.perf_counter()
            if look is not None and weigh:
                gaps = look.weigh(self._learnt_from(ngrams, corpus, recipe))
                self.post_message(LookTaken(replace(look, gaps=gaps)))
        except Exception as error:  # out of memory, say: the user is to know, once
            known, self._look_failure = self._look_failure, in_one_line(error)
            if self._look_failure != known:
                self.notify(self._look_failure, severity="error", markup=False)
        weighing = time.perf_counter() - looked if weigh else None
        self.post_message(LookingDone(looked - began, weighing))

    def _learnt_from(
        self, ngrams: Ngrams, corpus: Corpus | None, recipe: Recipe | None
    ) -> Ngrams | None:
        """The n-grams of the words that a network learns from, where these are not all."""
        from model.ngrams import count
        from model.splits import learnt

        if corpus is None or recipe is None or recipe.data != "train":
            return None
        if self._learnt is None or self._learnt[0] is not ngrams:
            self._learnt = ngrams, count(learnt(corpus, "train"), ngrams.n)
        return self._learnt[1]

    @on(LookTaken)
    def take_look(self, message: LookTaken) -> None:
        """Keep it until the screen is next drawn, so that it is drawn once for all."""
        self._taken = message.look

    @on(LookingDone)
    def rest_from_looking(self, message: LookingDone) -> None:
        """Leave the processor to the training for a while."""
        self._looking = False
        now, times = time.monotonic(), 1 / LOOKING_SHARE - 1
        least = LOW_LOOK_SECONDS if self.low_bandwidth else LOOK_SECONDS
        self._look_due = now + max(least, times * message.seconds)
        if message.weighing is not None:
            self._weigh_due = now + max(least, times * message.weighing)

    def _show_look(self) -> None:
        """Show the last look, unless the run or the counts are others by now."""
        look, self._taken = self._taken, None
        if look is None or self.counts is None:
            return
        if look.run == self.snapshot.run and look.ngrams is self.counts.ngrams:
            self._looked = look.run, look.step
            if look.gaps is not None and look.gaps.step == look.step:
                self._weighed = self._looked
            self.look = look
