"""A run that is trained in a thread of its own, and kept on disk. A `Session`.

One thread trains every run of a program, so that two can never overlap. It takes commands from a
queue between chunks of steps and leaves a frozen `Snapshot` behind after each. It waits for no
screen, and the screen, which reads the snapshot when it likes, waits for nothing.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Collection, Mapping
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from queue import Empty
from typing import TYPE_CHECKING, Any

from model.commands import Commands
from model.corpus import Corpus
from model.distributed import SOLE, Processes
from model.pace import BREATH_SECONDS, Pace
from model.recipe import ADJUSTABLE, Recipe
from model.reports import Reports
from model.runs import Run
from model.session import Phase, Snapshot, Trained, in_one_line, run_numbers

if TYPE_CHECKING:
    from model.keeper import Keeper
    from model.training import Trainer

CHECKPOINT_SECONDS = 10.0
GLANCE_SECONDS = 1.0
"""From one look at whether the run's folder is still there to the next."""
JOIN_SECONDS = 3.0
Changes = Mapping[str, Any]


class TrainingSession:
    """Starts, pauses and stops runs in a thread of its own."""

    def __init__(
        self,
        speed: float | None = None,
        *,
        runs: Path | None = None,
        checkpoint_seconds: float = CHECKPOINT_SECONDS,
        breath: float = BREATH_SECONDS,
        processes: Processes = SOLE,
    ) -> None:
        """Make a session without a run.

        Args:
            speed: steps per second at most; None for as fast as it goes.
            runs: the directory that new runs are kept in; None to keep none.
            checkpoint_seconds: from one checkpoint to the next while a run goes on.
            breath: seconds for other threads, after a chunk of short steps and in a long history.
            processes: that train its run together.
        """
        self._commands = Commands()
        self._trainer: Trainer | None = None
        self._corpus: Corpus | None = None
        self._snapshot = Snapshot()
        self._pace = Pace(speed)
        self.give_way = self._pace.give_way
        """Do no step for a moment, in which a key is obeyed."""
        self._breath = breath
        self._processes = processes
        self._runs = runs
        self._checkpoint_seconds = checkpoint_seconds
        self._keeper: Keeper | None = None
        self._restored = Reports()  # of a run that failed, up to its checkpoint
        self._glance_due = 0.0
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="training", daemon=True)
        self._thread.start()

    @property
    def snapshot(self) -> Snapshot:
        """How things stand."""
        return self._snapshot

    @property
    def speed(self) -> float | None:
        """Steps per second at most; None for as fast as it goes."""
        return self._pace.speed

    def start(self, corpus: Corpus, recipe: Recipe, *, paused: bool = False) -> None:
        """Begin a run, in the place of any other."""
        self._commands.put(lambda: self._start(corpus, recipe, paused))

    def restore(
        self,
        run: Run,
        corpus: Corpus,
        *,
        paused: bool = True,
        device: str | None = None,
        changes: Changes | None = None,
    ) -> None:
        """Take up a run that is on disk at its last checkpoint, in the place of any other.

        Args:
            run: which.
            corpus: its words.
            paused: whether it waits there.
            device: another one than it was trained on.
            changes: to the recipe, of what may change while a run goes on.
        """
        self._commands.put(lambda: self._restore(run, corpus, paused, device, changes))

    def resume(self) -> None:
        """Go on with a paused run, or from the last checkpoint with one that failed."""
        self._commands.put(self._resume)

    def pause(self) -> None:
        """Halt the run after the chunk that it is in."""
        self._commands.put(lambda: self._move(Phase.RUNNING, Phase.PAUSED))

    def prepare(self, corpus: Corpus, recipe: Recipe) -> None:
        """Begin a run, paused, if there is none or it failed."""
        self._commands.put(lambda: self._prepare(corpus, recipe))

    def step(self) -> None:
        """Do one step of a paused run; pause a running one."""
        self._commands.put(self._single_step)

    def stop(self) -> None:
        """End the run; its network can still be sampled."""
        self._commands.put(self._stop)

    def save(self) -> None:
        """Make a checkpoint now."""
        self._commands.put(self._save)

    def clear(self) -> None:
        """Forget the run; what is on disk stays."""
        self._commands.put(self._clear)

    def set_speed(self, speed: float | None) -> None:
        """Do so many steps a second at most; None for as fast as it goes."""
        self._pace.speed = speed
        self._commands.put(lambda: self._pace.begin(self._snapshot.step))

    def adjust(self, recipe: Recipe, fields: Collection[str] = ADJUSTABLE) -> None:
        """Take some of what may change while a run goes on, and nothing else, from a recipe."""
        self._commands.put(lambda: self._adjust(recipe, fields))

    def trained(self) -> Future[Trained | None]:
        """The network as it is between two chunks, to be kept; None where there is none."""
        future: Future[Trained | None] = Future()
        future.set_running_or_notify_cancel()  # who asks may lose interest, and cannot cancel it

        def copy() -> None:
            try:
                trainer, run = self._trainer, self._snapshot.run
                found = Trained(trainer.network.frozen(), trainer.step, run) if trainer else None
                future.set_result(found)
            except Exception as error:  # out of memory, say: the asker's matter, not the run's
                future.set_exception(error)

        self._commands.put(copy)
        if not self._thread.is_alive():  # it may have ended before it could see this
            self._commands.obey_all()
        return future

    def close(self) -> None:
        """End the thread after the chunk that it is in, with a checkpoint."""
        self._commands.put(self._close)

    def join(self, patience: float | None = JOIN_SECONDS) -> None:
        """Wait for the thread to end, which `close` has asked for; None for however long it is."""
        self._thread.join(patience)

    # What follows runs in the thread.

    def _work(self) -> None:
        sys.setswitchinterval(0.001)  # tiny steps leave the screen's thread its turn
        while not self._closed:
            wait = GLANCE_SECONDS if self._keeper and self._keeper.keeps else None
            if self._snapshot.phase is Phase.RUNNING:
                breath = self._breath if self._pace.short else 0.0
                wait = min(max(breath, self._pace.due - time.perf_counter()), GLANCE_SECONDS)
            try:
                command = self._commands.next(wait)
            except Empty:
                command = self._chunk
            try:
                command()
                self._glance()
            except Exception as error:  # a run that fails must leave the app alive, whatever it was
                self._fail(error)
        self._leave()
        self._commands.obey_all()

    def _chunk(self) -> None:
        """Do a chunk of steps if one is due, and say when the next one is."""
        began, before = time.perf_counter(), self._snapshot.step
        if self._snapshot.phase is not Phase.RUNNING or began < self._pace.due:
            return
        self._advance(self._pace.chunk)
        self._pace.note(began, self._snapshot.step - before)
        self._save_if_due()

    def _advance(self, steps: int) -> None:
        if (trainer := self._trainer) is None:
            return
        self._keep(trainer)
        began = time.perf_counter()
        if report := trainer.advance(steps):
            self._snapshot.reports.append(report)
        seconds = self._snapshot.seconds + time.perf_counter() - began
        speed = self._pace.measured(trainer.step) or self._snapshot.steps_per_second
        self._publish(
            phase=Phase.FINISHED if trainer.finished else self._snapshot.phase,
            step=trainer.step,
            steps_per_second=speed,
            seconds=seconds,
            layers=trainer.layers,
        )
        if trainer.finished:
            self._save()

    def _fail(self, error: Exception) -> None:
        """End a run that cannot go on, with its network back at the last checkpoint."""
        trainer, keeper, reason = self._trainer, self._keeper, in_one_line(error)
        step = trainer.step if trainer is not None else self._snapshot.step
        self._trainer = None  # a network that has diverged has nothing to say
        if trainer is not None and keeper is not None and keeper.keeps:
            try:
                self._restored = keeper.restore(trainer)
                self._trainer = trainer
                reason += f"; the run is back at its checkpoint of step {trainer.step:,}"
            except Exception as second:  # a GPU that failed, a folder that is gone
                reason += f"; its checkpoint could not be restored: {in_one_line(second)}"
        checkpoint = keeper.checkpoint if keeper is not None else None
        self._publish(phase=Phase.FAILED, step=step, error=reason, checkpoint=checkpoint)
        if keeper is not None:
            keeper.note(self._snapshot)

    def _start(self, corpus: Corpus, recipe: Recipe, paused: bool) -> None:
        self._leave()
        self._corpus = corpus
        self._snapshot = Snapshot(Phase.PREPARING, recipe, run=next(run_numbers))
        self._build(corpus, recipe)
        if self._trainer is not None:
            self._publish(phase=Phase.PAUSED if paused else Phase.RUNNING)

    def _restore(
        self, run: Run, corpus: Corpus, paused: bool, device: str | None, changes: Changes | None
    ) -> None:
        from model.keeper import Keeper

        self._leave()
        self._corpus = corpus
        recipe = replace(run.recipe, device=device) if device else run.recipe
        self._snapshot = Snapshot(
            Phase.PREPARING, recipe, name=run.name, folder=run.folder, run=next(run_numbers)
        )
        self._keeper = Keeper(self, self._checkpoint_seconds, self._breath)
        try:
            self._keeper.open(run)
            self._build(corpus, recipe)
            if self._trainer is not None:
                reports, status = self._keeper.restore(self._trainer, run), run.status
                self._publish(reports=reports, seconds=status.seconds, changes=status.changes)
                self._change(self._trainer, self._trainer.recipe.with_(**(changes or {})))
        except Exception as error:  # see _work
            self._trainer = None
            self._publish(phase=Phase.FAILED, error=in_one_line(error))
        if self._trainer is None:  # the folder is left as it was
            self._keeper.close()
            return
        phase = Phase.PAUSED if paused else Phase.RUNNING
        self._publish(
            phase=Phase.FINISHED if self._trainer.finished else phase,
            recipe=self._trainer.recipe,
            step=self._trainer.step,
            start=self._trainer.step,
            folder=self._keeper.folder,
            warning=self._keeper.warning,
        )
        self._pace.begin(self._trainer.step)
        self._save()

    def _build(self, corpus: Corpus, recipe: Recipe) -> None:
        """Make the trainer of a run that is being prepared, at step 0."""
        try:
            from model.training import Trainer

            trainer = self._trainer = Trainer(corpus, recipe, self._processes)
        except Exception as error:  # see _work
            self._publish(phase=Phase.FAILED, error=in_one_line(error))
            return
        self._pace.begin(0)
        self._publish(floor=trainer.floor, device=str(trainer.device), losses=trainer.losses)

    def _move(self, old: Phase, new: Phase) -> None:
        if self._snapshot.phase is old:
            self._pace.begin(self._snapshot.step)
            self._publish(phase=new)
            self._save()

    def _resume(self) -> None:
        if self._snapshot.phase is Phase.FAILED and self._trainer is not None:
            # What viewers have seen of the steps to come was of another attempt.
            step, run = self._trainer.step, next(run_numbers)
            self._publish(phase=Phase.PAUSED, step=step, error="", run=run, reports=self._restored)
        self._move(Phase.PAUSED, Phase.RUNNING)

    def _prepare(self, corpus: Corpus, recipe: Recipe) -> None:
        # Decided here, since the caller may not have seen yet that a run has been started.
        if self._snapshot.phase in (Phase.IDLE, Phase.FAILED):
            self._start(corpus, recipe, paused=True)

    def _single_step(self) -> None:
        self._move(Phase.RUNNING, Phase.PAUSED)
        if self._snapshot.phase is Phase.PAUSED:
            self._pace.begin(self._snapshot.step)
            self._advance(1)
            self._save_if_due()

    def _stop(self) -> None:
        if self._snapshot.phase.resumable:
            self._publish(phase=Phase.STOPPED)
            self._save()

    def _adjust(self, recipe: Recipe, fields: Collection[str]) -> None:
        if self._trainer is None or self._snapshot.phase is Phase.FINISHED:
            return
        if self._snapshot.phase is not Phase.FAILED:  # there is nothing new
            self._save()  # the history has the learning rates that there were
        self._change(self._trainer, self._trainer.recipe.adjusted_to(recipe, fields))

    def _change(self, trainer: Trainer, recipe: Recipe) -> None:
        """Follow a recipe from here on, and remember what of it is new."""
        before = trainer.recipe
        trainer.adjust(recipe)
        changes = self._snapshot.changes_with(trainer.step, before.changes(trainer.recipe))
        self._publish(recipe=trainer.recipe, changes=changes)

    def _clear(self) -> None:
        self._leave()
        self._snapshot = Snapshot(run=next(run_numbers))

    def _close(self) -> None:
        self._closed = True

    # On disk

    def _keep(self, trainer: Trainer) -> None:
        """Give the run its folder, with its first step."""
        from model.keeper import Keeper

        if self._keeper is not None:
            return
        self._keeper = Keeper(self, self._checkpoint_seconds, self._breath)
        if self._runs is not None and self._corpus is not None:
            self._keeper.create(self._runs, self._corpus, trainer.recipe)
            folder, warning = self._keeper.folder, self._keeper.warning
            self._publish(folder=folder, name=self._keeper.name, warning=warning)
            self._save()

    def _save_if_due(self) -> None:
        if self._keeper and self._keeper.due and self._snapshot.phase.resumable:
            self._save()

    def _save(self) -> None:
        if self._keeper is not None and self._keeper.keeps and self._trainer is not None:
            self._keeper.save(self._trainer, self._snapshot)
            self._publish(warning=self._keeper.warning, checkpoint=self._keeper.checkpoint)

    def _glance(self) -> None:
        """Stop a run whose folder is gone: whoever removed it wants no more of it."""
        now = time.monotonic()
        if self._keeper is None or now < self._glance_due:
            return
        self._glance_due = now + GLANCE_SECONDS
        if self._keeper.gone:
            phase = Phase.STOPPED if self._snapshot.phase.resumable else self._snapshot.phase
            warning = "the run's folder is gone, and so it has stopped"
            self._publish(phase=phase, warning=warning, name="", folder=None)
            self._keeper.close()  # which tells the viewers
            return
        if self._keeper.keeps and self._keeper.name != self._snapshot.name:
            self._publish(name=self._keeper.name)
        if self._snapshot.phase is Phase.RUNNING:
            self._keeper.note(self._snapshot)

    def _leave(self) -> None:
        """Let go of the run, which ends here unless it is taken up again."""
        if self._snapshot.phase.resumable and self._trainer is not None:
            self._stop()
        if self._keeper is not None:
            self._keeper.close()
        self._trainer = self._keeper = None

    def _publish(self, **changes: object) -> None:
        self._snapshot = replace(self._snapshot, **changes)  # pyright: ignore[reportArgumentType]
