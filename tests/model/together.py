"""What several processes make of recipes: `torchrun together.py TASKS RESULTS`, both JSON.

A task is a recipe, and perhaps what is changed in it after some steps; or an order to count to.
"""

import json
import sys
from pathlib import Path
from typing import Any

from running import CORPUS, WORDS

from model.corpus import Corpus, parse
from model.distributed import SOLE, Processes, together
from model.ngrams import Ngrams
from model.recipe import Recipe
from model.training import Trainer

CORPORA = [CORPUS, parse("\n".join(WORDS[:3]).encode(), "three"), parse(b"ab\n", "one")]


def trained(task: dict[str, Any], processes: Processes = SOLE) -> dict[str, Any]:
    """The losses of a recipe, and how the network was judged."""
    trainer = Trainer(CORPUS, task["recipe"], processes)
    reports = [trainer.advance(1)]
    while not trainer.finished:
        reports.append(trainer.advance(10))
        if trainer.step == task.get("step"):
            trainer.adjust(trainer.recipe.with_(**task["changes"]))
    judged = [[each.train, each.dev, each.unseen] for each in reports if each and each.dev]
    return {"losses": trainer.losses.tolist(), "judged": judged, "floor": trainer.floor}


def counted(ngrams: Ngrams) -> list[list[int]]:
    """All that n-grams are."""
    levels = [level.tolist() for level in ngrams.contexts.levels]
    return [*levels, ngrams.codes.tolist(), ngrams.counts.tolist()]


def ngrams(corpus: Corpus, n: int, processes: Processes) -> list[list[int]]:
    processes.tell("count", corpus, n)
    return counted(processes.ngrams(corpus, n))


@together
def main(processes: Processes) -> None:
    tasks, results = map(Path, sys.argv[1:])
    found = [
        trained({**task, "recipe": Recipe.of(task["recipe"])}, processes)
        if "recipe" in task
        else [ngrams(corpus, task["n"], processes) for corpus in CORPORA]
        for task in json.loads(tasks.read_text())
    ]
    results.write_text(json.dumps(found))


if __name__ == "__main__":
    main()
