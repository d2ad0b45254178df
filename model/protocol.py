"""The lines that a trainer and its viewers exchange over the socket in a run's folder.

One JSON object a line, in UTF-8. docs/protocol.md describes them all.
"""

from __future__ import annotations

import base64
import json
import os
import socket
import struct
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from model.draws import Draws
from model.errors import MakemoreError
from model.layers import Layers
from model.recipe import ADJUSTABLE, Recipe
from model.session import Phase, Snapshot
from model.status import changes_of

VERSION = 1
MOST_REQUEST = 1 << 16
"""Bytes in a line that a viewer sends."""
MOST_MESSAGE = 1 << 30
"""Bytes in a line that a trainer sends."""
LONGEST_ADDRESS = 100
"""Bytes in the path of a socket; some systems take no more than 103."""
MOST_SAMPLES = 1000
SLOWEST, FASTEST = 0.01, 1e9
"""Steps per second that can be asked for."""
LARGEST = 1e300
EMPTY = frozenset[str]()
ARGUMENTS = {
    "attach": frozenset({"protocol"}),
    "pause": EMPTY,
    "resume": EMPTY,
    "step": EMPTY,
    "stop": EMPTY,
    "adjust": frozenset(ADJUSTABLE),
    "speed": frozenset({"steps_per_second"}),
    "samples": frozenset({"count", "seed", "prefix", "temperature", "top_k", "max_length"}),
    "weights": EMPTY,
}
"""What can be asked for, and what may be said with it."""


class ProtocolError(MakemoreError):
    """A line that is none of the protocol's."""


@dataclass(frozen=True)
class Request:
    """What a viewer asks for."""

    id: int
    """Which the answer repeats."""
    name: str
    arguments: dict[str, Any]

    @classmethod
    def of(cls, line: bytes) -> Request:
        """The request in a line.

        Raises:
            ProtocolError: there is none.
        """
        stored = decode(line)
        id, name = stored.pop("id", None), stored.pop("request", None)
        if type(id) is not int or not 0 <= id < 2**53:
            raise ProtocolError("a request needs an id, a whole number from 0")
        if not isinstance(name, str) or name not in ARGUMENTS:
            raise ProtocolError(f"a request is one of {', '.join(ARGUMENTS)}")
        if unknown := set(stored) - ARGUMENTS[name]:
            raise ProtocolError(f"{name} knows no {sorted(unknown)[0][:40]!r}")
        return cls(id, name, stored)

    def adjusted(self, recipe: Recipe) -> Recipe:
        """The recipe after an `adjust`.

        Raises:
            MakemoreError: no run can have it.
        """
        kinds = {"schedule": self._text, "batch_size": self._whole}
        values = {name: kinds.get(name, self._number)(name) for name in self.arguments}
        return recipe.with_(**values)

    def speed(self) -> float | None:
        """What a `speed` asks for.

        Raises:
            MakemoreError: it is no speed.
        """
        if self.arguments.get("steps_per_second") is None:
            return None
        speed = self._number("steps_per_second")
        if not SLOWEST <= speed <= FASTEST:
            limits = f"{SLOWEST:g} to {FASTEST:g}"
            raise ProtocolError(f"steps_per_second is {limits}, or null for full speed")
        return speed

    def draws(self) -> Draws:
        """What `samples` are asked for.

        Raises:
            MakemoreError: they cannot be drawn.
        """
        kinds = {"count": int, "seed": int, "prefix": str, "top_k": int, "max_length": int}
        values: dict[str, Any] = {}
        for name, value in self.arguments.items():
            if name == "temperature":
                values[name] = self._number(name)
            elif type(value) is kinds[name] or (name == "top_k" and value is None):
                values[name] = value
            else:
                raise ProtocolError(f"{name} is no {kinds[name].__name__}")
        values.setdefault("count", 5)
        draws = Draws(**values)
        if max(draws.count, draws.max_length) > MOST_SAMPLES:
            raise ProtocolError(f"at most {MOST_SAMPLES} words of {MOST_SAMPLES} characters")
        return draws

    def _text(self, name: str) -> str:
        if type(value := self.arguments[name]) is not str:
            raise ProtocolError(f"{name} is no text")
        return value

    def _whole(self, name: str) -> int:
        if type(value := self.arguments[name]) is not int:
            raise ProtocolError(f"{name} is no whole number")
        return value

    def _number(self, name: str) -> float:
        value = self.arguments[name]
        if type(value) not in (int, float) or not abs(value) < LARGEST:
            raise ProtocolError(f"{name} is no number")
        return float(value)


def encode(message: dict[str, Any]) -> bytes:
    """The line of a message."""
    return json.dumps(message).encode() + b"\n"


def decode(line: bytes) -> dict[str, Any]:
    """The message in a line.

    Raises:
        ProtocolError: there is none.
    """
    try:
        message: Any = json.loads(line.decode(), parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise ProtocolError("a line is one JSON object, in UTF-8") from None
    if not isinstance(message, dict):
        raise ProtocolError("a line is one JSON object, in UTF-8")
    return message


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def bytes_to_text(data: bytes) -> str:
    """Bytes as JSON holds them: in base64."""
    return base64.b64encode(data).decode()


def text_to_bytes(text: Any) -> bytes:
    """The bytes that JSON holds.

    Raises:
        ProtocolError: it holds something else.
    """
    try:
        return base64.b64decode(text, validate=True)
    except (ValueError, TypeError):
        raise ProtocolError("the bytes are not in base64") from None


def state_message(snapshot: Snapshot, speed: float | None) -> dict[str, Any]:
    """How a run stands, but for its losses and reports."""
    return {
        "type": "state",
        "name": snapshot.name,
        "phase": snapshot.phase.name.lower(),
        "recipe": asdict(snapshot.recipe) if snapshot.recipe else None,
        "step": snapshot.step,
        "steps_per_second": snapshot.steps_per_second,
        "seconds": snapshot.seconds,
        "speed": speed,
        "floor": snapshot.floor,
        "device": snapshot.device,
        "error": snapshot.error,
        "warning": snapshot.warning,
        "checkpoint": snapshot.checkpoint,
        "changes": snapshot.changes,
        "layers": asdict(snapshot.layers),
    }


def state_of(message: dict[str, Any]) -> tuple[dict[str, Any], float | None]:
    """The fields of a snapshot that a state message holds, and the speed.

    Raises:
        ProtocolError: it holds something else.
    """
    kinds: dict[str, tuple[type, ...]] = {
        "name": (str,),
        "step": (int,),
        "steps_per_second": (float, int),
        "seconds": (float, int),
        "speed": (float, int, type(None)),
        "floor": (float, type(None)),
        "device": (str,),
        "error": (str,),
        "warning": (str,),
        "checkpoint": (int, type(None)),
    }
    try:
        fields = {name: message[name] for name in kinds}
        for name, allowed in kinds.items():
            if not _is_one_of(allowed, fields[name]):
                raise ProtocolError(f"the state has no usable {name}")
        phase = Phase[message["phase"].upper()]
        recipe = None if message["recipe"] is None else Recipe.of(message["recipe"])
        speed = fields.pop("speed")
        fields["changes"] = changes_of(message["changes"])
        fields["layers"] = Layers.of(message["layers"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ProtocolError(f"the state has no usable {error}") from None
    if not 0 <= fields["step"] <= (recipe.steps if recipe else 0):
        raise ProtocolError("the state has no usable step")
    return {**fields, "phase": phase, "recipe": recipe}, speed


def _is_one_of(kinds: tuple[type, ...], value: Any) -> bool:
    finite = type(value) not in (int, float) or abs(value) < LARGEST
    return type(value) in kinds and finite


@contextmanager
def address(path: Path) -> Generator[str]:
    """A path of a socket that is short enough for the system, however deep its folder is."""
    if len(os.fsencode(path)) <= LONGEST_ADDRESS:
        yield str(path)
        return
    with tempfile.TemporaryDirectory(prefix="makemore-") as short:
        link = Path(short) / "run"
        link.symlink_to(path.parent.absolute())
        yield str(link / path.name)


def is_ours(connection: socket.socket) -> bool:
    """Whether the process at the other end is of the same user, or of the administrator."""
    if sys.platform == "linux":
        format = "3i"
        peer = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize(format))
        user = struct.unpack(format, peer)[1]
    else:  # BSD and macOS: struct xucred
        format = "2I"
        peer = connection.getsockopt(0, 1, struct.calcsize(format))
        user = struct.unpack(format, peer)[1]
    return user in (0, os.geteuid())
