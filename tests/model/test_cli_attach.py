"""`makemore attach`: a run of another process, followed and steered line by line."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from command_line import ROOT, Makemore, process
from trainers import MAKEMORE, SECONDS, SLOWNESS, run_process
from viewers import PATIENCE, long_run, obeyed, restored, training, wait_until

from model import runs
from model.attaching import COMMANDS
from model.protocol import MOST_SAMPLES
from model.runs import Run, resume_command
from model.session import Phase
from model.training_session import TrainingSession


class Attached:
    """`makemore attach`, and what it has said."""

    def __init__(self, root: Path, *options: str) -> None:
        self.process = subprocess.Popen(
            [*MAKEMORE, "attach", "--runs", str(root), *options],
            cwd=ROOT,
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if "--json" not in options else subprocess.PIPE,
        )
        self.said = ""
        self.place = 0

    def type(self, *lines: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("".join(f"{line}\n" for line in lines).encode())
        self.process.stdin.flush()

    def until(self, pattern: str) -> str:
        """Read on from the last place until it has said this; what it said."""
        assert self.process.stdout is not None
        file, end = self.process.stdout.fileno(), time.monotonic() + PATIENCE
        while not (match := re.search(pattern, self.said[self.place :])):
            ready, _, _ = select.select([file], [], [], max(0, end - time.monotonic()))
            data = os.read(file, 65536) if ready else b""
            assert data, f"{pattern!r} never came:\n{self.said[-3000:]}"
            self.said += data.decode()
        self.place += match.end()
        return match[0]

    def ends(self) -> int:
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert self.process.stdout is not None
        self.said += self.process.stdout.read().decode()
        return self.process.wait(SECONDS * SLOWNESS)


@contextmanager
def attach(root: Path, *options: str) -> Iterator[Attached]:
    one = Attached(root, *options)
    try:
        yield one
    finally:
        one.process.kill()
        for file in (one.process.stdin, one.process.stdout, one.process.stderr):
            if file is not None:
                file.close()
        one.process.wait()


@pytest.fixture
def paused(tmp_path: Path) -> Iterator[tuple[TrainingSession, Run]]:
    with training(tmp_path, paused=True) as both:
        yield both


def test_a_run_is_followed_and_steered(paused: tuple[TrainingSession, Run]):
    session, run = paused
    session.step()
    with attach(run.folder.parent) as one:
        one.until(rf"{run.name}, process {os.getpid()}: {re.escape(COMMANDS)}\n")
        one.until(r"device: cpu \(as asked\); floor \d\.\d{4} nats\n")
        one.until("loss: ")
        one.until("step 0: lr=1.0000 loss=")
        one.until("paused at step 1\n")
        one.type("step")
        wait_until(lambda: session.snapshot.step == 2)
        one.type("lr 0.25")
        one.until(r"on: lr 0\.25\n")
        one.type("l2 0.5")
        one.until(r"on: L2 0\.5\n")
        one.type("speed 400")
        wait_until(lambda: session.speed == 400)
        one.type("resume")
        one.until(r"running at step [\d,]+\n")
        one.until(r"step \d+: lr=")
        one.type("speed full")
        wait_until(lambda: session.speed is None)
        one.type("pause")
        one.until(r"paused at step [\d,]+\n")
        one.type("stop")
        one.until(r"stopped at step [\d,]+\n")
        assert obeyed(session).phase is Phase.STOPPED
        session.close()
        assert one.ends() == 0


def test_samples_are_drawn_on_request(paused: tuple[TrainingSession, Run]):
    _, run = paused
    with attach(run.folder.parent) as one:
        one.until("paused at step 0")
        one.type("samples 3")
        one.until(r"(  \S+ +\d+\.\d{4}\n){3}$")
        one.type("samples")
        one.until(r"(  \S+ +\d+\.\d{4}\n){5}$")


RUBBISH = [
    "help", "lr", "lr fast", "lr nan", "lr 1 2", "l2 inf", "speed", "speed half", "samples x",
    "samples 1 2", "pause now", "\x1b[2J", "quit now", "samples " + "9" * 5000,
]  # fmt: skip
REFUSED = ["lr 0", "lr -1", "l2 -1", "speed 0", "samples 0", f"samples {MOST_SAMPLES + 1}"]
REFUSED += ["schedule " + "a" * 70_000]


@pytest.mark.parametrize("line", [*RUBBISH, *REFUSED], ids=lambda line: line[:20])
def test_what_makes_no_sense_is_said_and_changes_nothing(
    line: str, paused: tuple[TrainingSession, Run]
):
    session, run = paused
    before = obeyed(session)
    with attach(run.folder.parent) as one:
        one.until("paused at step 0")
        one.type(line)
        said = one.until(r"[^\n]+\n")
        assert said[:-1].isprintable()
        assert (said == f"one of {COMMANDS}\n") == (line in RUBBISH)
        assert obeyed(session) == before
        one.type("step")
        wait_until(lambda: session.snapshot.step == 1)


def test_bytes_that_are_no_text_are_rubbish(paused: tuple[TrainingSession, Run]):
    session, run = paused
    with attach(run.folder.parent) as one:
        one.until("paused at step 0")
        assert one.process.stdin is not None
        one.process.stdin.write(b"\xff\xfe\x00\n\nstep\n")
        one.process.stdin.flush()
        one.until("one of ")
        wait_until(lambda: session.snapshot.step == 1)


@pytest.mark.parametrize("how", ["quit", "an interrupt", "a hangup"])
def test_the_run_goes_on_when_a_viewer_leaves(how: str, tmp_path: Path):
    with training(tmp_path) as (session, run), attach(run.folder.parent) as one:
        one.until("running at step")
        if how == "quit":
            one.type("quit")
            assert one.ends() == 0
        elif how == "an interrupt":
            one.process.send_signal(signal.SIGINT)
            assert one.ends() == 128 + signal.SIGINT
            assert f"goes on in process {os.getpid()}\n" in one.said
        else:
            one.process.send_signal(signal.SIGHUP)
            assert one.ends() == -signal.SIGHUP
        assert "Traceback" not in one.said
        step = session.snapshot.step
        wait_until(lambda: session.snapshot.step > step)


def test_without_anything_to_type_it_only_follows(tmp_path: Path):
    with training(tmp_path) as (session, run):
        command = ["sh", "-c", 'exec "$@" <&-', "sh", *MAKEMORE]
        with run_process([*command, "attach", "--runs", str(run.folder.parent)]) as running:
            assert running.stdout is not None
            assert running.stderr is not None
            assert running.stdout.readline().startswith(b"loss: ")
            session.close()
            assert running.wait(PATIENCE) == 0
            assert b"Traceback" not in running.stderr.read()


def test_with_json_standard_output_holds_objects_only(tmp_path: Path):
    with training(tmp_path) as (session, run), attach(run.folder.parent, "--json") as one:
        one.until("\n")
        one.type("samples 2", "rubbish", "lr 0.5")
        one.until('"word": ')
        one.type("stop")
        wait_until(lambda: session.snapshot.phase is Phase.STOPPED)
        session.close()
        assert one.ends() == 0
        lines = [json.loads(line) for line in one.said.splitlines()]
        samples = [line for line in lines if "word" in line]
        assert [list(line) for line in samples] == [["word", "nll"]] * 2
        reports = [line for line in lines if "word" not in line]
        assert {tuple(line) for line in reports} == {("step", "lr", "loss", "samples")}
        expected = [(report.step, report.loss) for report in session.snapshot.reports]
        assert [(line["step"], line["loss"]) for line in reports] == expected


def test_a_terminal_gets_few_of_the_lines_and_the_last(tmp_path: Path):
    with training(tmp_path) as (session, run), attach(run.folder.parent) as one:
        one.until("running at step")
        start = session.snapshot.step
        wait_until(lambda: session.snapshot.step > start + 20_000)
        one.type("stop")
        one.until("stopped at step")
        session.close()
        assert one.ends() == 0
        steps = [int(step) for step in re.findall(r"^step (\d+):", one.said, re.MULTILINE)]
        assert steps == sorted(set(steps))
        since = [step for step in steps if step > start]
        assert len(since) < 20_000 / 50 / 2
        assert steps[-1] == list(session.snapshot.reports)[-1].step


def test_the_whole_curve_is_drawn(tmp_path: Path):
    run, losses = long_run(tmp_path, 100_000)
    with restored(run), attach(tmp_path) as one:
        line = one.until(r"loss: [^\n]*\n")
        first, bars, last = line.split()[1:]
        assert (first, last) == (f"{float(losses[0]):.4f}", f"{float(losses[-1]):.4f}")
        assert len(bars) == 60
        assert {"▁", "█"} < set(bars)


def test_a_curve_with_gaps_is_drawn(tmp_path: Path):
    run, _ = long_run(tmp_path, 200)
    (run.folder / "history.tsv").write_text("step\tlr\tloss\n")
    with restored(run), attach(tmp_path) as one:
        one.until("loss: nan")
        one.until("paused at step 200")


def test_a_viewer_in_a_stalled_terminal_holds_up_nothing(tmp_path: Path):
    with training(tmp_path) as (session, run):
        keys, screen = pty.openpty()
        command = [*MAKEMORE, "attach", "--runs", str(run.folder.parent), "--json"]
        with run_process(command, stdout=screen, stderr=screen) as running:
            wait_until(lambda: not select.select([], [screen], [], 0)[1], "a full terminal")
            step = session.snapshot.step
            wait_until(lambda: session.snapshot.step > step + 5000)
            running.send_signal(signal.SIGTERM)
            assert running.wait(SECONDS * SLOWNESS) == -signal.SIGTERM
        os.close(keys)
        os.close(screen)


def test_a_trainer_that_is_killed_is_said(tmp_path: Path):
    code = """
import os, signal, sys; sys.path.insert(0, "tests/model")
from pathlib import Path
from viewers import training
with training(Path(sys.argv[1]), paused=True):
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGKILL)
"""
    trainer = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT,
                               stdin=subprocess.PIPE)  # fmt: skip
    try:
        wait_until(lambda: any(run.live and run.socket.exists() for run in runs.all_runs(tmp_path)))
        (run,) = runs.all_runs(tmp_path)
        with attach(tmp_path) as one:
            one.until("paused at step 0")
            trainer.communicate()
            assert one.ends() == 1
            assert one.said.endswith(
                f"Error: {run.name}: its process is gone; `{resume_command(run.folder)}` "
                "goes on from its last checkpoint\n"
            )
    finally:
        trainer.kill()
        trainer.wait()


def test_an_end_that_the_trainer_had_no_time_to_tell_is_told(
    paused: tuple[TrainingSession, Run], monkeypatch: pytest.MonkeyPatch
):
    session, run = paused
    session.step()
    with attach(run.folder.parent) as one:
        one.until("paused at step 1")
        monkeypatch.setattr("model.server.Server._tell", lambda *_: None)  # it reads too slowly
        session.close()
        session.join()
        assert one.ends() == 0
        assert one.said.endswith("stopped at step 1\n")


def test_a_run_that_fails_is_status_1(paused: tuple[TrainingSession, Run]):
    session, run = paused
    with attach(run.folder.parent) as one:
        one.until("paused at step 0")
        one.type("lr 3e38", "resume")
        one.until("error: ")
        session.close()
        assert one.ends() == 1
        assert re.search(rf"Error: {run.name} failed: the loss is no longer a number", one.said)


def test_a_run_is_attached_to_by_name_or_as_the_only_one(tmp_path: Path, makemore: Makemore):
    assert makemore("attach", "--runs", str(tmp_path)).err == (
        f"Error: no run is being trained in {tmp_path}\n"
    )
    with training(tmp_path, paused=True) as (first, run):
        with training(tmp_path, paused=True):
            result = process("attach", "--runs", str(tmp_path))
            assert (result.status, result.out) == (1, "")
            assert "name one of " in result.err
            result = process("attach", run.name, MAKEMORE_RUNS=str(tmp_path), stdin=b"quit\n")
            assert result.status == 0
            assert result.err.startswith(f"{run.name}, process {os.getpid()}")
        first.stop()
    result = makemore("attach", run.name, "--runs", str(tmp_path))
    assert (result.status, result.err) == (
        1, f"Error: no process trains {run.name}; resume it\n",
    )  # fmt: skip
    assert "no run is called" in makemore("attach", "other", "--runs", str(tmp_path)).err
