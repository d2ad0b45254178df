"""Processes that train runs: `makemore train` here and there, and none of them left behind."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from command_line import ROOT, WORDS, Result, process
from viewers import CORPUS, wait_until

from model import runs
from model.runs import Run
from model.training import Trainer

MAKEMORE = [sys.executable, "-m", "model"]
ENDLESS = ["--recipe", "converge", "--steps", "10000000", "--device", "cpu"]
SECONDS = 5
"""The most that an ending may take."""
SLOWNESS = 4
"""Of a loaded machine, against one that has nothing else to do."""


def only_run(root: Path) -> Run | None:
    found = runs.all_runs(root)
    assert len(found) < 2
    return found[0] if found else None


def stored(run: Run) -> dict[str, Any]:
    """What status.json holds, which says more than a reader needs."""
    with suppress(OSError):
        return json.loads((run.folder / "status.json").read_text())
    return {}


def until_step(root: Path, step: int = 1) -> Run:
    """Wait until the one run is known to have come that far."""

    def there() -> Run | None:
        run = only_run(root)
        return run if run and run.status.step >= step else None

    return wait_until(there, f"step {step}")


def lives(number: int) -> bool:
    """Whether there is such a process, be it a zombie."""
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return True


@contextmanager
def foreground(root: Path, *options: str, **how: Any) -> Iterator[subprocess.Popen[bytes]]:
    """`makemore train` of a few words that never ends; killed if it has not ended."""
    command = [*MAKEMORE, "train", str(words_file(root)), "--runs", str(root), *options]
    with run_process(command, **how) as running:
        yield running


@contextmanager
def run_process(command: list[str], **how: Any) -> Iterator[subprocess.Popen[bytes]]:
    pipes = {name: subprocess.PIPE for name in ("stdout", "stderr") if name not in how}
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    running = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, **pipes, **how
    )
    try:
        yield running
    finally:
        running.kill()
        running.communicate()


def words_file(root: Path) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    path = root.parent / f"{root.name}.txt"
    path.write_bytes(WORDS)
    return path


def ends(running: subprocess.Popen[bytes]) -> int:
    """Its exit status, as a shell has it."""
    status = running.wait(SECONDS * SLOWNESS)
    return 128 - status if status < 0 else status


def detach(root: Path, *options: str) -> Result:
    words = str(words_file(root))
    return process("train", words, "--runs", str(root), "--detach", *(options or ENDLESS))


@contextmanager
def no_orphans(root: Path) -> Iterator[Path]:
    """A directory of runs, of which none is trained any more in the end."""
    try:
        yield root
    finally:
        for run in runs.all_runs(root):
            if run.live and (number := stored(run).get("process", 0)) > 1:
                with suppress(ProcessLookupError):
                    os.kill(number, signal.SIGKILL)
                wait_until(lambda run=run: not run.live, "the end of a trainer")


def check_that_it_goes_on_as_if_undisturbed(run: Run, root: Path, steps: int = 50) -> None:
    """The next steps of a run are those of one that was never ended."""
    from viewers import restored

    start = stored(run)["step"]
    assert [path.name for path in run.checkpoints[:1]] == [f"step-{start:08}.safetensors"]
    trainer = Trainer(CORPUS, run.recipe)
    while trainer.step < start + steps:
        trainer.advance(start + steps - trainer.step)
    with restored(run) as session:
        assert session.snapshot.step == start
        for _ in range(steps):
            session.step()
        trained = session.trained().result(60)
        assert trained.step == start + steps
        assert trained.network.W.equal(trainer.network.W)
        assert session.snapshot.losses[: trained.step].equal(trainer.losses[: trained.step])
