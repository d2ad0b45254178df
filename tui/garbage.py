"""When garbage is collected: never all of it in mid-picture, and never what was imported."""

from __future__ import annotations

import gc
import sys
import time
from importlib import import_module

QUIET_SECONDS = 0.04
"""Since the last key, until all is searched: what the key changed is painted by then."""
GLANCE_SECONDS = 0.3
"""From one glance at whether that is due to the next."""
DUE = 10
"""Collections of young garbage before one of all of it: as many as in any program."""
LATE = 30
"""The same where it was never quiet."""


def import_aside(*modules: str) -> None:
    """Import what takes a moment, and leave it out of every search for garbage from then on.

    It never becomes garbage. To look through it again and again stops all threads, the one that
    obeys the keys among them, for a tenth of a second each time.
    """
    if all(module in sys.modules for module in modules):
        return
    gc.disable()
    try:
        for module in modules:
            import_module(module)
    finally:
        gc.freeze()
        gc.enable()


class Collector:
    """Collects all garbage where nobody types: that stops every thread for some 20 ms."""

    def __init__(self) -> None:
        self._key_at = 0.0

    def begin(self) -> None:
        """Collect garbage from now on; Python by itself, but all of it only where it is late."""
        gc.set_threshold(*gc.get_threshold()[:2], LATE)
        gc.enable()

    def note_key(self) -> None:
        """A key was pressed, and a picture is to follow."""
        self._key_at = time.monotonic()

    def glance(self) -> None:
        """Collect all garbage if that is due and it is quiet."""
        quiet = time.monotonic() - self._key_at >= QUIET_SECONDS
        if quiet and gc.get_count()[2] >= DUE:
            gc.collect()
