"""Sessions as their tests drive them: words, recipes, waiting, runs on disk."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from model import runs
from model.corpus import Corpus, parse
from model.judging import Part, mean
from model.language_model import LanguageModel
from model.recipe import RECIPES, Recipe
from model.reports import Report
from model.run_writer import RunWriter
from model.runs import Run
from model.session import Phase, Snapshot
from model.training import Trainer
from model.training_session import TrainingSession

NAMES = """
    emma olivia ava isabella sophia charlotte mia amelia harper evelyn abigail emily elizabeth
    mila ella avery sofia camila aria scarlett victoria madison luna grace chloe penelope layla
    riley zoey nora lily eleanor hannah lillian addison aubrey ellie stella natalie zoe
"""
WORDS = NAMES.split()
CORPUS = parse("\n".join(WORDS).encode(), "words.txt")
NOTEBOOK = RECIPES["notebook"].with_(device="cpu", steps=120)
QUICK = RECIPES["converge"].with_(steps=101, device="cpu")
ENDLESS = QUICK.with_(steps=1_000_000)
NEVER = 1e9
"""Seconds until a checkpoint that is not to come."""
TRIES, PAUSE = 3000, 0.01


@contextmanager
def training_session(
    speed: float | None = None, *, root: Path | None = None, every: float = NEVER
) -> Iterator[TrainingSession]:
    """A session that is closed in the end; with `root`, its runs are kept there."""
    session = TrainingSession(speed, runs=root, checkpoint_seconds=every)
    try:
        yield session
    finally:
        session.close()
        session.join()


def obeyed(session: TrainingSession) -> Snapshot:
    """How things stand when all commands so far have been obeyed."""
    session.trained().result(timeout=60)
    return session.snapshot


def wait_until(session: TrainingSession, condition: Callable[[Snapshot], object]) -> Snapshot:
    """Let the session run until `condition` holds of its snapshot."""
    never = threading.Event()
    for _ in range(TRIES):
        if condition(snapshot := session.snapshot):
            return snapshot
        never.wait(PAUSE)
    raise AssertionError(f"never came; stands at {session.snapshot}")


def finished(session: TrainingSession) -> Snapshot:
    """Let the session run to its end, which is then on disk."""
    wait_until(session, lambda snapshot: snapshot.phase is Phase.FINISHED)
    return obeyed(session)


def failed(session: TrainingSession) -> Snapshot:
    """Let the session run until it fails, which is then on disk."""
    wait_until(session, lambda snapshot: snapshot.phase is Phase.FAILED)
    return obeyed(session)


def alone(recipe: Recipe, corpus: Corpus = CORPUS) -> tuple[torch.Tensor, list[Report]]:
    """What the trainer makes of a recipe without a session."""
    trainer = Trainer(corpus, recipe)
    reports = list(trainer.run())
    return trainer.losses, reports


def nll_of(model: LanguageModel, corpus: Corpus) -> float:
    """The model's mean NLL on a corpus, in nats per token."""
    return mean(Part(corpus).judge(model))


def kept_run(root: Path, recipe: Recipe = QUICK, *steps: int, corpus: Corpus = CORPUS) -> Run:
    """A run on disk with a checkpoint at each of some steps."""
    run = runs.create(root, corpus, recipe)
    trainer = Trainer(corpus, recipe)
    writer = RunWriter(run)
    reports = writer.restore(trainer).reports
    for step in steps:
        while trainer.step < step:
            if report := trainer.advance(step - trainer.step):
                reports.append(report)
        assert writer.save(trainer, reports)
    writer.close()
    return run


def restored(run: Run, corpus: Corpus = CORPUS) -> Trainer:
    """A trainer at the last checkpoint of a run, which is left as it is on disk."""
    from model.run_writer import newest_checkpoint

    trainer = Trainer(corpus, run.recipe)
    newest_checkpoint(run, trainer)
    return trainer


def history_of(run: Run) -> list[tuple[int, float, float]]:
    """The lines of a run's history, every one of which must be whole: step, rate, loss."""
    text = (run.folder / "history.tsv").read_text()
    head, *lines, end = text.split("\n")
    assert (head, end) == ("step\tlr\tloss", "")
    rows = [line.split("\t") for line in lines]
    return [(int(step), float(lr), float(loss)) for step, lr, loss in rows]


def tree(root: Path) -> dict[str, bytes | str]:
    """All that is in a directory: what files hold, where links lead, and what else there is."""
    found: dict[str, bytes | str] = {}
    for path in sorted(root.rglob("*")):
        if path.is_symlink():
            found[str(path)] = f"-> {path.readlink()}"
        elif path.is_file():
            found[str(path)] = path.read_bytes()
        else:
            found[str(path)] = f"{path.stat().st_mode:o}"
    return found
