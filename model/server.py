"""Lets others watch and steer a run, over the socket in its folder.

One thread serves all viewers. Each of them is told what is new as soon as it has read what it was
told before: a viewer that does not read costs nothing, and holds up nobody.
"""

from __future__ import annotations

import ctypes
import math
import os
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from model import protocol
from model.errors import MakemoreError
from model.protocol import MOST_REQUEST, VERSION, Request, encode
from model.runs import Run
from model.session import Session, Trained, in_one_line

if TYPE_CHECKING:
    from torch import Tensor

UPDATES_PER_SECOND = 10
MOST_VIEWERS = 32
BACKLOG = 128
"""Viewers that may knock at once."""
MOST_WAITING = 8
"""Answers that a viewer may wait for at once."""
LOSSES_A_LINE = 1 << 16
REPORTS_A_LINE = 1000
PART = 1 << 16
"""Bytes that are read or written at once; a viewer that leaves as many unread is not read."""
GOODBYE_SECONDS = 0.5
"""For which the last lines may take to be read."""

Answer = Callable[[Trained | None], dict[str, Any]]


@dataclass(eq=False)
class Viewer:
    """One of those who watch."""

    connection: socket.socket
    attached: bool = False
    received: bytearray = field(default_factory=bytearray)
    unsent: bytearray = field(default_factory=bytearray)
    news: Iterator[dict[str, Any]] | None = None
    """What it is being told; None where it has heard all."""
    run: int | None = None
    """Which run it was told of; and how many of its losses and reports, and its state."""
    losses: int = 0
    reports: int = 0
    state: dict[str, Any] | None = None

    def send(self, **message: Any) -> None:
        """Put a message behind what is still to be sent."""
        self.unsent += encode(message)


class Waiting(NamedTuple):
    """A request whose answer needs the network."""

    viewer: Viewer
    id: int
    trained: Future[Trained | None]
    answer: Answer


class Server:
    """The socket of a run, and the thread that serves it."""

    def __init__(self, session: Session, run: Run) -> None:
        """Begin to serve.

        Raises:
            OSError: there can be no socket in the folder.
        """
        self._session = session
        self._run = run
        self._waiting: list[Waiting] = []
        self._viewers: list[Viewer] = []
        self._closing = threading.Event()
        self._due = 0.0  # when viewers are next told what is new
        self._socket = _listening(run)
        self._bell, self._ringer = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        for each in (self._socket, self._bell):
            each.setblocking(False)
            self._selector.register(each, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._serve, name="viewers", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Tell all viewers how the run stands, and end."""
        self._closing.set()
        self._ring()
        self._thread.join(2 * GOODBYE_SECONDS)
        with suppress(OSError):
            self._run.socket.unlink()

    def _ring(self) -> None:
        with suppress(OSError):  # it is full, or closed already
            self._ringer.send(b"!")

    # What follows runs in the thread.

    def _serve(self) -> None:
        while not self._closing.is_set():
            waits = max(0.0, self._due - time.monotonic()) if self._viewers else None
            for key, events in self._selector.select(waits):
                if key.fileobj is self._socket:
                    self._accept()
                elif key.fileobj is self._bell:
                    self._bell.recv(PART)
                elif events & selectors.EVENT_READ:
                    self._receive(key.data)
            self._answer()
            is_time = time.monotonic() >= self._due
            if is_time:
                self._due = time.monotonic() + 1 / UPDATES_PER_SECOND
            for viewer in list(self._viewers):
                if is_time and viewer.attached and viewer.news is None:
                    viewer.news = self._news(viewer)
                self._tell(viewer)
        self._say_goodbye()

    def _accept(self) -> None:
        with suppress(OSError):
            connection, _ = self._socket.accept()
            connection.setblocking(False)
            viewer = Viewer(connection)
            self._viewers.append(viewer)
            self._selector.register(connection, selectors.EVENT_READ, viewer)
            if not protocol.is_ours(connection):
                self._refuse(viewer, "the run is another user's")
            elif len(self._viewers) > MOST_VIEWERS:
                self._refuse(viewer, f"it has {MOST_VIEWERS} viewers already")

    def _refuse(self, viewer: Viewer, reason: str) -> None:
        """Say why, and hang up."""
        viewer.send(type="error", id=None, message=reason)
        self._flush(viewer)
        self._drop(viewer)

    def _receive(self, viewer: Viewer) -> None:
        """Obey the whole lines that have come."""
        try:
            data = viewer.connection.recv(PART)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._drop(viewer)
            return
        *lines, viewer.received = (viewer.received + data).split(b"\n")
        for line in (*lines, viewer.received):
            if len(line) > MOST_REQUEST:
                self._refuse(viewer, f"a line has at most {MOST_REQUEST} bytes")
                return
            if line is not viewer.received:
                self._obey(viewer, bytes(line))

    def _obey(self, viewer: Viewer, line: bytes) -> None:
        id = None
        try:
            request = Request.of(line)
            id = request.id
            if request.name != "attach" and not viewer.attached:
                raise MakemoreError("attach first")
            reply = self._do(viewer, request)
        except MakemoreError as error:
            viewer.send(type="error", id=id, message=str(error))
        else:
            if reply is not None:
                viewer.send(type="reply", id=id, **reply)

    def _do(self, viewer: Viewer, request: Request) -> dict[str, Any] | None:
        """What a request is answered with at once; None where the answer comes later."""
        session = self._session
        match request.name:
            case "attach":
                if request.arguments.get("protocol") != VERSION:
                    raise MakemoreError(f"this trainer speaks protocol {VERSION}; use its version")
                viewer.attached = True
                self._due = 0.0
                return {"protocol": VERSION, "run": self._run.id, "process": os.getpid()}
            case "adjust":
                recipe = session.snapshot.recipe
                if recipe is not None:
                    session.adjust(request.adjusted(recipe), request.arguments)
            case "speed":
                session.set_speed(request.speed())
            case "samples":
                self._ask(viewer, request.id, _samples(request))
                return None
            case "weights":
                self._ask(viewer, request.id, _weights)
                return None
            case name:
                getattr(session, name)()
        return {}

    def _ask(self, viewer: Viewer, id: int, answer: Answer) -> None:
        """Answer as soon as the network can be had."""
        if sum(one.viewer is viewer for one in self._waiting) == MOST_WAITING:
            raise MakemoreError(f"{MOST_WAITING} answers are still to come; wait for one of them")
        trained = self._session.trained()
        self._waiting.append(Waiting(viewer, id, trained, answer))
        trained.add_done_callback(lambda _: self._ring())

    def _answer(self) -> None:
        done = [one for one in self._waiting if one.trained.done()]
        self._waiting = [one for one in self._waiting if one not in done]
        for viewer, id, trained, answer in done:
            try:
                viewer.send(type="reply", id=id, **answer(trained.result()))
            except Exception as error:  # out of memory, say: the asker's matter
                viewer.send(type="error", id=id, message=in_one_line(error))

    def _news(self, viewer: Viewer) -> Iterator[dict[str, Any]]:
        """What a viewer has not been told of how things stand now, its state at the end."""
        snapshot = self._session.snapshot
        if snapshot.run != viewer.run:
            viewer.run, viewer.losses, viewer.reports, viewer.state = snapshot.run, 0, 0, None
            yield {"type": "begin"}
        while snapshot.losses is not None and viewer.losses < snapshot.step:
            first = viewer.losses
            viewer.losses = min(first + LOSSES_A_LINE, snapshot.step)
            part = protocol.bytes_to_text(_floats(snapshot.losses[first : viewer.losses]))
            yield {"type": "losses", "first": first, "losses": part}
        reports = snapshot.reports
        while viewer.reports < len(reports):
            first, new = reports.since(viewer.reports)
            new, message = new[:REPORTS_A_LINE], dict[str, Any](type="reports", first=first)
            if first != viewer.reports:  # the oldest are forgotten, but for those
                judged = [each for each in reports.judged if each.step < new[0].step]
                message["judged"] = [asdict(each) for each in judged]
            viewer.reports = first + len(new)
            yield {**message, "reports": [asdict(each) for each in new]}
        state = protocol.state_message(snapshot, self._session.speed)
        if state != viewer.state:
            viewer.state = state
            yield state

    def _tell(self, viewer: Viewer) -> None:
        """Send what is unsent and what is new, a message at a time, as far as it is read."""
        self._flush(viewer)
        while viewer.news is not None and not viewer.unsent:
            if (message := next(viewer.news, None)) is None:
                viewer.news = None
            else:
                viewer.send(**message)
                self._flush(viewer)
        if viewer in self._viewers:
            # Woken as soon as it has read something; and not read while it reads nothing.
            events = selectors.EVENT_WRITE if viewer.unsent else 0
            if len(viewer.unsent) < PART:
                events |= selectors.EVENT_READ
            self._selector.modify(viewer.connection, events, viewer)

    def _flush(self, viewer: Viewer) -> None:
        try:
            while viewer.unsent:
                del viewer.unsent[: viewer.connection.send(viewer.unsent[:PART])]
        except BlockingIOError:
            pass
        except OSError:
            self._drop(viewer)

    def _drop(self, viewer: Viewer) -> None:
        viewer.unsent.clear()
        viewer.news = None
        self._waiting = [one for one in self._waiting if one.viewer is not viewer]
        if viewer in self._viewers:
            self._viewers.remove(viewer)
            self._selector.unregister(viewer.connection)
            viewer.connection.close()

    def _say_goodbye(self) -> None:
        for viewer in list(self._viewers):
            viewer.connection.settimeout(GOODBYE_SECONDS / len(self._viewers))
            self._tell(viewer)
            if viewer.attached:
                viewer.news = self._news(viewer)
                self._tell(viewer)
            self._drop(viewer)
        for each in (self._socket, self._bell, self._ringer, self._selector):
            each.close()


def _listening(run: Run) -> socket.socket:
    """The socket in a run's folder, which nobody else can reach."""
    run.folder.chmod(0o700)
    run.socket.unlink(missing_ok=True)  # of a process that was killed; the lock is ours
    listening = socket.socket(socket.AF_UNIX)
    try:
        with protocol.address(run.socket) as address:
            listening.bind(address)
        run.socket.chmod(0o600)
        listening.listen(BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening


def _samples(request: Request) -> Answer:
    draws = request.draws()

    def answer(trained: Trained | None) -> dict[str, Any]:
        from model.sampling import sample

        if trained is None:
            raise MakemoreError("there is no network yet")
        words = [
            {"word": word.word, "nll": word.nll if math.isfinite(word.nll) else None}
            for word in sample(trained.network, draws)
        ]
        return {"step": trained.step, "samples": words}

    return answer


def _weights(trained: Trained | None) -> dict[str, Any]:
    from model.checkpoints import tensors_to_bytes

    if trained is None:
        return {"step": None, "weights": None}
    data = tensors_to_bytes(trained.network.state_dict())
    return {"step": trained.step, "weights": protocol.bytes_to_text(data)}


def _floats(losses: Tensor) -> bytes:
    """32-bit floats, little-endian where the machine is, as all are that torch runs on."""
    whole = losses.contiguous()
    return ctypes.string_at(whole.data_ptr(), whole.nbytes)
