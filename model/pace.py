"""How fast a run goes: how many steps at once, when, and how many a second that was."""

from __future__ import annotations

import time
from collections import deque

BREATH_SECONDS = 0.0005  # after a chunk of short steps, in which the screen's thread gets its turn
SHORT_STEP_SECONDS = 0.001  # of a step that is mostly Python, which lets no other thread in
CHUNK_SECONDS = 0.01  # at full speed; a pause waits for one chunk at most
PACED_CHUNK_SECONDS = 0.04
CHUNKS = (1, 2, 5, 10, 25, 50)
"""Steps in a chunk: few different numbers, since a GPU captures each of them once."""
WINDOW_SECONDS = 1.0
WAY_SECONDS = 0.03
"""In which a screen obeys a key and is painted."""
WAYS = 4
"""Way is given for one part in so many of the time, however fast the keys come."""


class Pace:
    """Chunks of steps that take a moment each, at a speed to watch or as fast as it goes."""

    def __init__(self, speed: float | None) -> None:
        """Go at so many steps a second at most; None for as fast as it goes."""
        self.speed = speed
        self.due = 0.0
        """When the next chunk is, by `time.perf_counter`."""
        self._next_way = 0.0
        self._seconds_per_step = CHUNK_SECONDS  # so that the first chunk is one step
        self._marks: deque[tuple[float, int]] = deque()

    def begin(self, step: int) -> None:
        """Measure from here, with so many steps done, on."""
        self.due = time.perf_counter()
        self._marks.clear()
        self._marks.append((self.due, step))

    def give_way(self) -> None:
        """Let other threads have the interpreter to themselves for a moment; from any thread.

        At a speed to watch they mostly have.
        """
        now = time.perf_counter()
        if self.speed is None and now >= self._next_way:
            self._next_way = now + WAYS * WAY_SECONDS
            self.due = now + WAY_SECONDS

    @property
    def short(self) -> bool:
        """Whether steps are so short that other threads need a breath between two chunks.

        In longer ones it is torch that computes, and meanwhile they have the interpreter.
        """
        return self._seconds_per_step < SHORT_STEP_SECONDS

    @property
    def chunk(self) -> int:
        """How many steps to do at once."""
        most = CHUNK_SECONDS / self._seconds_per_step
        if self.speed is not None:
            most = min(most, self.speed * PACED_CHUNK_SECONDS)
        return max(size for size in CHUNKS if size <= max(most, 1))

    def note(self, began: float, done: int) -> None:
        """Take notice of a chunk, and say when the next one is due."""
        now, speed = time.perf_counter(), self.speed
        if done:
            self._seconds_per_step = (now - began) / done
        # Counted from when this chunk was due, so that short delays do not add up.
        pause = done / speed if speed else 0
        self.due = max(self.due + pause, now - PACED_CHUNK_SECONDS)

    def measured(self, step: int) -> float | None:
        """Steps a second over the last second, with so many done by now; None too early to say."""
        now = time.perf_counter()
        self._marks.append((now, step))
        while len(self._marks) > 2 and now - self._marks[0][0] > WINDOW_SECONDS:
            self._marks.popleft()
        first, start = self._marks[0]
        return (step - start) / (now - first) if now > first else None
