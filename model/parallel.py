"""Work on all cores: torch's operations let other threads of Python run meanwhile."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import Generic, TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")
Part = TypeVar("Part")

WAITING = 2  # items for each thread, so that none waits for the next one to be read


def cores() -> int:
    """How many this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # which macOS has not
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def in_order(
    work: Callable[[Item], Result], items: Iterable[Item], threads: int
) -> Iterator[Result]:
    """The results of `work` for each item, in the order of the items.

    The items are taken in the thread that asks, only so far ahead that all threads have work.
    Whatever is raised, here or there, has let go of all threads when it arrives.
    """
    if threads == 1:
        yield from map(work, items)
        return
    # Every thread is one of ours: torch shall start no others.
    with ThreadPoolExecutor(threads, "count", torch.set_num_threads, (1,)) as pool:
        pending: deque[Future[Result]] = deque()
        try:
            for item in items:
                pending.append(pool.submit(work, item))
                if len(pending) > WAITING * threads:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()


class Pool(Generic[Part]):
    """Parts of a whole, which several threads add and merge.

    Each part that is kept is more than twice as large as the next: parts that have much in common
    take little more memory than their whole, and each is merged a few times only.
    """

    def __init__(self, merge: Callable[[Part, Part], Part], size: Callable[[Part], int]) -> None:
        self._merge = merge
        self._size = size
        self._parts: list[Part] = []  # the largest first
        self._lock = Lock()

    @property
    def size(self) -> int:
        """Of all parts that are kept."""
        with self._lock:
            return sum(map(self._size, self._parts))

    def clear(self) -> None:
        """Keep none."""
        with self._lock:
            self._parts.clear()

    def add(self, part: Part) -> None:
        """Merge a part with those that are no larger than twice its size, and keep it."""
        while (other := self._partner(part)) is not None:
            part = self._merge(other, part)

    def total(self) -> Part | None:
        """All parts in one; None if none was added. To be called when no thread adds any more."""
        while len(self._parts) > 1:
            self._parts.append(self._merge(self._parts.pop(), self._parts.pop()))
        return self._parts[0] if self._parts else None

    def _partner(self, part: Part) -> Part | None:
        """A part to merge with that one, which is kept if there is none."""
        with self._lock:
            if self._parts and self._size(self._parts[-1]) <= 2 * self._size(part):
                return self._parts.pop()
            self._parts.append(part)
            return None
