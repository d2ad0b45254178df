"""What can be done with the run that is shown, whether this process trains it or another one."""

from __future__ import annotations

import time
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Thread

from textual import on, work
from textual.reactive import var

from model.alphabet import visible
from model.attached_session import AttachedSession
from model.corpus import DEFAULT, Corpus
from model.detached import detach
from model.recipe import ADJUSTABLE, RECIPES, Recipe
from model.runs import Run, app_command, attach_command
from model.session import Phase, Snapshot, in_one_line
from tui.handover import attached, device_here, farewell, let_go
from tui.look_bench import LookBench
from tui.messages import RunOpened, RunRefused, RunRestored
from tui.workbench import prepared

SPEEDS = (1, 3, 10, 30, 100, 300, 1000, 3000)
"""Paces in steps a second."""
HANDOVER_SECONDS = 5.0
"""For which a run that was stopped elsewhere is left alone: it may be about to be detached."""
HOLD_SECONDS = 1.0


class RunBench(LookBench):
    """Trains here, opens runs, and hands them over to processes of their own."""

    moving: var[bool] = var(False, init=False)
    """Whether the run is between two trainers; what is shown is how it was."""

    _opening = 0
    """Which run is wanted; the answer to an earlier wish is late."""
    _stopping = False
    """Whether it is this user who has stopped a run of another process."""
    _following = False
    """Whether the pace is being set to that of the run."""
    _held = 0.0
    """Until when the pace is what was asked for: the run's may be from before that."""
    _followed: Recipe | None = None
    """Of the run, as it was seen last."""
    _asked: Recipe | None = None
    """Of the run, as it was asked for and is not yet seen."""

    # Here or there

    def action_train(self) -> None:
        """Start a run, pause it or let it go on."""
        snapshot = self.session.snapshot
        if snapshot.phase is Phase.RUNNING:
            self.session.pause()
        elif snapshot.phase is Phase.PAUSED:
            self.session.resume()
        elif self._can_go_back(snapshot):
            self._go_back(paused=False)
        elif snapshot.phase is not Phase.PREPARING:
            self._start()

    def action_step(self) -> None:
        """Do one step, of a new run if there has been none."""
        snapshot = self.session.snapshot
        replaced = snapshot.run == self._replaced
        if not replaced and snapshot.phase in (Phase.FINISHED, Phase.STOPPED):
            self.notify("The run is over: r goes back to step 0, space starts it again.")
        elif not replaced and self._can_go_back(snapshot):
            self._go_back(paused=True)
        elif self.session is not self.local:
            self.session.step()
        elif corpus := self._learnable():
            self.local.prepare(corpus, self.recipe)
            self.local.step()

    def action_reset(self) -> None:
        """Go back to step 0."""
        self._start(paused=True)

    def action_stop(self) -> None:
        """End the run."""
        self._stopping = True
        self.session.stop()

    def action_full_speed(self) -> None:
        """Go as fast as it goes, or back to the pace of before."""
        self.full_speed = not self.full_speed

    def action_change_speed(self, by: int) -> None:
        """Go to the next faster or slower pace."""
        place = bisect_right(SPEEDS, self.pace) if by > 0 else bisect_left(SPEEDS, self.pace) - 1
        if 0 <= place < len(SPEEDS):
            self.pace = SPEEDS[place]
        self.full_speed = False

    def watch_pace(self) -> None:
        """Let the run go at the new pace, unless it was the run that set it."""
        if not self._following:
            self._held = time.monotonic() + HOLD_SECONDS
            self.session.set_speed(None if self.full_speed else self.pace)

    def watch_full_speed(self) -> None:
        """Let the run go at the new pace."""
        self.watch_pace()

    def set_recipe(self, recipe: Recipe, *, remember: bool = True) -> None:
        """Follow another recipe; a run ends with its own, unless it can go on with this one."""
        self._asked = recipe
        super().set_recipe(recipe, remember=remember)

    def leave(self) -> None:
        """Let go of a run of another process, which goes on, and of one that is being opened."""
        super().leave()
        self._opening += 1
        self.moving = self._stopping = False
        self._followed = self._asked = None
        self.watch_pace()

    def _start(self, *, paused: bool = False) -> None:
        if corpus := self._learnable():
            snapshot = self.session.snapshot
            if snapshot.process and snapshot.phase in (Phase.RUNNING, Phase.PAUSED):
                self.notify(self._fate(snapshot), markup=False)
            self.leave()
            self._replaced = self.local.snapshot.run
            self.local.start(corpus, self.recipe, paused=paused)

    def _learnable(self) -> Corpus | None:
        """The corpus; where there is none, the user is told."""
        if self.corpus is None:
            self.notify("There is nothing to learn from yet: wait, or open a corpus with o.")
        return self.corpus

    def _can_go_back(self, snapshot: Snapshot) -> bool:
        """Whether the run has failed, and not at its first step."""
        return snapshot.phase is Phase.FAILED and bool(snapshot.checkpoint)

    def _go_back(self, *, paused: bool) -> None:
        """Go back to the last checkpoint of a run that has failed."""
        folder = self.session.snapshot.folder
        if self._gone and folder is not None:
            changes = {name: getattr(self.recipe, name) for name in ADJUSTABLE}
            self._take_up(folder, paused=paused, changes=changes)
            return
        self.session.resume()
        if paused:
            self.session.step()

    # What the run says

    @property
    def _gone(self) -> bool:
        """Whether the run was another process's, which trains it no more."""
        return isinstance(self.session, AttachedSession) and self.session.ended

    def pull(self) -> None:
        """Take the run's snapshot; take the run up here when its process has ended."""
        if self.moving or not self.screen_stack:  # without screens, the app ends
            return
        gone = self._gone  # asked before, so that the snapshot is the last
        super().pull()
        if self.snapshot.phase is not Phase.PREPARING:
            self._follow(self.snapshot)
        if gone and self.snapshot.phase is not Phase.FAILED:
            self._take_back(self.snapshot)

    def _follow(self, snapshot: Snapshot) -> None:
        """Take over what others who watch the run have changed."""
        recipe = snapshot.recipe
        if recipe is not None and recipe != self._followed:
            self._followed = recipe
            if self._asked is None:
                self.recipe = self.recipe.adjusted_to(recipe)
            elif recipe.adjusted_to(self._asked) == recipe:
                self._asked = None
        if self.session is self.local or time.monotonic() < self._held:
            return
        speed, self._following = self.session.speed, True
        self.full_speed = speed is None
        self.pace = speed or self.pace
        self._following = False

    def _take_back(self, last: Snapshot) -> None:
        folder, name = last.folder, visible(last.name)
        note, patience = "", 0.0
        if last.phase is Phase.STOPPED:
            note = f"{name} was stopped: space goes on with it here."
            patience = 0.0 if self._stopping else HANDOVER_SECONDS
        elif last.phase is not Phase.FINISHED:
            note = (
                f"Process {last.process}, which trained {name}, is gone: this is its last "
                "checkpoint, and space goes on from it here."
            )
        if folder is not None:
            self.moving = True
            self._take_up(folder, note=note, patience=patience)

    # Runs on disk

    def open_corpus(self, source: str, given: Corpus | None = None) -> None:
        """Load and count a corpus; the one that is open stays until that is done."""
        self._opening += 1
        super().open_corpus(source, given)

    def open_run(self, run: Run) -> None:
        """Show a run: as another process trains it, or else here, at its last checkpoint."""
        now = self.session.snapshot
        if run.folder == now.folder and now.phase is not Phase.FAILED and not self._gone:
            self.notify(f"{visible(run.name)} is open already.", markup=False)
            return
        self._request += 1  # a corpus that is being loaded comes too late
        self.activity = f"opening {visible(run.name)}"
        self._take_up(run.folder)

    def _take_up(
        self,
        folder: Path,
        *,
        paused: bool = True,
        changes: Mapping[str, float] | None = None,
        note: str = "",
        patience: float = 0.0,
        again: bool = False,
    ) -> None:
        self._opening += 1

        def look(request: int) -> None:
            try:
                run = Run.open(folder)
                corpus = prepared(run.load_corpus())
                session = attached(run, corpus, patience)
                device = "" if session else device_here(run.recipe)
                told = note if session is None else ""
                opened = RunOpened(run, corpus, session, request, device, paused, told, again)
                self.post_message(replace(opened, changes=changes or {}))
            except Exception as error:  # whatever it was, the user is to know
                self.post_message(RunRefused(in_one_line(error), request))

        # A thread that the program does not wait for when it ends: a corpus may be a silent pipe.
        Thread(target=look, args=(self._opening,), daemon=True).start()

    @on(RunOpened)
    def take_run(self, message: RunOpened) -> None:
        """Put the run, its corpus and its recipe in the place of what was open."""
        run, session = message.run, message.session
        if message.request != self._opening:
            if session is not None:
                session.close()
            return
        if not self._gone and self.session.snapshot.folder != run.folder:
            self._end_run(f"{visible(run.name)} is open")
        else:
            self.leave()
        self.activity = ""
        self._show_words(message.corpus, run.recipe)
        if message.note:
            self.notify(message.note, timeout=10, markup=False)
        if session is not None:
            self.session = session
            self.local.clear()
            return
        self.moving = True
        device = message.device or None
        if device:
            self.notify(f"There is no {run.recipe.device} here: it goes on on {device}.")
        self.local.restore(
            run, message.corpus, paused=message.paused, device=device, changes=message.changes
        )
        self._await_restored(replace(message, request=self._opening))

    def _show_words(self, corpus: Corpus, recipe: Recipe) -> None:
        """Show the corpus and the order of a run; what is there of them already is kept."""
        before = self.recipe
        # One that is called otherwise could be neither edited nor remembered.
        self.recipe = recipe if recipe.name in RECIPES else recipe.with_(name="notebook")
        if corpus != self.corpus or recipe.n != before.n:
            self.snapshot = Snapshot(Phase.PREPARING, recipe)
            self.look = None
            self.corpus = corpus
            self.yardstick = self._measured = None
            self._count_anew()

    @work(thread=True, group="opening", exit_on_error=False, description="restore")
    def _await_restored(self, opened: RunOpened) -> None:
        with suppress(Exception):  # whether there is room for a copy is of no interest here
            self.local.trained().result()
        failed = self.local.snapshot.phase is Phase.FAILED
        self.post_message(RunRestored(opened, failed and opened.run.live))

    @on(RunRestored)
    def show_restored(self, message: RunRestored) -> None:
        """Show the run; where another process has just begun to train it, attach to that."""
        opened = message.opened
        if opened.request != self._opening:
            return
        self.moving = False
        if message.taken and not opened.again:
            self._take_up(opened.run.folder, again=True)

    @on(RunRefused)
    def report_refused_run(self, message: RunRefused) -> None:
        """Say why there is no other run."""
        if message.request != self._opening:
            return
        self.activity = ""
        self.moving = False
        self.notify(message.reason, title=message.title, severity="error", timeout=10, markup=False)
        if message.left is not None:
            self._take_up(message.left.folder, paused=message.paused)
        elif self._gone:
            self._end_run("")
        elif self.corpus is None:
            self.open_corpus(DEFAULT)

    # A process of its own

    def action_detach(self) -> None:
        """Let a process that no terminal owns go on with the run."""
        snapshot, corpus = self.session.snapshot, self.corpus
        if snapshot.process and not self._gone:
            name, process = visible(snapshot.name), snapshot.process
            self.notify(f"{name} is trained by process {process} already.", markup=False)
        elif snapshot.phase not in (Phase.RUNNING, Phase.PAUSED) or not snapshot.step:
            self.notify("There is no run to be detached yet: space starts one.")
        elif corpus is None or snapshot.folder is None:
            self.notify(
                "The run is not kept on disk, and no other process can go on with it.",
                severity="warning",
            )
        else:
            self.leave()
            self.moving = True
            self.activity = f"detaching {visible(snapshot.name)}"
            self.snapshot = replace(snapshot, phase=Phase.PREPARING, steps_per_second=0.0)
            paused = snapshot.phase is Phase.PAUSED
            self._hand_over(snapshot.folder, corpus, paused, self._opening)

    @work(thread=True, group="detaching", exit_on_error=False, description="hand over")
    def _hand_over(self, folder: Path, corpus: Corpus, paused: bool, request: int) -> None:
        run, title, speed = None, "Not detached", self.local.speed
        try:
            let_go(self.local)
            run = Run.open(folder)
            process = detach(run, *["--paused"] * paused)
            session = AttachedSession(run, corpus)
            session.set_speed(speed)
        except Exception as error:  # whatever it was, the user is to know
            if run is None and not paused:
                self.local.resume()
            self.post_message(RunRefused(in_one_line(error), request, title, run, paused))
            return
        note = (
            f"{visible(run.name)} goes on in process {process}. You may close this terminal: "
            f"`{app_command(run.folder)}` or `{attach_command(run.folder)}` comes back to it."
        )
        self.post_message(RunOpened(run, corpus, session, request, note=note))

    # The end

    def on_unmount(self) -> None:
        """End the run with the app, or let it go on in its own process."""
        self.session.close()
        self.local.close()

    def farewell(self) -> str:
        """What is to be known of the run, once the app has ended; waits for its checkpoint."""
        self.local.join()
        return farewell(self.session.snapshot)
