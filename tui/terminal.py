"""The terminal under Textual's hands, for when Textual itself cannot act."""

from __future__ import annotations

import codecs
import os
import select
import signal
import termios
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from textual.drivers import linux_driver

KEYS, SCREEN = 0, 2
"""The files from which Textual reads, and on which it paints."""
LEAVE = (
    b"\x1b[?2026l"  # a frame that was cut short
    b"\x1b[?2004l\x1b[?2048l\x1b[?7h"  # bracketed paste, reports of the size, wrapping
    b"\x1b[?1000l\x1b[?1003l\x1b[?1006l\x1b[?1015l\x1b[?1016l\x1b[?1004l"  # the mouse, the focus
    b"\x1b[<u\x1b[?1049l\x1b[?25h"  # the keyboard protocol, the other screen, the cursor
)
FLUSHES = 10
FLUSH_SECONDS = 0.05

Attributes = list[Any]


def decode_keys_in(encoding: str) -> None:
    """Let Textual read keys in an encoding, and go on where it would crash at what is wrong."""
    kind = codecs.getincrementaldecoder("utf-8" if encoding == "ascii" else encoding)

    def forgiving(_: str) -> Callable[[], codecs.IncrementalDecoder]:
        return partial(kind, errors="replace")

    setattr(linux_driver, "getincrementaldecoder", forgiving)  # noqa: B010


def attributes() -> Attributes | None:
    """How the terminal treats keys and output; None where it is gone."""
    try:
        return termios.tcgetattr(KEYS)
    except termios.error:
        return None


def in_foreground() -> bool:
    """Whether the shell lets this program, and not another, use the terminal."""
    try:
        return os.tcgetpgrp(KEYS) == os.getpgrp()
    except OSError:  # no shell's, or gone
        return True


def restore(before: Attributes | None) -> None:
    """Leave the terminal as it was, without ever waiting for it.

    What still waits to be painted goes nowhere, and what nobody has read yet is dropped, so that a
    stalled terminal has room for these last sequences.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})  # in the background it would stop us
    with suppress(OSError, termios.error):
        if before is not None and in_foreground():
            termios.tcsetattr(KEYS, termios.TCSANOW, before)
            termios.tcflush(KEYS, termios.TCIFLUSH)  # no shell is to read what the mouse did
        terminal = os.dup(SCREEN)
        _put(os.open(os.devnull, os.O_WRONLY), SCREEN)
        for _ in range(FLUSHES):
            termios.tcflush(terminal, termios.TCOFLUSH)
            termios.tcflow(terminal, termios.TCOOFF)
            termios.tcflow(terminal, termios.TCOON)  # wakes who waits for room, unlike the flush
            if select.select([], [terminal], [], FLUSH_SECONDS)[1]:
                os.write(terminal, LEAVE)
                return


def wait_for_hangup() -> bool:
    """Wait, without using the processor, until the terminal is gone; False if none can be told."""
    poll = select.poll()
    poll.register(KEYS, 0)  # a hang-up is reported unasked
    return any(events & (select.POLLHUP | select.POLLERR) for _, events in poll.poll())


def replace_by_silence() -> None:
    """Put a terminal in the place of the one that is gone which takes all and says nothing.

    At the end of its file Textual would read again and again, and its writing would fail.
    """
    silence, breaker = os.pipe()  # which stays open
    os.write(breaker, b"\0")  # for a read that is under way, and would never end
    _put(silence, KEYS)
    _put(os.open(os.devnull, os.O_WRONLY), SCREEN)


def _put(file: int, place: int) -> None:
    os.dup2(file, place)
    os.close(file)
