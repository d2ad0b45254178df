"""What a thread is asked to do, by others."""

from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue

Command = Callable[[], None]


class Commands(SimpleQueue[Command]):
    """Commands, in their order."""

    def next(self, wait: float | None) -> Command:
        """The next one; raises Empty if none comes in so many seconds, None for any number."""
        # CPython's queue can wait forever for the first thing after it was found full, if the time
        # is up by then. Looking once without waiting is what it takes to put that right.
        with suppress(Empty):
            return self.get(block=False)
        return self.get(block=wait != 0, timeout=wait)

    def obey_all(self) -> None:
        """Do what is left, so that nobody waits for an answer for ever."""
        with suppress(Empty):
            while True:
                self.next(0)()
