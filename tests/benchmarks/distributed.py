"""A step that several processes share: the same global batch on 1, 2 and 4 of them."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import median

from model.corpus import load
from model.distributed import Processes, together
from model.recipe import recipe_for
from model.training import Trainer
from tests.benchmarks.core import Row, duration, ratio, seconds_of

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node"]
BATCHES = {"mlp": (128, 8192), "lstm": (1024,), "transformer": (128, 1024)}
"""Words in a batch: as in the recipe, and so many that sharing them can pay."""
STEPS, ROUNDS = 5, 5


def rows(names: Path) -> Iterator[Row]:
    """Each network with its recipe, but for the batch; the plain way is one process."""
    alone = _measured(1, names)
    for count in (2, 4):
        shared = _measured(count, names)
        for what, seconds in shared.items():
            ours = f"{duration(seconds)}, {1 / seconds:,.1f} a second"
            plain = f"{duration(alone[what])}, {1 / alone[what]:,.1f} a second"
            yield Row(f"{what}, {count} processes", ours, plain, ratio(alone[what] / seconds))


def _measured(count: int, names: Path) -> dict[str, float]:
    """The seconds of a step with so many processes, for each network and batch."""
    command = [*TORCHRUN, str(count), "-m", __name__, str(names)]
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(command, env=environment, check=True, capture_output=True)
    return json.loads(done.stdout)


@together
def main(processes: Processes) -> None:
    """What each process does."""
    corpus, found = load(sys.argv[1]), dict[str, float]()
    for model, batches in BATCHES.items():
        recipe = recipe_for(model).with_(device="cpu", data="all")
        for batch in batches:
            trainer = Trainer(corpus, recipe.with_(batch_size=batch), processes)
            for _ in range(2):  # the first step is reported, the second still prepares
                trainer.advance(1)
            work = partial(trainer.advance, STEPS)
            seconds = [seconds_of(work) for _ in range(ROUNDS)]
            found[f"step of the {model}, {batch:,} words"] = median(seconds) / STEPS
    print(json.dumps(found))


if __name__ == "__main__":
    main()
