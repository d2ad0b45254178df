"""How much memory counting may take, and what it will take: said before it starts."""

import ctypes
import math
import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

from model.alphabet import Alphabet, visible
from model.devices import size
from model.errors import MakemoreError
from model.trie import Ngrams

CONTROL_GROUP, GROUPS = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
"""Where all are, and which are this process's (Linux, "Control Group v2", section 5.2)."""
LIMITS = (
    ("memory.max", "memory.current", ""),
    ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_"),
)
"""What a group's limit and its use are called, and what is summed up, in versions 2 and 1."""
MMAP_THRESHOLD = -3
"""What `mallopt` calls the size from which a block has memory of its own."""
LARGE, LARGEST = 4 << 20, 32 << 20
"""Such a size, and the one that glibc comes to by itself."""
SHARE = 2
"""Counting may take one part in so many of the memory that is free."""
WORKING = 5
"""How many times the memory of all n-grams is needed while some of them are merged."""


@contextmanager
def returned_at_once() -> Generator[None]:
    """Large blocks go back to the system as soon as they are free; otherwise half may stay behind.

    It takes some time: so only for what may be more than there is. glibc alone can be told.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        yield
        return
    mallopt(MMAP_THRESHOLD, LARGE)
    try:
        yield
    finally:
        mallopt(MMAP_THRESHOLD, LARGEST)


def default_budget() -> int:
    """The bytes that counting may take where nobody says how many."""
    return _available() // SHARE


def most_bytes(n: int, examples: float) -> float:
    """What the n-grams of so many examples can take at most."""
    return examples * 8 * (n + 1)  # a code, a count, and a code at each level


def working_bytes(n: int) -> int:
    """What a thread needs for each token that it counts at a time, as measured for n up to 40."""
    return 64 + 12 * n


def all_bytes(n: int, alphabet: Alphabet) -> float:
    """What all n-grams of an alphabet take."""
    return most_bytes(n, float(len(alphabet)) ** n)


class Budget:
    """Memory for the n-grams of one corpus."""

    def __init__(self, name: str, most: int) -> None:
        """Some bytes for a corpus of that name."""
        self.name = name
        self.most = most

    def fits(self, stored: float) -> bool:
        """Whether n-grams that take so many bytes can be counted."""
        return stored * WORKING <= self.most

    def exceeded(self, n: int, need: str, lower: int | None = None) -> MakemoreError:
        """What to tell of an order n that does not fit, and of the largest lower one that does."""
        instead = "take a lower n" if lower is None else f"take -n {lower} or less"
        return MakemoreError(
            f"{visible(self.name)}: counting at n={n} takes {need} memory, and "
            f"{size(self.most)} may be used; {instead}, or allow more with --memory"
        )


def expected_bytes(half: Ngrams, whole: Ngrams, times: float) -> float:
    """The memory that the n-grams of a corpus will probably take.

    The number of distinct n-grams grows like a power of the length of the text (Heaps, 1978,
    "Information Retrieval"). The power falls as the text grows, so that this errs on the side of
    too much.

    Args:
        half: the n-grams of one half of a sample.
        whole: those of the whole sample.
        times: how many times longer than the sample the corpus is.
    """
    power = math.log2(max(1.0, whole.nbytes / half.nbytes))
    return min(whole.nbytes * times**power, all_bytes(whole.n, whole.alphabet))


def _available() -> int:
    """The bytes that programs can still have: those that only cache files included."""
    return int(min(_left_by_the_machine(), _left_by_the_container()))


def _left_by_the_machine() -> int:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration):  # not Linux
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2


def _left_by_the_container() -> float:
    """What the limits of this process's control groups leave; infinity without one."""
    return min((_left_by(group) for group in _groups()), default=math.inf)


def _groups() -> Iterator[Path]:
    """The control groups that the process is in, each of which may have a limit.

    A container sees its own as the root.
    """
    try:
        lines = GROUPS.read_text().splitlines()
    except OSError:  # not Linux
        return
    for line in lines:
        _, kinds, place = line.split(":", 2)
        root = CONTROL_GROUP / kinds  # of version 1, in which each kind has a tree of its own
        if kinds in ("", "memory"):
            own = root / place.lstrip("/")
            yield from (group for group in (own, *own.parents) if group.is_relative_to(root))


def _left_by(group: Path) -> float:
    for most, used, total in LIMITS:
        try:
            limit, taken = (int((group / name).read_text()) for name in (most, used))
            lines = (group / "memory.stat").read_text().splitlines()
            kinds = {name: int(size) for name, size in map(str.split, lines)}
        except (OSError, ValueError):  # another version, or "max"
            continue
        cached = (kinds.get(f"{total}{name}_file", 0) for name in ("active", "inactive"))
        return max(0, limit - taken + sum(cached))
    return math.inf
