"""Signals: how the program ends before its time, and how it is suspended.

Nothing is done in a signal handler, which may interrupt anything. Python writes the number of each
signal into a pipe, even while the main thread is blocked; one thread reads it and acts.
"""

from __future__ import annotations

import asyncio
import os
import select
import signal
import time
from functools import partial
from threading import Lock, Thread
from typing import TYPE_CHECKING

from tui import terminal

if TYPE_CHECKING:
    from tui.app import MakemoreApp

ENDING = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
IMPATIENCE = (signal.SIGINT, signal.SIGTERM)
"""What ends all patience; shells pass a hang-up on that the program knows of already."""
PATIENCE = 1.5
"""Seconds that the app has to end in its own way, once its session has ended."""
FOREGROUND_SECONDS = 0.05
"""Between two looks whether the terminal is ours again."""


class Signals:
    """Ends the program with 128 + n at signal n, whatever else it is doing; suspends it.

    To be made in the main thread, before anything that takes time.
    """

    def __init__(self) -> None:
        self._app: MakemoreApp | None = None
        self._status = 0
        """What the program ends with, as soon as it has to."""
        self._before: terminal.Attributes | None = None
        self._taken = False
        """Whether the app has the terminal, and nobody has given it back."""
        self._lock = Lock()
        """Over `_status` and `_taken`: the terminal is not taken by a program that ends."""
        self._numbers, self._wakeup = os.pipe()
        os.set_blocking(self._wakeup, False)
        signal.set_wakeup_fd(self._wakeup, warn_on_full_buffer=False)
        self._at_stop = signal.getsignal(signal.SIGTSTP)
        for number in ENDING:
            if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup leaves it
                _watch(number)
        Thread(target=self._obey, name="signals", daemon=True).start()

    def run(self, app: MakemoreApp) -> int:
        """Run the app in the terminal; the exit status."""
        self._app = app
        Thread(target=self._obey_hangup, name="hang-up", daemon=True).start()
        self._take_terminal()
        self._before = terminal.attributes()
        app.call_later(self._take_over)
        asyncio.run(self._run(app))
        app.local.join()
        return self._status or app.return_code or 0

    # What follows runs in threads of its own.

    def _obey(self) -> None:
        while True:
            number = self._next()
            if number in ENDING:
                self._end(number)
            elif self._app is not None and number == signal.SIGTSTP:
                self._app.call_later(self._suspend, self._app)
            elif self._app is not None and number == signal.SIGCONT:
                self._app.call_later(self._come_back, self._app)

    def _obey_hangup(self) -> None:
        if terminal.wait_for_hangup():
            terminal.replace_by_silence()
            os.write(self._wakeup, bytes([signal.SIGHUP]))

    def _next(self) -> int:
        return os.read(self._numbers, 1)[0]

    def _end(self, number: int) -> None:
        """Let the app end in its own way; if it does not, end without it."""
        with self._lock:
            self._status = 128 + number
            politely = self._taken and terminal.in_foreground()
        try:
            if self._app is not None:
                if politely:
                    # Not at once: an app that exits while it is still being composed fails.
                    exit = partial(self._app.exit, return_code=self._status)
                    self._app.call_later(self._app.call_after_refresh, exit)
                self._app.session.close()
                self._app.local.close()
                self._app.local.join()
            if politely:
                self._wait()
        finally:
            with self._lock:
                if self._taken:
                    terminal.restore(self._before)
                os._exit(self._status)

    def _wait(self) -> None:
        """Be patient, unless there is another signal."""
        end = time.monotonic() + PATIENCE
        while (left := end - time.monotonic()) > 0:
            if select.select([self._numbers], [], [], left)[0] and self._next() in IMPATIENCE:
                return

    # What follows runs in the main thread.

    async def _run(self, app: MakemoreApp) -> None:
        await app.run_async()
        with self._lock:  # before asyncio waits for the app's workers, of which one may hang
            self._taken = False

    def _take_over(self) -> None:
        """Put these in the place of Textual's handlers.

        Those write to the terminal wherever the main thread is interrupted, and set up the terminal
        a second time at a SIGCONT that follows no suspension, as the one that comes with SIGHUP.
        """
        _watch(signal.SIGTSTP)
        _watch(signal.SIGCONT)

    def _take_terminal(self) -> None:
        """Wait until the shell gives us the terminal; in a program that ends, for ever."""
        while True:
            with self._lock:
                if not self._status and terminal.in_foreground():
                    self._taken = True
                    return
            time.sleep(FOREGROUND_SECONDS)  # a shell that gives the terminal sends no signal

    def _suspend(self, app: MakemoreApp) -> None:
        """Give the terminal back and stop, until it is ours again.

        With `bg`, only the screen waits: the training goes on.
        """
        with app.suspend():
            with self._lock:
                self._taken = False
            signal.signal(signal.SIGTSTP, self._at_stop)
            signal.signal(signal.SIGCONT, signal.SIG_DFL)
            # All processes of the job stop, as if the terminal had sent the signal; none does
            # where no shell is there to let them go on.
            os.kill(0, signal.SIGTSTP)
            self._take_over()
            self._take_terminal()

    def _come_back(self, app: MakemoreApp) -> None:
        """Set the terminal up anew, after a stop that left no time to give it back."""
        while not self._status and not terminal.in_foreground():
            time.sleep(FOREGROUND_SECONDS)  # as above
        if not self._status:  # a hang-up comes with SIGCONT
            with app.suspend():
                pass


def _watch(number: int) -> None:
    """Have the number of a signal written to the pipe, and nothing else."""
    signal.signal(number, _nothing)


def _nothing(_number: int, _frame: object) -> None: ...
