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
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from model import protocol
from model.errors import MakemoreError
from model.protocol import MOST_REQUEST, VERSION, Request, encode
from model.runs import Run
from model.session import Session, Snapshot, Trained, in_one_line

if TYPE_CHECKING:
    from torch import Tensor

UPDATES_PER_SECOND = 10
MOST_VIEWERS = 32
MOST_UNREAD = 1 << 28  # bytes of answers that a viewer may leave unread
LOSSES_A_LINE = 1 << 16
REPORTS_A_LINE = 1000
PART = 1 << 16  # bytes that are read or written at once
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
    run: int = 0
    """Which run it was told of; and how many of its losses and reports, and its state."""
    losses: int = 0
    reports: int = 0
    state: dict[str, Any] | None = None

    def send(self, **message: Any) -> None:
        """Put a message behind what is still to be sent."""
        self.unsent += encode(message)


class Server:
    """The socket of a run, and the thread that serves it."""

    def __init__(self, session: Session, run: Run) -> None:
        """Begin to serve.

        Raises:
            OSError: there can be no socket in the folder.
        """
        self._session = session
        self._run = run
        self._waiting: list[tuple[Viewer, int, Future[Trained | None], Answer]] = []
        self._viewers: list[Viewer] = []
        self._closing = threading.Event()
        run.folder.chmod(0o700)
        run.socket.unlink(missing_ok=True)  # of a process that was killed; the lock is ours
        self._socket = socket.socket(socket.AF_UNIX)
        with protocol.address(run.socket) as address:
            self._socket.bind(address)
        run.socket.chmod(0o600)
        self._socket.listen(MOST_VIEWERS)
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
            waits = 1 / UPDATES_PER_SECOND if self._viewers else None
            for key, events in self._selector.select(waits):
                if key.fileobj is self._socket:
                    self._accept()
                elif key.fileobj is self._bell:
                    self._bell.recv(PART)
                else:
                    self._exchange(key.data, events)
            self._answer()
            for viewer in list(self._viewers):
                self._tell(viewer)
        self._say_goodbye()

    def _accept(self) -> None:
        with suppress(OSError):
            connection, _ = self._socket.accept()
            if not protocol.is_ours(connection) or len(self._viewers) >= MOST_VIEWERS:
                connection.close()
                return
            connection.setblocking(False)
            viewer = Viewer(connection)
            self._viewers.append(viewer)
            self._selector.register(connection, selectors.EVENT_READ, viewer)

    def _exchange(self, viewer: Viewer, events: int) -> None:
        try:
            if events & selectors.EVENT_READ:
                data = viewer.connection.recv(PART)
                if not data:
                    raise ConnectionResetError
                viewer.received += data
                self._read(viewer)
        except BlockingIOError:
            pass
        except OSError:
            self._drop(viewer)

    def _read(self, viewer: Viewer) -> None:
        """Obey the whole lines that have come."""
        *lines, rest = viewer.received.split(b"\n")
        viewer.received = rest
        if len(rest) > MOST_REQUEST:
            lines.append(rest)
        for line in lines:
            if len(line) > MOST_REQUEST:
                reason = f"a line has at most {MOST_REQUEST} bytes"
                viewer.send(type="error", id=None, message=reason)
                self._flush(viewer)
                self._drop(viewer)
                return
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
                return {"protocol": VERSION, "run": self._run.id, "process": os.getpid()}
            case "adjust":
                recipe = session.snapshot.recipe
                if recipe is not None:
                    session.adjust(request.adjusted(recipe))
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
        future = self._session.trained()
        self._waiting.append((viewer, id, future, answer))
        future.add_done_callback(lambda _: self._ring())

    def _answer(self) -> None:
        done = [one for one in self._waiting if one[2].done()]
        self._waiting = [one for one in self._waiting if one not in done]
        for viewer, id, future, answer in done:
            try:
                viewer.send(type="reply", id=id, **answer(future.result()))
            except Exception as error:  # out of memory, say: the asker's matter
                viewer.send(type="error", id=id, message=in_one_line(error))

    def _tell(self, viewer: Viewer) -> None:
        """Send what is unsent; tell what is new, if all of it was read."""
        if viewer.attached and not viewer.unsent:
            snapshot = self._session.snapshot
            if snapshot.run != viewer.run:
                viewer.run, viewer.losses, viewer.reports, viewer.state = snapshot.run, 0, 0, None
            _tell_losses(viewer, snapshot)
            _tell_reports(viewer, snapshot)
            state = protocol.state_message(snapshot, self._session.speed)
            if state != viewer.state:
                viewer.state = state
                viewer.send(**state)
        self._flush(viewer)

    def _flush(self, viewer: Viewer) -> None:
        try:
            while viewer.unsent:
                del viewer.unsent[: viewer.connection.send(viewer.unsent[:PART])]
        except BlockingIOError:
            if len(viewer.unsent) > MOST_UNREAD:
                self._drop(viewer)
        except OSError:
            self._drop(viewer)
        if viewer in self._viewers:  # to be woken as soon as it has read
            events = selectors.EVENT_WRITE if viewer.unsent else 0
            self._selector.modify(viewer.connection, selectors.EVENT_READ | events, viewer)

    def _drop(self, viewer: Viewer) -> None:
        if viewer in self._viewers:
            self._viewers.remove(viewer)
            self._selector.unregister(viewer.connection)
            viewer.connection.close()

    def _say_goodbye(self) -> None:
        for viewer in list(self._viewers):
            viewer.connection.settimeout(GOODBYE_SECONDS / len(self._viewers))
            self._tell(viewer)
            self._drop(viewer)
        for each in (self._socket, self._bell, self._ringer, self._selector):
            each.close()


def _tell_losses(viewer: Viewer, snapshot: Snapshot) -> None:
    if snapshot.losses is None:
        return
    for first in range(viewer.losses, snapshot.step, LOSSES_A_LINE):
        part = snapshot.losses[first : min(first + LOSSES_A_LINE, snapshot.step)]
        viewer.send(type="losses", first=first, losses=protocol.bytes_to_text(_floats(part)))
    viewer.losses = snapshot.step


def _tell_reports(viewer: Viewer, snapshot: Snapshot) -> None:
    while viewer.reports < (total := len(snapshot.reports)):
        new = snapshot.reports.since(viewer.reports)
        first = total - len(new)  # the oldest may be forgotten
        part = [asdict(report) for report in new[:REPORTS_A_LINE]]
        viewer.send(type="reports", first=first, reports=part)
        viewer.reports = first + len(part)


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
