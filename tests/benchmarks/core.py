"""What the benchmarks share: turns by turns, medians, the table, the machine."""

import os
import platform
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

import torch

from model import devices

DEFAULT_THREADS = torch.get_num_threads()  # before a Trainer chooses another number

Turn = Callable[[], float]
"""Does one side's work, and returns the seconds that one piece of it took."""


@dataclass(frozen=True)
class Row:
    """One line of the table. A cell that was not measured holds a dash."""

    what: str
    ours: str
    plain: str = "-"
    ratio: str = "-"
    goal: str = ""


def alternate(*turns: Turn, rounds: int) -> list[float]:
    """The median seconds of each turn.

    The turns alternate, so that what else the machine is doing falls on all of them. A round
    before the first is not counted: it warms up caches, allocators and clocks.
    """
    seconds = [[turn() for turn in turns] for _ in range(1 + rounds)][1:]
    return [median(column) for column in zip(*seconds, strict=True)]


def timed(work: Callable[[], object], calls: int = 1, threads: int = DEFAULT_THREADS) -> Turn:
    """A turn of several calls, each timed by itself, on so many of torch's threads."""

    def turn() -> float:
        with torch_threads(threads):
            return median(seconds_of(work) for _ in range(calls))

    return turn


def seconds_of(work: Callable[[], object]) -> float:
    """How long one call takes, with what it asked of the GPU."""
    began = perf_counter()
    work()
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()
    return perf_counter() - began


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Another number of torch's CPU threads for a while."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def fitting_threads(elements: int) -> int:
    """How many of torch's threads the product takes for tensors of this size."""
    with torch_threads(DEFAULT_THREADS):
        devices.fit_threads(elements)
        return torch.get_num_threads()


def faster(what: str, ours: float, plain: float, goal: int | None = None) -> Row:
    """The row of two durations in seconds. `goal` is the least ratio to reach."""
    goal_text = f"at least {goal:,}" if goal else ""
    return Row(what, duration(ours), duration(plain), ratio(plain / ours), goal_text)


def ratio(value: float) -> str:
    """Such as "1,234", "56.7" or "1.23"."""
    return f"{value:,.{0 if value >= 100 else 1 if value >= 10 else 2}f}"


def duration(seconds: float) -> str:
    """Such as "1.23 s", "45.6 ms" or "789 µs"."""
    units = (("s", 1), ("ms", 1e-3), ("µs", 1e-6))
    unit, size = next((pair for pair in units if seconds >= pair[1]), units[-1])
    number = seconds / size
    return f"{number:,.{0 if number >= 100 else 1 if number >= 10 else 2}f} {unit}"


def table(rows: Iterable[Row]) -> str:
    """The rows in Markdown."""
    head = Row("benchmark", "ours", "the plain way", "ratio", "goal")
    rule = Row("---", "--:", "--:", "--:", "---")
    lines = (
        f"| {row.what} | {row.ours} | {row.plain} | {row.ratio} | {row.goal} |"
        for row in (head, rule, *rows)
    )
    return "\n".join(lines)


def machine() -> str:
    """What the figures were measured on, in one line."""
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no CUDA GPU"
    return (
        f"{_cpu()}, {os.cpu_count()} cores (load {os.getloadavg()[0]:.1f}), {gpu}; "
        f"{platform.system()} {platform.release()}; "
        f"Python {platform.python_version()}, torch {torch.__version__}"
    )


def _cpu() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())
