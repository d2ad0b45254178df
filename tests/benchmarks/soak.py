"""An hour's worth of steps at full speed: does the memory of a run stay as it is?

As many steps as this machine does in an hour, in runs of the most steps that a recipe may have,
each kept on disk; so it takes an hour as well. `MAKEMORE_SOAK_SECONDS` makes it shorter.
"""

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from model.corpus import load
from model.recipe import MOST_STEPS, RECIPES
from model.session import Phase
from model.training_session import TrainingSession
from tests.benchmarks.core import Row, duration

SECONDS = float(os.environ.get("MAKEMORE_SOAK_SECONDS", "3600"))
WARM_SECONDS = 0.1 * SECONDS
"""In which buffers that have a bound fill up to it: the log that is kept in memory, say."""
LOOKS_PER_SECOND = 2
PROGRESS_SECONDS = 60
MIB = 1 << 20


def rows(names: Path) -> Iterator[Row]:
    """The memory of the process after the warm-up, at its highest, and at the end."""
    recipe = RECIPES["converge"].with_(steps=MOST_STEPS, device="cpu")
    corpus = load(str(names))
    with tempfile.TemporaryDirectory() as runs:
        session = TrainingSession(runs=Path(runs), breath=0)
        began, said, steps, memory = time.monotonic(), 0.0, 0, list[int]()
        session.start(corpus, recipe)
        while (seconds := time.monotonic() - began) < SECONDS:
            time.sleep(1 / LOOKS_PER_SECOND)  # as the screen looks
            if session.snapshot.phase is Phase.FINISHED:
                steps += session.snapshot.step
                session.start(corpus, recipe)
            assert session.snapshot.phase is not Phase.FAILED, session.snapshot.error
            assert not session.snapshot.warning, session.snapshot.warning
            if seconds > WARM_SECONDS:
                memory.append(_resident())
            if seconds - said > PROGRESS_SECONDS:
                said = seconds
                done = steps + session.snapshot.step
                line = f"  {duration(seconds)}: {done:,} steps, {_resident() / MIB:.0f} MiB"
                print(line, file=sys.stderr, flush=True)
        steps += session.snapshot.step
        session.close()
        session.join()
    grown = memory[-1] - memory[0]
    what = f"soak: {steps:,} steps in {duration(SECONDS)}, memory at its highest"
    yield Row(what, f"{max(memory) / MIB:.0f} MiB")
    first = f"{memory[0] / MIB:.0f} MiB after {duration(WARM_SECONDS)}"
    yield Row("soak: growth from the warm-up to the end", f"{grown / MIB:+.1f} MiB", first)


def _resident() -> int:
    """The bytes of memory that the process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
