"""Counting a corpus of 100 MB: time and peak memory, in a fresh process each time.

The plain way would take many minutes for each figure. It counts the names once instead, and that
time is scaled to 100 MB, as if every example took the same. Its memory is not measured.

`python -m tests.benchmarks.large_corpus FILE N` is that process.
"""

import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from model.corpus import load
from model.devices import fit_threads
from model.ngrams import count
from tests.benchmarks import notebook
from tests.benchmarks.core import Row, alternate, duration, ratio, seconds_of, timed

SIZE = 100_000_000  # bytes
ROUNDS = 3


def rows(names: Path) -> Iterator[Row]:
    """Counting the names over and over, up to 100 MB."""
    data = names.read_bytes()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "large.txt"
        path.write_bytes(data * (SIZE // len(data)))
        scale = SIZE // len(data)
        for n in (2, 4, 5):
            peaks: list[int] = []

            def ours(n: int = n, peaks: list[int] = peaks) -> float:
                seconds, before, peak = _fresh_process(path, n)
                peaks.append(peak - before)
                return seconds

            seconds, sample = alternate(
                ours, timed(lambda n=n: notebook.count(data, n)), rounds=ROUNDS
            )
            yield Row(
                f"counting 100 MB, n={n}",
                duration(seconds),
                f"{duration(sample * scale)}, extrapolated from {len(data) / 1e6:.2f} MB",
                f"{ratio(sample * scale / seconds)}, extrapolated",
            )
            peak = median(peaks)
            yield Row(f"· memory at the peak, above that of the imports, n={n}", _mb(peak))


def _fresh_process(path: Path, n: int) -> tuple[float, int, int]:
    """Seconds, and bytes of memory before and at the peak."""
    command = [sys.executable, "-m", __name__, str(path), str(n)]
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, before, peak = result.stdout.split()
    return float(seconds), int(before), int(peak)


def _peak() -> int:
    """The most memory that this process has held so far, in bytes."""
    status = Path("/proc/self/status")
    if status.exists():
        # getrusage would count in, on Linux, what the parent held when it started this process.
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS


def _mb(size: float) -> str:
    return f"{size / 1e6:,.0f} MB"


if __name__ == "__main__":
    before = _peak()
    fit_threads(Path(sys.argv[1]).stat().st_size)
    seconds = seconds_of(lambda: count(load(sys.argv[1]), int(sys.argv[2])).N)
    print(seconds, before, _peak())
