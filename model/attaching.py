"""`makemore attach`: a run of another process, followed and steered line by line."""

from __future__ import annotations

import json
import math
import sys
import threading
import time
from array import array
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
from model.runs import Run
from model.session import Phase

COLUMNS = 60
LINES = 20
LINE_SECONDS = 0.5
LEVELS = "▁▂▃▄▅▆▇█"
PLAIN = {"pause", "resume", "step", "stop"}
COMMANDS = "pause, resume, step, stop, lr RATE, l2 PENALTY, speed RATE|full, samples [COUNT], quit"


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
    except UNREADABLE as error:
        raise MakemoreError(f"{name}: the trainer could not be understood: {error}") from None
    except KeyboardInterrupt:
        click.echo(f"{name} goes on in process {connection.process}", err=True)
        raise
    finally:
        connection.close()
    if not left.is_set():
        viewer.close(name)


class _Viewer:
    """What was last heard of a run."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self._losses = array("f")
        self._reports: list[Report] = []
        self._due = 0.0
        self._state: dict[str, Any] = {}

    def take(self, message: dict[str, Any]) -> None:
        match message.get("type"):
            case "losses":
                if message["first"] == 0:
                    del self._losses[:]
                if not self._state or not message["first"]:  # all that is drawn is what has been
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
        elif not self._state:
            self._reports.append(report)
        elif time.monotonic() >= self._due:
            self._due = time.monotonic() + LINE_SECONDS
            print_report(report, as_json=False)

    def _take_state(self, state: dict[str, Any]) -> None:
        protocol.state_of(state)
        before, self._state = self._state, state
        if not before and not self._as_json:
            floor = f"; floor {state['floor']:.4f} nats" if state["floor"] is not None else ""
            click.echo(f"device: {visible(state['device'])}{floor}", err=True)
            if len(self._losses):
                click.echo(f"loss: {_curve(self._losses, state['floor'] or 0)}")
            for report in self._reports[-LINES:]:
                print_report(report, as_json=False)
        for name in ("warning", "error"):
            if state[name] and state[name] != before.get(name):
                click.echo(f"{name}: {visible(state[name])}", err=True)
        if state["phase"] != before.get("phase"):
            click.echo(f"{state['phase']} at step {state['step']:,}", err=True)
        elif state["recipe"] != before.get("recipe"):
            recipe = Recipe.of(state["recipe"])
            click.echo(f"learning rate {recipe.learning_rate:g}, L2 {recipe.l2:g}", err=True)

    def _print_sample(self, sample: dict[str, Any]) -> None:
        if self._as_json:
            click.echo(json.dumps({"word": sample["word"], "nll": sample["nll"]}))
        else:
            nll = "impossible" if sample["nll"] is None else f"{sample['nll']:8.4f}"
            click.echo(f"  {visible(sample['word']):<24} {nll}")

    def close(self, name: str) -> None:
        phase = self._state.get("phase", "")
        if phase == Phase.FAILED.name.lower():
            raise MakemoreError(f"{name} failed: {visible(self._state['error'])}")
        if phase in {each.name.lower() for each in Phase if each.resumable}:
            raise MakemoreError(
                f"{name}: its process is gone; `makemore runs resume {name}` goes on from its "
                "last checkpoint"
            )


def _pass_on(connection: Connection, left: threading.Event) -> None:
    """Send what is typed."""
    for line in sys.stdin:
        words = line.split()
        try:
            if words == ["quit"]:
                left.set()
                connection.close()
                return
            if words:
                request, arguments = _command(words)
                connection.ask(request, **arguments)
        except ValueError:
            click.echo(f"one of {COMMANDS}", err=True)
        except OSError:  # nobody is there any more
            return


def _command(words: list[str]) -> tuple[str, dict[str, Any]]:
    """The request that was typed, and its arguments; ValueError where there is none."""
    match words:
        case [name] if name in PLAIN:
            return name, {}
        case ["lr", rate]:
            return "adjust", {"learning_rate": float(rate)}
        case ["l2", penalty]:
            return "adjust", {"l2": float(penalty)}
        case ["speed", "full"]:
            return "speed", {"steps_per_second": None}
        case ["speed", speed]:
            return "speed", {"steps_per_second": float(speed)}
        case ["samples", *count]:
            return "samples", {"count": int(*count) if count else 5}
        case _:
            raise ValueError(words)


def _curve(losses: array[float], floor: float) -> str:
    """All losses as one line of bars, by the logarithm of what they are above the floor."""
    width = math.ceil(len(losses) / COLUMNS)
    parts = (losses[start : start + width] for start in range(0, len(losses), width))
    gaps = [math.log(max(sum(part) / len(part) - floor, 1e-6)) for part in parts]
    low, high = min(gaps), max(gaps)
    scale = (len(LEVELS) - 1) / (high - low) if high > low else 0
    bars = "".join(LEVELS[round((gap - low) * scale)] for gap in gaps)
    return f"{losses[0]:.4f} {bars} {losses[-1]:.4f}"
