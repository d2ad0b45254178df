"""A run that is handed over to a process of its own, and what the program says when it ends."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from runs_on_disk import attached, here, kill_trainers, only_run, told
from terminal import PROGRAM, terminal
from workbench import ENDLESS, remember, workbench

from model.session import Phase


@pytest.fixture
def _no_process_left() -> Iterator[None]:
    """What is detached ends with the test."""
    yield
    kill_trainers()


async def test_a_run_is_detached_and_attached_to(words_file: Path, _no_process_left):
    async with workbench(words_file, recipe=ENDLESS) as bench:
        await bench.press("space", "2")
        await bench.steps(3)
        speed = bench.app.session.speed
        await bench.press("D")
        await attached(bench)
        run = only_run()
        await bench.until(lambda: bench.app.snapshot.process not in (0, os.getpid()))
        process = bench.app.snapshot.process
        assert run.live
        assert told(bench, f"goes on in process {process}")
        assert told(bench, f"makemore attach {run.id}")
        step = bench.app.session.snapshot.step
        await bench.steps(step + 5)
        await bench.until(lambda: bench.app.session.speed == speed)
        await bench.press("D")
        await bench.until(lambda: told(bench, "already"))
        os.kill(process, signal.SIGKILL)
        await here(bench)
        await bench.phase(Phase.PAUSED)
        assert told(bench, f"Process {process}, which trained {run.name}, is gone")
        step = bench.app.session.snapshot.step
        await bench.press("space")
        await bench.steps(step + 1)


async def test_a_paused_run_stays_paused_when_it_is_detached(words_file: Path, _no_process_left):
    async with workbench(words_file, recipe=ENDLESS) as bench:
        await bench.press("s", "s", "s")
        await bench.phase(Phase.PAUSED)
        await bench.until(lambda: bench.app.snapshot.step == 3)
        await bench.press("D")
        await attached(bench)
        await bench.phase(Phase.PAUSED)
        assert bench.app.session.snapshot.step == 3
        await bench.press("x")
        await here(bench)
        assert not told(bench, "is gone")
        assert not only_run().live or bench.app.local.snapshot.folder == only_run().folder


async def test_a_run_that_cannot_be_detached_is_taken_back(
    words_file: Path, monkeypatch: pytest.MonkeyPatch
):
    async with workbench(words_file, recipe=ENDLESS) as bench:
        await bench.press("space")
        await bench.steps(3)
        monkeypatch.setattr(sys, "executable", "/nowhere/python")
        step = bench.app.session.snapshot.step
        await bench.press("D")
        note = await bench.notification()
        assert note.severity == "error"
        assert "\n" not in note.message
        await here(bench)
        await bench.phase(Phase.RUNNING)
        await bench.steps(step + 1)
        assert bench.app.session.snapshot.folder == only_run().folder


async def test_without_a_run_there_is_nothing_to_detach(words_file: Path):
    async with workbench(words_file) as bench:
        await bench.press("D")
        assert "space starts one" in (await bench.notification()).message
        await bench.press("r")
        await bench.phase(Phase.PAUSED)
        await bench.press("D")
        assert "space starts one" in (await bench.notification(2)).message
        await bench.train()
        await bench.press("D")
        assert "space starts one" in (await bench.notification(3)).message


# The program


def test_the_program_says_what_becomes_of_the_run_and_opens_it_again(words_file: Path):
    remember(ENDLESS)
    with terminal(*PROGRAM, str(words_file)) as one:
        one.until(r"floor +\d\.\d{4}")
        one.press(" ")
        one.until("running")
        one.press("q")
        assert one.ends() == 0
        run = only_run()
        one.until(
            rf"{run.id} is saved at step [\d,]+; `makemore-tui --run {run.id}` goes on with it"
        )
    with terminal(*PROGRAM, "--run", run.name) as one:
        one.until("paused")
        one.until(rf"{run.status.step:,}/1,000,000")
        one.press("q")
        assert one.ends() == 0
    with terminal(*PROGRAM, "--run", "nosuch") as one:
        assert one.ends() == 1
        assert "no run is called 'nosuch'" in one.text
    with terminal(*PROGRAM, "--run", run.name, str(words_file)) as one:
        assert one.ends() == 2
        assert "its own corpus" in one.text
    with terminal(*PROGRAM, "--runs", str(words_file.parent / "other"), "--run", run.name) as one:
        assert one.ends() == 1
