"""Training in the foreground of `makemore`: the log as it comes, and an orderly end."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from types import FrameType
from typing import Any

import click

from model.alphabet import visible
from model.cli_options import print_json
from model.distributed import Processes
from model.errors import MakemoreError
from model.reports import Report
from model.runs import resume_command
from model.session import Phase, Snapshot
from model.training_session import TrainingSession

POLL_SECONDS = 0.02
FAREWELL_SECONDS = 0.5
"""For which standard error may take to be written to: perhaps nobody ever reads it."""
ENDINGS = signal.SIGHUP, signal.SIGTERM, signal.SIGINT


def follow(session: TrainingSession, processes: Processes, *, as_json: bool) -> Snapshot:
    """Show what a session does until its run is over or the program is told to end.

    A signal ends the program here and now, with a checkpoint and its own exit status.

    Args:
        session: which trains.
        processes: that do it together.
        as_json: whether to show objects.

    Returns:
        How the run ended.

    Raises:
        MakemoreError: it failed.
    """
    try:
        with _endings(processes):
            end = _log(session, as_json)
    except _EndedError as ending:
        _take_leave(session, processes, signal.Signals(ending.number).name)
        os._exit(128 + ending.number)  # whoever reads the output may never do so: wait for nothing
    except BrokenPipeError:
        _take_leave(session, processes, "a reader that left")
        raise
    finally:
        session.close()
        session.join()
    if end.phase is Phase.FAILED:
        raise MakemoreError(_failure(end, processes))
    return end


def _log(session: TrainingSession, as_json: bool) -> Snapshot:
    """Show what there is to be shown until the run is over and saved."""
    began, over, shown, warned = False, False, 0, ""
    while True:
        now = session.snapshot
        if not began and now.device and now.phase is not Phase.PREPARING:
            began = True
            shown = sum(report.step < now.start for report in now.reports)  # of before
            click.echo(f"device: {now.device}; floor {now.floor:.4f} nats", err=True)
            _note_folder(now)
        if now.warning != warned:
            warned = now.warning
            if warned:
                click.echo(f"warning: {warned}", err=True)
        first, new = now.reports.since(shown)
        for report in new:
            print_report(report, as_json=as_json)
        shown = first + len(new)
        if over:
            return now
        if now.phase.resumable or now.phase is Phase.IDLE:
            time.sleep(POLL_SECONDS)  # pulled, as a screen does: the trainer waits for no reader
        else:
            session.close()
            session.join(None)  # the last checkpoint takes as long as it takes
            over = True


def _note_folder(snapshot: Snapshot) -> None:
    if snapshot.name:
        step = f", from step {snapshot.start:,}" if snapshot.start else ""
        click.echo(f"run: {visible(snapshot.name)}{step}", err=True)


def print_report(report: Report, *, as_json: bool) -> None:
    """A line of the log."""
    if as_json:
        print_json(_known(report))
        return
    samples = ", ".join(map(visible, report.samples))
    nlls = {"train": report.train, "dev": report.dev, "unseen": report.unseen}
    judged = "".join(f" {name}={nll:.4f}" for name, nll in nlls.items() if nll is not None)
    lr = f"{report.lr:.4f}" if report.lr >= 0.001 else f"{report.lr:.1e}"
    click.echo(f"step {report.step}: lr={lr} loss={report.loss:.4f}{judged} {samples}")


def _known(report: Report) -> dict[str, Any]:
    """What is known of a report: the network is not judged at every one."""
    return {name: value for name, value in asdict(report).items() if value is not None}


def print_end(end: Snapshot, *, as_json: bool) -> None:
    """What is said of a run that is over."""
    last = next(reversed(list(end.reports)), None)
    if end.phase is not Phase.FINISHED or last is None or end.floor is None:
        click.echo(_farewell(end, "a viewer"), err=True)
        return
    speed = end.step / end.seconds if end.seconds else None  # of a run that was over before
    if as_json:
        closing: dict[str, Any] = {"final": True, "floor": end.floor, "seconds": end.seconds}
        device = end.device.partition(" ")[0]
        print_json({**_known(last), **closing, "steps_per_second": speed, "device": device})
    else:
        devs = [(report.dev, report.step) for report in end.judged if report.dev is not None]
        if devs:
            best, step = min(devs)
            click.echo(f"best on dev: {best:.4f} nats at step {step:,}")
        else:
            gap = last.loss - end.floor
            click.echo(f"{gap:.4f} nats above the floor of {end.floor:.4f}")
        rate = f" in {end.seconds:.2f} s, {speed:,.0f} a second" if speed is not None else ""
        click.echo(f"{end.step:,} steps{rate}", err=True)


def _farewell(end: Snapshot, by: str) -> str:
    if end.phase is Phase.FINISHED:
        return f"finished at step {end.step:,}"
    kept = f"; `{resume_command(end.folder)}` goes on" if end.folder else ", and was not kept"
    if end.phase is Phase.RUNNING and end.checkpoint is not None:  # the training did not answer
        return f"ended by {by} amid a step{kept} from step {end.checkpoint:,}"
    return f"stopped by {by} at step {end.step:,}{kept}"


def _failure(end: Snapshot, processes: Processes) -> str:
    """Why a run failed; and, if it is none of its own fault, how to go on with it."""
    if not (processes.lost and end.folder):
        return end.error
    return f"{end.error}; `{resume_command(end.folder)}` goes on, alone or under torchrun"


class _EndedError(BaseException):
    """A signal asked the program to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def _endings(processes: Processes) -> Generator[None]:
    """Raise in the main thread, once, when a signal asks the program to end.

    What was ignored when the program began, as nohup does, stays so.
    """
    before = {each: signal.getsignal(each) for each in ENDINGS}

    def end(number: int, frame: FrameType | None) -> None:
        for each in ENDINGS:
            signal.signal(each, signal.SIG_IGN)
        raise _EndedError(number)

    for each, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(each, end)
    try:
        yield
    except _EndedError:
        raise
    except BaseException:
        _restore(before, processes)
        raise
    else:
        _restore(before, processes)


def _restore(handlers: dict[signal.Signals, Any], processes: Processes) -> None:
    for each, handler in handlers.items():
        # Whom torchrun tells to end because another process is gone has still to say so.
        signal.signal(each, signal.SIG_IGN if processes.lost else handler)


def _take_leave(session: TrainingSession, processes: Processes, why: str) -> None:
    """End a session, and say how to go on with its run, if somebody reads it."""
    session.close()
    session.join()
    processes.part()
    end = session.snapshot
    text = _farewell(end, why)
    if end.phase is Phase.FAILED:
        text = f"Error: {_failure(end, processes)}"
    elif processes.lost:
        text = f"another process of the run is gone; {text}"
    line = f"{text}\n".encode()

    def say() -> None:
        with suppress(OSError):  # the terminal is gone
            os.write(2, line)

    saying = threading.Thread(target=say, daemon=True)
    saying.start()
    saying.join(FAREWELL_SECONDS)
