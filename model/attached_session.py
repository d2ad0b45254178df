"""A run that another process trains, seen and steered from here. A `Session`."""

from __future__ import annotations

import threading
from collections.abc import Collection
from concurrent.futures import Future
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from model import protocol
from model.connection import Connection
from model.corpus import Corpus
from model.errors import MakemoreError
from model.history import report_of
from model.protocol import ProtocolError
from model.recipe import ADJUSTABLE, MOST_STEPS, Recipe
from model.reports import Reports
from model.runs import Run
from model.session import Phase, Snapshot, Trained, in_one_line, run_numbers

if TYPE_CHECKING:
    from model.ngrams import Ngrams

Promise = Future[Trained | None]


class AttachedSession:
    """Shows what the trainer of a run sends, and passes on what is asked of it."""

    def __init__(self, run: Run, corpus: Corpus) -> None:
        """Attach to a run, whose words are known.

        Raises:
            NotTrainedError: no process trains it.
            MakemoreError: it cannot be attached to.
        """
        self._connection = Connection(run)
        self._run = run
        self._corpus = corpus
        self._ngrams: Ngrams | None = None
        self._speed: float | None = None
        self._waiting: dict[int, Promise] = {}
        self._left = False  # and nothing more is heard
        self._lock = threading.Lock()  # of what is waited for
        self._snapshot = Snapshot(
            Phase.PREPARING,
            run.recipe,
            name=run.name,
            folder=run.folder,
            process=self._connection.process,
            run=next(run_numbers),
        )
        self._thread = threading.Thread(target=self._listen, name="attached", daemon=True)
        self._thread.start()

    @property
    def snapshot(self) -> Snapshot:
        """How things stood when the trainer last said so."""
        return self._snapshot

    @property
    def speed(self) -> float | None:
        """Steps per second at most; None for as fast as it goes."""
        return self._speed

    @property
    def ended(self) -> bool:
        """Whether the trainer has hung up: the run is over, or was left."""
        return not self._thread.is_alive()

    def resume(self) -> None:
        """Go on with a paused run, or from the last checkpoint with one that failed."""
        self._ask("resume")

    def pause(self) -> None:
        """Halt the run after the chunk that it is in."""
        self._ask("pause")

    def step(self) -> None:
        """Do one step of a paused run; pause a running one."""
        self._ask("step")

    def stop(self) -> None:
        """End the run, and the process that trains it."""
        self._ask("stop")

    def set_speed(self, speed: float | None) -> None:
        """Do so many steps a second at most; None for as fast as it goes."""
        self._speed = speed
        self._ask("speed", steps_per_second=speed)

    def adjust(self, recipe: Recipe, fields: Collection[str] = ADJUSTABLE) -> None:
        """Take some of what may change while a run goes on, and nothing else, from a recipe."""
        self._ask("adjust", **{name: getattr(recipe, name) for name in fields})

    def trained(self) -> Promise:
        """The network as it is between two chunks, to be kept; None where there is none."""
        future = Promise()
        future.set_running_or_notify_cancel()  # so that the answer finds nothing else in its place
        with self._lock:
            id = self._ask("weights")
            if id is None or self._left:
                future.set_result(None)
            else:
                self._waiting[id] = future
        return future

    def close(self) -> None:
        """Leave the run, which goes on."""
        self._connection.hang_up()

    def join(self) -> None:
        """Wait until the run is left, which `close` has asked for."""
        self._thread.join(timeout=1)

    def _ask(self, request: str, **arguments: Any) -> int | None:
        """Send a request; its id, or None where nobody is there any more."""
        try:
            return self._connection.ask(request, **arguments)
        except OSError:
            return None

    # What follows runs in the thread.

    def _listen(self) -> None:
        try:
            for message in self._connection.messages():
                self._take(message)
        except Exception as error:  # whatever a trainer may send, the app must stay alive
            self._publish(warning=f"the trainer could not be understood: {in_one_line(error)}")
        finally:
            self._take_end()
            with self._lock:
                self._left = True
                for future in self._waiting.values():
                    future.set_result(None)
                self._waiting.clear()
            self._connection.close()

    def _take(self, message: dict[str, Any]) -> None:
        match message.get("type"):
            case "begin":
                self._begin()
            case "losses":
                self._take_losses(message["first"], protocol.text_to_bytes(message["losses"]))
            case "reports":
                self._take_reports(message["first"], message["reports"], message.get("judged", []))
            case "state":
                self._take_state(message)
            case "reply" | "error":
                self._take_answer(message)
            case _:  # of a later version
                pass

    def _take_end(self) -> None:
        """Find out how the run ended, where the trainer could not say so."""
        end = self._run.end_of(self._connection.process)
        if end is not None and self._snapshot.phase.resumable:
            self._publish(phase=end.phase, error=end.error)

    def _begin(self) -> None:
        import torch

        recipe = self._snapshot.recipe
        losses = torch.full((recipe.steps,), torch.nan) if recipe else None
        self._publish(run=next(run_numbers), step=0, losses=losses, reports=Reports())

    def _take_losses(self, first: int, data: bytes) -> None:
        import torch

        losses = self._snapshot.losses
        new = torch.frombuffer(bytearray(data), dtype=torch.float32) if data else torch.empty(0)
        if losses is None or not 0 <= first <= len(losses) - len(new):
            raise ProtocolError("there are more losses than steps")
        losses[first : first + len(new)] = new

    def _take_reports(self, first: int, stored: list[Any], judged: list[Any]) -> None:
        reports = self._snapshot.reports
        if first != len(reports):  # the oldest are forgotten
            if type(first) is not int or not len(reports) <= first <= MOST_STEPS:
                raise ProtocolError("the reports are in no order")
            reports = Reports(first=first, judged=map(report_of, judged))
            self._publish(reports=reports)
        for report in map(report_of, stored):
            reports.append(report)

    def _take_state(self, message: dict[str, Any]) -> None:
        fields, self._speed = protocol.state_of(message)
        self._publish(**fields)

    def _take_answer(self, message: dict[str, Any]) -> None:
        with self._lock:
            future = self._waiting.pop(message.get("id", 0), None)
        if future is None:
            return
        try:
            if message["type"] == "error":
                raise MakemoreError(str(message["message"]))
            future.set_result(self._network(message))
        except Exception as error:  # out of memory, say: the asker's matter
            future.set_exception(error)

    def _network(self, message: dict[str, Any]) -> Trained | None:
        from model.checkpoints import tensors_of
        from model.nets import network_class
        from model.ngrams import count
        from model.splits import learnt

        recipe = self._snapshot.recipe
        if message["weights"] is None or recipe is None:
            return None
        if self._ngrams is None:
            self._ngrams = count(learnt(self._corpus, recipe.data), recipe.n)
        tensors, _ = tensors_of(protocol.text_to_bytes(message["weights"]))
        net = network_class(recipe.model).of(self._ngrams, recipe)
        net.load_state_dict(tensors)
        return Trained(net.frozen(), message["step"], self._snapshot.run)

    def _publish(self, **changes: object) -> None:
        self._snapshot = replace(self._snapshot, **changes)  # pyright: ignore[reportArgumentType]
