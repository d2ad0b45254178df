"""A training process that is killed at random moments, again and again, and loses nothing."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from command_line import ROOT
from running import CORPUS, QUICK, alone, history_of

from model import runs
from model.checkpoints import Checkpoint
from model.history import read_history
from model.run_writer import KEPT
from model.runs import Run
from model.session import Phase

KILLS, LIVES = 50, 4
"""So many kills in each of so many runs, which share the processors: 200 in all."""
RECIPE = QUICK.with_(steps=20_000)
MOST_CHANGES = 70
PATIENCE_SECONDS = 60


class Trainee:
    """The process that trains a run, or a dead one."""

    def __init__(self, forks: subprocess.Popen[str]) -> None:
        self._forks = forks

    def ask(self, command: str) -> int:
        assert self._forks.stdin
        assert self._forks.stdout
        self._forks.stdin.write(f"{command}\n")
        self._forks.stdin.flush()
        return int(self._forks.stdout.readline())


@contextmanager
def trainee(run: Run) -> Iterator[Trainee]:
    forks = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("forking.py")), str(run.folder)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with forks:
        yield Trainee(forks)
        assert forks.stdin
        forks.stdin.close()


def state_of(folder: Path) -> list[tuple[str, int, int]]:
    """What changes in a folder whenever something is written into it."""
    found: list[tuple[str, int, int]] = []
    for entry in os.scandir(folder):
        try:
            status = entry.stat()
        except FileNotFoundError:  # renamed in this moment
            continue
        found.append((entry.name, status.st_size, status.st_mtime_ns))
    return sorted(found)


def kill_amid_writes(process: int, folder: Path, changes: int) -> None:
    """Kill a process as soon as so many changes have been seen in a folder."""
    until = time.monotonic() + PATIENCE_SECONDS
    before = state_of(folder)
    while changes:
        assert time.monotonic() < until, "nothing is written"
        if (now := state_of(folder)) != before:
            before, changes = now, changes - 1
    os.kill(process, signal.SIGKILL)


def check(run: Run, losses: torch.Tensor) -> int:
    """That all is there that a killed process may leave; the step of the last checkpoint."""
    steps = [Checkpoint.of(path.read_bytes()).step for path in run.checkpoints]
    names = [f"step-{step:08}.safetensors" for step in steps]
    assert names == [path.name for path in run.checkpoints]
    assert steps == sorted(set(steps), reverse=True)
    assert len(steps) <= KEPT + 1  # the next one is there before the last one is pruned
    history, _ = read_history(run.folder / "history.tsv", RECIPE.steps)
    assert torch.equal(history, losses[: len(history)])
    text = run.folder.joinpath("history.tsv").read_bytes() if steps else b""
    assert text.count(b"\n") == len(history) + 1 or not steps, "a line that is none"
    last = steps[0] if steps else 0
    assert len(history) >= last
    reports = run.reports()
    assert [report.step for report in reports] == [
        step for step in range(0, RECIPE.steps, 50) if not reports or step <= reports[-1].step
    ][: len(reports)]
    assert len(reports) >= (last + 49) // 50
    assert Run.open(run.folder) == run
    if (run.folder / "status.json").exists():
        json.loads((run.folder / "status.json").read_bytes())
    assert run.status.phase in (Phase.INTERRUPTED, Phase.IDLE)
    assert not run.live
    assert len(list(run.folder.glob("*.tmp"))) <= 1
    return last


@pytest.mark.parametrize("seed", range(LIVES))
def test_a_process_that_is_killed_fifty_times_loses_nothing(seed: int, tmp_path: Path):
    moments, torn, step = random.Random(seed), 0, 0
    run = runs.create(tmp_path / "runs", CORPUS, RECIPE)
    losses, reports = alone(RECIPE)
    with trainee(run) as forks:
        for _ in range(KILLS):
            process = forks.ask("train")
            kill_amid_writes(process, run.folder, moments.randrange(MOST_CHANGES))
            assert forks.ask("wait") == -signal.SIGKILL
            before, step = step, check(run, losses)
            assert step >= before
            torn += bool(list(run.folder.glob("*.tmp")))
        assert 0 < step < RECIPE.steps
        forks.ask("train")
        assert forks.ask("wait") == 0
    assert torn, "no kill came amid a write"
    history = history_of(run)
    assert [step for step, _, _ in history] == list(range(RECIPE.steps))
    assert torch.equal(torch.tensor([loss for _, _, loss in history]), losses)
    assert run.reports() == reports
    assert run.status.phase is Phase.FINISHED
    kept = {path.name for path in run.folder.iterdir()}
    assert len(kept) == KEPT + len({"run.json", "words.txt", "status.json", "lock", "history.tsv",
                                    "reports.jsonl"}), kept  # fmt: skip
