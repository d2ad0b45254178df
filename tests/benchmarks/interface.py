"""The interface: what a key, a frame and a byte cost while a network learns at full speed.

The real program in a pseudo-terminal of 120 x 40. Each figure has its like beside it: a key while a
run is paused, a run without a screen.
"""

import json
import os
import random
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from model.recipe import ONE_LAYER, RECIPES, Recipe
from model.runs import STATUS
from tests.benchmarks.core import Row, alternate
from tests.benchmarks.pseudo_terminal import PATIENCE, PseudoTerminal, terminal
from tui import settings

STEPS = 10_000_000  # more than there is time for
KEYS = 200  # presses
GAPS = 0.05, 0.15  # seconds between two: no multiple of a frame
SECONDS = 10.0
ROUNDS = 5
WARM_SECONDS, RATE_SECONDS = 3.0, 4.0
POLL_SECONDS = 0.1
LEARNT = ("notebook", "mlp")
"""Steps of a hundredth of a millisecond, all in Python, and steps of several milliseconds."""
MOVES: Sequence[tuple[str, Sequence[tuple[str, str]]]] = (
    ("smooth the curve", [("m", r"smoothed 0\.9\b"), ("m", r"smoothed 0\.99\b"),
                          ("m", r"smoothed 0\.999"), ("m", "Training ·")]),
    ("logarithmic axis", [("l", "log scale"), ("l", "Training ·")]),
    ("to another pane", [("4", "Explorer"), ("2", "2 Training")]),
)  # fmt: skip


def rows(names: Path) -> Iterator[Row]:
    """Keys, bytes, the processor, and the price of the screen in steps."""
    for name in LEARNT:
        yield from _keys(names, RECIPES[name])
    yield from _bytes(names)
    for name in (*LEARNT, "transformer"):
        yield from _price(names, RECIPES[name])


def _keys(names: Path, recipe: Recipe) -> Iterator[Row]:
    with _app(names, recipe) as learning, _app(names, recipe) as paused:
        learning.press("2f ")
        paused.press("2s")
        learning.until("steps/s")
        paused.until("paused")
        for what, keys in MOVES:
            ours, plain = _latencies(learning, keys), _latencies(paused, keys)
            yield Row(
                f"key to repaint while {recipe.name} learns: {what} "
                "(the plain way: while it is paused)",
                f"{_ms(ours, 50)}, 99th percentile {_ms(ours, 99)}",
                f"{_ms(plain, 50)}, {_ms(plain, 99)}",
                f"{_percentile(ours, 50) / _percentile(plain, 50):.1f} times as long",
                "30 ms, 60 ms",
            )


def _latencies(app: PseudoTerminal, keys: Sequence[tuple[str, str]]) -> list[float]:
    """The seconds from each key to what it paints; the first round is not counted."""
    pause, seconds = random.Random(0), []
    for key, painted in list(keys) * (1 + KEYS // len(keys)):
        time.sleep(pause.uniform(*GAPS))  # as somebody types
        mark, pressed = app.mark, app.press(key)
        seconds.append(app.until(painted, mark) - pressed)
    return seconds[len(keys) :]


def _bytes(names: Path) -> Iterator[Row]:
    recipe = RECIPES["notebook"]
    for where, environment, goal in (
        ("locally", {}, "below 60 KB/s"),
        ("over SSH", {"SSH_CONNECTION": "192.0.2.1 1 192.0.2.2 22"}, "at most 20 KB/s, 4 frames"),
    ):
        with _app(names, recipe, **environment) as app:
            app.until_still()
            before = _processor(app.process.pid)
            idle, _ = app.written(SECONDS)
            busy = (_processor(app.process.pid) - before) / SECONDS
            if not environment:
                yield Row("written while nothing happens", f"{idle} bytes", goal="0")
                yield Row("processor while nothing happens", f"{busy:.1%}", goal="below 1 %")
            app.press("2f ")
            app.until("steps/s")
            for pane, key, shown in (("Training", "2", "steps/s"), ("Explorer", "4", "row 1 of")):
                mark = app.mark
                app.press(key)
                app.until(shown, mark)
                size, frames = app.written(SECONDS)
                yield Row(
                    f"streamed {where}, {pane}",
                    f"{size / SECONDS / 1e3:.1f} KB/s, {frames / SECONDS:.1f} frames/s",
                    goal=goal,
                )


def _price(names: Path, recipe: Recipe) -> Iterator[Row]:
    """Steps a second in the app, and in a process that the app watches, against none."""
    command = [sys.executable, "-m", "model", "train", str(names), "--recipe", recipe.name]
    command += ["--model", recipe.model, "--steps", str(STEPS)]

    def without() -> float:
        with TemporaryDirectory() as root, terminal(command, MAKEMORE_RUNS=root):
            return 1 / _rate(Path(root))

    def within() -> float:
        with TemporaryDirectory() as root, _app(names, recipe, MAKEMORE_RUNS=root) as app:
            app.press("2f ")
            return 1 / _rate(Path(root))

    goal = "at least 90 %" if recipe.model != ONE_LAYER else ""  # whose steps are too short
    alone, shown = alternate(without, within, rounds=ROUNDS)
    yield _price_row(f"{recipe.name}, in the app", alone, shown, goal)

    with _detached(command) as run:

        def watched() -> float:
            with _watching(run):
                return 1 / _rate(run.parent)

        alone, shown = alternate(lambda: 1 / _rate(run.parent), watched, rounds=ROUNDS)
    yield _price_row(f"{recipe.name}, detached, watched", alone, shown, "at least 95 %")


def _price_row(what: str, alone: float, shown: float, goal: str) -> Row:
    return Row(
        f"{what} (the plain way: makemore train)",
        f"{1 / shown:,.0f} steps/s",
        f"{1 / alone:,.0f} steps/s",
        f"{alone / shown:.0%}",
        goal,
    )


@contextmanager
def _detached(command: Sequence[str]) -> Iterator[Path]:
    """The folder of a run in a process of its own, which ends with it.

    All that is measured of it is of one run: nothing differs but that somebody watches.
    """
    with TemporaryDirectory() as root:
        with terminal([*command, "--detach"], MAKEMORE_RUNS=root) as starter:
            starter.process.wait()
        (run,) = Path(root).glob("*/")
        try:
            yield run
        finally:
            with _watching(run) as app:
                mark = app.mark
                app.press("2x")
                app.until("paused", mark)  # taken up here: the other process is done


@contextmanager
def _watching(run: Path) -> Iterator[PseudoTerminal]:
    """The app with a run of another process."""
    command = [sys.executable, "-m", "tui", "--run", run.name]
    with terminal(command, MAKEMORE_RUNS=str(run.parent)) as app:
        app.until(r"process \d")
        yield app


def _rate(root: Path) -> float:
    """Steps a second of the one run there, once it has come to speed."""
    told = _told(root)
    first = last = next(told)
    while last[0] - first[0] < WARM_SECONDS:
        last = next(told)
    first = last
    while last[0] - first[0] < RATE_SECONDS:
        last = next(told)
    return (last[1] - first[1]) / (last[0] - first[0])


def _told(root: Path) -> Iterator[tuple[float, int]]:
    """When the run there says how far it is, and how far that is, each time that it does."""
    before, end = 0.0, time.monotonic() + PATIENCE
    while time.monotonic() < end:
        for place in root.glob(f"*/{STATUS}"):
            when, step = place.stat().st_mtime, json.loads(place.read_text())["step"]
            if step and when > before:
                before, end = when, time.monotonic() + PATIENCE
                yield when, step
        time.sleep(POLL_SECONDS)  # to attach to the run would cost it what is measured
    raise RuntimeError("the run does not go on")


@contextmanager
def _app(names: Path, recipe: Recipe, **environment: str) -> Iterator[PseudoTerminal]:
    """The app with a corpus that is counted, ready for a run."""
    with ExitStack() as stack:
        home = stack.enter_context(TemporaryDirectory())
        places = {"XDG_CONFIG_HOME": home, "MAKEMORE_RUNS": home, **environment}
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("XDG_CONFIG_HOME", home)
            settings.save(settings.Settings(recipe=recipe.with_(steps=STEPS)))
        app = stack.enter_context(terminal([sys.executable, "-m", "tui", str(names)], **places))
        app.until(r"floor +\d")
        yield app


def _processor(process: int) -> float:
    """The seconds that a process has computed so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _percentile(seconds: Sequence[float], percent: int) -> float:
    ranked = sorted(seconds)
    return ranked[min(len(ranked) - 1, len(ranked) * percent // 100)]


def _ms(seconds: Sequence[float], percent: int) -> str:
    return f"{1000 * _percentile(seconds, percent):.0f} ms"
