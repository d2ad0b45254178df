"""The losses of a run that goes on elsewhere, read from its folder as they are written."""

from __future__ import annotations

import os
from array import array
from pathlib import Path
from typing import BinaryIO

import torch
from torch import Tensor

from model.files import open_file
from model.history import HEAD

BYTES_AT_ONCE = 1 << 16
"""That are parsed at once: whoever wants the interpreter meanwhile waits for a millisecond."""

MARGIN = 256  # bytes: the last lines, by which a history is known again


class HistoryTail:
    """A history that grows, each line of which is read once."""

    def __init__(self, path: Path, most: int) -> None:
        """Begin at the head of a history, of which up to `most` steps are read."""
        self._path, self._most = path, most
        self.gone = False
        """Whether there is no history that can be read."""
        self.torn = False
        """Whether the last of it is not the whole line of the next step, as while it is written."""
        self._clear()

    def _clear(self) -> None:
        self._losses = array("f")
        self._size = 0
        """Bytes that have been read."""
        self._last = b""
        """The last of them: a history that goes on still has them there."""
        self._tensor = torch.empty(0)

    def read(self) -> Tensor:
        """The loss of every step, as far as it is whole. (steps,)"""
        try:
            file = os.fdopen(open_file(self._path, os.O_RDONLY), "rb")
        except (OSError, ValueError):
            self._clear()
            self.gone, self.torn = True, False
            return self._tensor
        self.gone = False
        with file:
            file.seek(self._size - len(self._last))
            if file.read(len(self._last)) != self._last:  # the run has gone back
                self._clear()
                file.seek(0)
            self._read_on(file)
        if len(self._losses) > len(self._tensor):
            self._tensor = torch.frombuffer(self._losses, dtype=torch.float32).clone()
        return self._tensor

    def _read_on(self, file: BinaryIO) -> None:
        if not self._size and file.read(len(HEAD)) == HEAD:
            self._size, self._last = len(HEAD), HEAD
        file.seek(self._size)
        while chunk := file.read(BYTES_AT_ONCE):
            lines = chunk[: chunk.rfind(b"\n") + 1]
            if not self._take(lines):
                for line in lines.splitlines(keepends=True):
                    if not self._take(line):
                        break
                break
            file.seek(self._size)
        self.torn = self._size < file.seek(0, os.SEEK_END)

    def _take(self, lines: bytes) -> bool:
        """Take whole lines if they are those of the next steps: all, or none."""
        fields, first = lines.split(), len(self._losses)
        count = lines.count(b"\n")
        if not 0 < len(fields) == 3 * count or first + count > self._most:
            return False
        try:
            if list(map(int, fields[::3])) != list(range(first, first + count)):
                return False
            self._losses.extend(array("f", map(float, fields[2::3])))
        except (ValueError, OverflowError):
            return False
        self._size += len(lines)
        self._last = lines[-MARGIN:]
        return True
