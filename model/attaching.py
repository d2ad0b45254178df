"""`makemore attach`: a run of another process, followed and steered line by line."""

from __future__ import annotations

import json
import math
import sys
import threading
import time
from array import array
from io import TextIOWrapper
from typing import Any

import click

from model import protocol
from model.alphabet import visible
from model.connection import Connection
from model.errors import MakemoreError
from model.files import UNREADABLE
from model.following import print_report
from model.history import report_of
from model.recipe import Recipe
from model.reports import Report
from model.runs import Run, resume_command
from model.session import Phase
from model.status import Status

COLUMNS = 60
LINES = 20
LINE_SECONDS = 0.5
LEVELS = "▁▂▃▄▅▆▇█"
PLAIN = {"pause", "resume", "step", "stop"}
COMMANDS = (
    "pause, resume, step, stop, lr RATE, schedule NAME, batch WORDS, l2 PENALTY, speed RATE|full, "
    "samples [COUNT], quit"
)


def follow(run: Run, *, as_json: bool) -> None:
    """Show what the trainer of a run sends, and pass on what is typed, until either ends.

    Raises:
        MakemoreError: the run cannot be attached to, failed, or was killed.
    """
    connection = Connection(run)
    name = visible(run.name)
    click.echo(f"{name}, process {connection.process}: {COMMANDS}", err=True)
    left = threading.Event()
    threading.Thread(target=_pass_on, args=(connection, left), daemon=True).start()
    viewer = _Viewer(as_json)
    try:
        for message in connection.messages():
            viewer.take(message)
    except (ArithmeticError, AttributeError, *UNREADABLE) as error:
        reason = visible(str(error))
        raise MakemoreError(f"{name}: the trainer could not be understood: {reason}") from None
    except KeyboardInterrupt:
        click.echo(f"{name} goes on in process {connection.process}", err=True)
        raise
    finally:
        connection.hang_up()
    if not left.is_set():
        viewer.close(run, run.end_of(connection.process))


class _Viewer:
    """What was last heard of a run."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self._caught_up = as_json
        """Whether all is shown that was before; with JSON there is nothing to draw."""
        self._losses = array("f")
        self._reports: list[Report] = []
        """Those that are not shown yet."""
        self._due = 0.0
        self._state: dict[str, Any] = {}

    def take(self, message: dict[str, Any]) -> None:
        match message.get("type"):
            case "begin":
                self._caught_up, self._losses, self._reports = self._as_json, array("f"), []
            case "losses" if not self._caught_up:
                self._losses.frombytes(protocol.text_to_bytes(message["losses"]))
            case "reports":
                for report in map(report_of, message["reports"]):
                    self._take_report(report)
            case "state":
                self._take_state(message)
            case "reply" if "samples" in message:
                for sample in message["samples"]:
                    self._print_sample(sample)
            case "error":
                click.echo(visible(str(message["message"])), err=True)
            case _:
                pass

    def _take_report(self, report: Report) -> None:
        if self._as_json:
            print_report(report, as_json=True)
            return
        self._reports.append(report)
        if self._caught_up and time.monotonic() >= self._due:
            self._due = time.monotonic() + LINE_SECONDS
            self._print_reports(1)

    def _print_reports(self, most: int) -> None:
        """The last of those that are not shown yet: a terminal has no use for hundreds a second."""
        for report in self._reports[-most:]:
            print_report(report, as_json=False)
        self._reports.clear()

    def _take_state(self, state: dict[str, Any]) -> None:
        protocol.state_of(state)
        before, self._state = self._state, state
        if not self._caught_up and state["device"]:
            self._caught_up = True
            floor = f"; floor {state['floor']:.4f} nats" if state["floor"] is not None else ""
            click.echo(f"device: {visible(state['device'])}{floor}", err=True)
            if len(self._losses):
                click.echo(f"loss: {_curve(self._losses, state['floor'] or 0)}")
            self._print_reports(LINES)
        for name in ("warning", "error"):
            if state[name] and state[name] != before.get(name):
                click.echo(f"{name}: {visible(state[name])}", err=True)
        if state["phase"] != before.get("phase"):
            self._print_reports(1)
            click.echo(f"{state['phase']} at step {state['step']:,}", err=True)
        elif state["recipe"] != before.get("recipe"):
            changes = Recipe.of(before["recipe"]).changes(Recipe.of(state["recipe"]))
            click.echo(f"from step {state['step']:,} on: {changes}", err=True)

    def _print_sample(self, sample: dict[str, Any]) -> None:
        if self._as_json:
            click.echo(json.dumps({"word": sample["word"], "nll": sample["nll"]}))
        else:
            nll = "impossible" if sample["nll"] is None else f"{sample['nll']:8.4f}"
            click.echo(f"  {visible(sample['word']):<24} {nll}")

    def close(self, run: Run, end: Status | None) -> None:
        name = visible(run.name)
        phase, error = self._state.get("phase", ""), self._state.get("error", "")
        if phase in {each.name.lower() for each in Phase if each.resumable}:
            if end is None:
                resume = resume_command(run.folder)
                raise MakemoreError(
                    f"{name}: its process is gone; `{resume}` goes on from its last checkpoint"
                )
            phase, error = end.phase.name.lower(), end.error
            click.echo(f"{phase} at step {end.step:,}", err=True)
        if phase == Phase.FAILED.name.lower():
            raise MakemoreError(f"{name} failed: {visible(error)}")


def _pass_on(connection: Connection, left: threading.Event) -> None:
    """Send what is typed."""
    if isinstance(sys.stdin, TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")  # or rubbish would end the thread
    for line in sys.stdin or ():  # which may be closed
        words = line.split()
        try:
            if words == ["quit"]:
                left.set()
                connection.hang_up()
                return
            if words:
                request, arguments = _command(words)
                connection.ask(request, **arguments)
        except ValueError:
            click.echo(f"one of {COMMANDS}", err=True)
        except MakemoreError as error:
            click.echo(str(error), err=True)
        except OSError:  # nobody is there any more
            return


def _command(words: list[str]) -> tuple[str, dict[str, Any]]:
    """The request that was typed, and its arguments; ValueError where there is none."""
    match words:
        case [name] if name in PLAIN:
            return name, {}
        case ["lr", rate]:
            return "adjust", {"learning_rate": _number(rate)}
        case ["l2", penalty]:
            return "adjust", {"l2": _number(penalty)}
        case ["schedule", schedule]:
            return "adjust", {"schedule": schedule}
        case ["batch", size]:
            return "adjust", {"batch_size": int(size)}
        case ["speed", "full"]:
            return "speed", {"steps_per_second": None}
        case ["speed", speed]:
            return "speed", {"steps_per_second": _number(speed)}
        case ["samples"]:
            return "samples", {}
        case ["samples", count]:
            return "samples", {"count": int(count)}
        case _:
            raise ValueError(words)


def _number(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError(text)
    return number


def _curve(losses: array[float], floor: float) -> str:
    """All losses as one line of bars, by the logarithm of what they are above the floor."""
    width = math.ceil(len(losses) / COLUMNS)
    parts = (losses[start : start + width] for start in range(0, len(losses), width))
    means = (math.fsum(part) / len(part) for part in parts)
    # Losses that a damaged history lacks are no numbers.
    gaps = [math.log(max(mean - floor, 1e-6)) for mean in means if mean < math.inf]
    low, high = min(gaps, default=0), max(gaps, default=0)
    scale = (len(LEVELS) - 1) / (high - low) if high > low else 0
    bars = "".join(LEVELS[round((gap - low) * scale)] for gap in gaps)
    return f"{losses[0]:.4f} {bars} {losses[-1]:.4f}"
