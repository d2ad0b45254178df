"""The viewer's end of the socket of a run."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from typing import Any

from model import protocol
from model.alphabet import visible
from model.errors import MakemoreError
from model.protocol import MOST_MESSAGE, MOST_REQUEST, VERSION, ProtocolError
from model.runs import Run

PATIENCE_SECONDS = 10.0
"""For which a trainer may be silent before it answers the first request."""
PART = 1 << 16
"""Bytes that are read at once."""


class NotTrainedError(MakemoreError):
    """No process trains the run."""


class Connection:
    """A line to the process that trains a run. One thread may read, others ask."""

    def __init__(self, run: Run) -> None:
        """Attach to a run.

        Raises:
            NotTrainedError: no process trains it.
            MakemoreError: the process is another user's, speaks another version, or is silent.
        """
        self._name = visible(run.name)
        self._ids = count(1)
        self._socket = socket.socket(socket.AF_UNIX)
        self._lines = self._socket.makefile("rb", PART)
        self._socket.settimeout(PATIENCE_SECONDS)
        try:
            with protocol.address(run.socket) as address:
                self._socket.connect(address)
            if not protocol.is_ours(self._socket):
                raise MakemoreError(f"{self._name} is trained by another user; attach as that user")
            self.ask("attach", protocol=VERSION)
            hello = self._next(MOST_REQUEST)
        except (OSError, ValueError) as error:
            self.close()
            if isinstance(error, FileNotFoundError | ConnectionRefusedError):
                raise NotTrainedError(f"no process trains {self._name}; resume it") from None
            reason = error.strerror if isinstance(error, OSError) else None
            reason = reason or "it does not answer"
            raise MakemoreError(f"{self._name} cannot be attached to: {reason}") from None
        except MakemoreError:
            self.close()
            raise
        if hello is None or hello.get("type") != "reply" or type(hello.get("process")) is not int:
            self.close()
            reason = visible(str((hello or {}).get("message", "it hung up")))
            raise MakemoreError(f"{self._name} cannot be attached to: {reason}")
        self.process: int = hello["process"]
        """That trains the run."""
        self._socket.settimeout(None)

    def ask(self, request: str, **arguments: Any) -> int:
        """Send a request; the id that its answer will have.

        It waits for nobody: a trainer that has left very many requests unread is given up.

        Raises:
            OSError: nobody is there any more.
            ProtocolError: it is too long to be sent.
        """
        id = next(self._ids)
        line = protocol.encode({"id": id, "request": request, **arguments})
        if len(line) > MOST_REQUEST:
            raise ProtocolError(f"a request has at most {MOST_REQUEST} bytes")
        if self._socket.send(line, socket.MSG_DONTWAIT) < len(line):
            self.hang_up()
        return id

    def messages(self) -> Iterator[dict[str, Any]]:
        """What the trainer sends, until it hangs up.

        Raises:
            ProtocolError: it sends something else.
        """
        while (message := self._next(MOST_MESSAGE)) is not None:
            yield message

    def _next(self, most: int) -> dict[str, Any] | None:
        try:
            line = self._lines.readline(most)
        except ConnectionResetError:
            return None
        if len(line) == most:
            raise ProtocolError(f"a line has more than {most:,} bytes")
        return protocol.decode(line) if line.endswith(b"\n") else None

    def hang_up(self) -> None:
        """End the conversation, whoever is in the middle of reading or asking."""
        with suppress(OSError):  # it never was connected
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Hang up for good, when nobody reads any more."""
        self.hang_up()
        self._lines.close()
        self._socket.close()
