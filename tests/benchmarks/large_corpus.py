"""Counting a file of 100 MB as a stream: time and peak memory, in a fresh process each time.

Time begins when the imports are done; memory is that of the whole process. The plain way would take
many minutes for each figure. It counts the names once instead, and that time is scaled to 100 MB,
as if every example took the same. Its memory is not measured. Where KenLM's `lmplz` is installed,
it counts and estimates the same file, a blank between any two characters.

`python -m tests.benchmarks.large_corpus FILE N` is that process.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from model.corpus import opened
from model.stream import count_stream
from tests.benchmarks import notebook
from tests.benchmarks.core import Row, alternate, duration, ratio, seconds_of, timed

SIZE = 100_000_000  # bytes
GOALS = {2: 0.5, 4: 1.0, 5: 2.5}  # seconds on four cores, for each n
MOST_MEMORY = 700_000_000
ROUNDS = 3

LONG_SIZE = int(float(os.environ.get("MAKEMORE_LONG_GB", "10")) * 1e9)
LONG_ORDERS = (5, 8)


def rows(names: Path) -> Iterator[Row]:
    """Counting the names over and over, up to 100 MB."""
    data = names.read_bytes()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "large.txt"
        scale = _write(path, data, SIZE)
        for n, goal in GOALS.items():
            peaks: list[int] = []

            def ours(n: int = n, peaks: list[int] = peaks) -> float:
                seconds, peak = _fresh_process(path, n)
                peaks.append(peak)
                return seconds

            seconds, sample = alternate(
                ours, timed(lambda n=n: notebook.count(data, n)), rounds=ROUNDS
            )
            yield Row(
                f"counting 100 MB, n={n}",
                duration(seconds),
                f"{duration(sample * scale)}, extrapolated from {len(data) / 1e6:.2f} MB",
                f"{ratio(sample * scale / seconds)}, extrapolated",
                f"at most {goal:.1f} s",
            )
            peak = f"at most {_mb(MOST_MEMORY)}"
            yield Row(f"· memory at the peak, n={n}", _mb(median(peaks)), goal=peak)
            yield _lmplz(path, n)


def long_rows(names: Path) -> Iterator[Row]:
    """Counting 10 GB, or $MAKEMORE_LONG_GB, beside a tenth of it: the memory stays the same."""
    data = names.read_bytes()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "large.txt"
        for size in (LONG_SIZE // 10, LONG_SIZE):
            _write(path, data, size)
            for n in LONG_ORDERS:
                seconds, peak = _fresh_process(path, n)
                what = f"counting {size / 1e9:g} GB, n={n}"
                yield Row(what, f"{duration(seconds)}, {size / seconds / 1e6:,.0f} MB/s")
                yield Row(f"· memory at the peak, {what}", _mb(peak))


def _write(path: Path, data: bytes, size: int) -> int:
    """Repeat lines up to a size; how many times."""
    data = data if data.endswith(b"\n") else data + b"\n"
    with path.open("wb") as file:
        for _ in range(size // len(data)):
            file.write(data)
    return size // len(data)


def _fresh_process(path: Path, n: int) -> tuple[float, int]:
    """Seconds, and bytes of memory at the peak."""
    command = [sys.executable, "-m", __name__, str(path), str(n)]
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, peak = result.stdout.split()
    return float(seconds), int(peak)


def _lmplz(path: Path, n: int) -> Row:
    """What KenLM takes for the same, its estimation included."""
    what = f"· KenLM's lmplz, n={n}"
    program = shutil.which("lmplz")
    if program is None:
        return Row(what, "not installed")
    spaced = path.with_suffix(".spaced")
    if not spaced.exists():
        with path.open() as lines, spaced.open("w") as file:
            file.writelines(" ".join(line) for line in lines)
    command = [program, "-o", str(n), "--discount_fallback", "-S", "50%", "-T", str(path.parent)]

    def run() -> None:
        with spaced.open("rb") as words:
            subprocess.run(
                command,
                stdin=words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True,
            )  # fmt: skip

    return Row(what, "-", duration(seconds_of(run)))


def _peak() -> int:
    """The most memory that this process has held so far, in bytes."""
    # On Linux, getrusage would count in what the parent held when it started this process.
    status = Path("/proc/self/status")
    if status.exists():
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS


def _mb(size: float) -> str:
    return f"{size / 1e6:,.0f} MB"


def _count(path: str, n: int) -> None:
    with opened(path) as source:
        count_stream(source, n)


if __name__ == "__main__":
    print(seconds_of(lambda: _count(sys.argv[1], int(sys.argv[2]))), _peak())
