"""Runs that are being trained in this process, and lines to the sockets in their folders."""

import json
import socket
import threading
import time
from array import array
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import torch
from command_line import WORDS

from model import protocol, runs
from model.attached_session import AttachedSession
from model.corpus import parse
from model.recipe import RECIPES, Recipe
from model.reports import Reports
from model.run_writer import RunWriter
from model.runs import Run
from model.session import Phase, Session, Snapshot
from model.training import Trainer
from model.training_session import TrainingSession

CORPUS = parse(WORDS, "words")
ENDLESS = RECIPES["converge"].with_(steps=1_000_000, device="cpu")
PATIENCE = 60.0
"""Seconds for which something may be waited for on a loaded machine."""
PAUSE = 0.01

Kind = TypeVar("Kind")


def wait_until(condition: Callable[[], Kind], what: str = "") -> Kind:
    """Wait for something to come true; what it then is."""
    never, until = threading.Event(), time.monotonic() + PATIENCE
    while not (value := condition()):
        assert time.monotonic() < until, f"never came: {what or condition}"
        never.wait(PAUSE)
    return value


@contextmanager
def training(
    root: Path, recipe: Recipe = ENDLESS, *, paused: bool = False
) -> Iterator[tuple[TrainingSession, Run]]:
    """A run that is being trained, and kept in `root`."""
    with restored(runs.create(root, CORPUS, recipe), paused=paused) as session:
        yield session, session_run(root, session)


def session_run(root: Path, session: Session) -> Run:
    return runs.find(root, session.snapshot.name)


@contextmanager
def restored(run: Run, *, paused: bool = True) -> Iterator[TrainingSession]:
    """A run that is taken up where it was left."""
    session = TrainingSession(checkpoint_seconds=1000)
    try:
        session.restore(run, CORPUS, paused=paused)
        wait_until(lambda: session.snapshot.phase not in (Phase.IDLE, Phase.PREPARING))
        yield session
    finally:
        session.close()
        session.join()


def obeyed(session: TrainingSession) -> Snapshot:
    """How things stand when all commands so far have been obeyed."""
    session.trained().result(PATIENCE)
    return session.snapshot


def long_run(root: Path, steps: int) -> tuple[Run, torch.Tensor]:
    """A run that has come that far, and its losses."""
    run = runs.create(root, CORPUS, ENDLESS.with_(steps=steps + 1))
    trainer = Trainer(CORPUS, run.recipe)
    trainer.step = steps
    trainer.losses[:steps] = 1 + torch.rand(steps, generator=torch.Generator().manual_seed(0))
    writer = RunWriter(run)
    writer.save(trainer, Reports())
    writer.close()
    return run, trainer.losses[:steps]


@contextmanager
def attached_session(run: Run) -> Iterator[AttachedSession]:
    session = AttachedSession(run, CORPUS)
    try:
        yield session
    finally:
        session.close()
        session.join()
        assert session.ended


def shown(session: AttachedSession, condition: Callable[[Snapshot], object]) -> Snapshot:
    """What is seen, as soon as `condition` holds of it."""
    wait_until(lambda: condition(session.snapshot), str(session.snapshot))
    return session.snapshot


class Line:
    """A connection to a trainer that says what it likes."""

    def __init__(self, run: Run) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        with protocol.address(run.socket) as address:
            self.socket.connect(address)
        self.socket.settimeout(PATIENCE)
        self._lines = self.socket.makefile("rb")
        self._last = 0
        self.losses = array("f")
        self.reports: list[dict[str, Any]] = []
        self.state: dict[str, Any] = {}
        self.begun = 0

    def attach(self) -> dict[str, Any]:
        return self.answer("attach", protocol=protocol.VERSION)

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def ask(self, request: str, **arguments: Any) -> int:
        self._last += 1
        message = {"id": self._last, "request": request, **arguments}
        self.send(json.dumps(message).encode() + b"\n")
        return self._last

    def answer(self, request: str, **arguments: Any) -> dict[str, Any]:
        id = self.ask(request, **arguments)
        return self.until(lambda message: message.get("id") == id)

    def hear(self) -> dict[str, Any] | None:
        """The next message; None when the trainer has hung up."""
        try:
            line = self._lines.readline()
        except ConnectionResetError:
            return None
        if not line:
            return None
        message = json.loads(line)
        match message["type"]:
            case "begin":
                self.begun += 1
                self.losses, self.reports = array("f"), []
            case "losses":
                assert message["first"] == len(self.losses)
                self.losses.frombytes(protocol.text_to_bytes(message["losses"]))
            case "reports":
                assert message["first"] == len(self.reports)
                self.reports += message["reports"]
            case "state":
                assert message["step"] == len(self.losses)
                self.state = message
        return message

    def until(self, condition: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        while message := self.hear():
            if condition(message):
                return message
        raise AssertionError("the trainer has hung up")

    def until_state(self, condition: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        return self.until(lambda message: message["type"] == "state" and condition(message))

    def rest(self) -> list[dict[str, Any]]:
        """All that is said before the trainer hangs up."""
        return list(iter(self.hear, None))

    def close(self) -> None:
        self._lines.close()
        self.socket.close()


@contextmanager
def attached(run: Run) -> Iterator[Line]:
    with closing(Line(run)) as line:
        assert line.attach()["type"] == "reply"
        yield line
