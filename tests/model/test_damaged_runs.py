"""Files of a run that are cut, torn or lost: what is whole is used, the rest is set aside."""

import math
from pathlib import Path

import pytest
import torch
from running import (
    CORPUS,
    QUICK,
    alone,
    finished,
    history_of,
    kept_run,
    obeyed,
    restored,
    training_session,
)

from model.corpus import parse
from model.run_writer import RunWriter, newest_checkpoint
from model.runs import Run
from model.session import Phase
from model.training import Trainer

FEW = parse(b"abba\nbaab\n", "few words")


# Checkpoints


def cut_newest(run: Run, length: int) -> Path:
    newest = run.checkpoints[0]
    newest.write_bytes(newest.read_bytes()[:length])
    return newest


def test_a_checkpoint_cut_anywhere_gives_way_to_the_one_before(tmp_path: Path):
    run = kept_run(tmp_path, QUICK, 5, 9, corpus=FEW)
    size, data = run.checkpoints[0].stat().st_size, run.checkpoints[0].read_bytes()
    for length in [*range(0, size, 23), size - 1]:
        cut = cut_newest(run, length)
        trainer = Trainer(FEW, QUICK)
        found = newest_checkpoint(run, trainer)
        assert (trainer.step, found.broken) == (5, [cut])
        cut.write_bytes(data)
    assert restored(run, FEW).step == 9


@pytest.mark.parametrize("length", [0, 7, 8, 100, 5000])
def test_a_run_with_a_cut_checkpoint_says_so_and_loses_nothing(tmp_path: Path, length: int):
    run = kept_run(tmp_path, QUICK, 40, 60, 80)
    losses, reports = alone(QUICK)
    cut = cut_newest(run, length)
    with training_session() as session:
        session.restore(run, CORPUS)
        session.trained().result(60)
        snapshot = session.snapshot
        assert (snapshot.step, snapshot.phase) == (60, Phase.PAUSED)
        assert f"{cut.name} could not be used" in snapshot.warning
        assert "checkpoint of step 60" in snapshot.warning
        assert snapshot.warning.isprintable()
        session.resume()
        session.trained().result(60)
        assert snapshot.warning == session.snapshot.warning, "said for a moment only"
        while session.snapshot.phase is Phase.RUNNING:
            session.trained().result(60)
        assert torch.equal(session.snapshot.losses, losses)
        assert list(session.snapshot.reports) == reports
    assert not cut.exists()
    assert (run.folder / f"{cut.name}.broken").stat().st_size == length
    assert torch.equal(run.history(), losses)
    assert restored(run).step == QUICK.steps


def test_a_run_whose_checkpoints_are_all_cut_says_so_and_keeps_them(tmp_path: Path):
    run = kept_run(tmp_path, QUICK, 5, 9)
    for path in run.checkpoints:
        path.write_bytes(path.read_bytes()[:100])
    before = {path.name: path.read_bytes() for path in run.folder.iterdir()}
    with training_session() as session:
        session.restore(run, CORPUS)
        session.trained().result(60)
        assert session.snapshot.phase is Phase.FAILED
        assert "no checkpoint that is whole" in session.snapshot.error
    assert {path.name: path.read_bytes() for path in run.folder.iterdir()} == before


# Histories and logs


@pytest.mark.parametrize("tail", [b"", b"8", b"80\t0.1\t2.", b"80\t0.1\t2.5\n81\t0.1", b"\0\0\0\0"])
def test_a_torn_last_line_is_taken_back(tmp_path: Path, tail: bytes):
    run = kept_run(tmp_path, QUICK, 60, 80)
    for name in ("history.tsv", "reports.jsonl"):
        with (run.folder / name).open("ab") as file:
            file.write(tail)
    losses, reports = alone(QUICK)
    assert torch.equal(run.history()[:80], losses[:80])
    with training_session() as session:
        session.restore(run, CORPUS, paused=False)
        end = finished(session)
        assert (end.start, end.warning) == (80, "")
        assert torch.equal(end.losses, losses)
    assert [step for step, _, _ in history_of(run)] == list(range(QUICK.steps))
    assert torch.equal(run.history(), losses)
    assert run.reports() == reports


@pytest.mark.parametrize("damage", ["cut", "flip", "missing"])
def test_a_damaged_history_is_set_aside_and_the_run_goes_on(tmp_path: Path, damage: str):
    run = kept_run(tmp_path, QUICK, 60, 80)
    file, losses = run.folder / "history.tsv", alone(QUICK)[0]
    lines = file.read_bytes().splitlines(keepends=True)
    step, _, loss = lines[5].split(b"\t")
    lines[5] = b"\t".join((step, b"0.25", loss))  # the learning rate was another one then
    lines[31] = b"x" + lines[31]
    damaged = b"".join(lines[: len(lines) if damage == "flip" else 31])
    file.unlink() if damage == "missing" else file.write_bytes(damaged)
    whole = 0 if damage == "missing" else 30
    with training_session() as session:
        session.restore(run, CORPUS, paused=False)
        end = finished(session)
        assert end.start == 80
        assert torch.equal(end.losses[:whole], losses[:whole])
        assert bool(end.losses[whole:80].isnan().all())
        assert torch.equal(end.losses[80:], losses[80:])
        if damage != "missing":
            assert "history.tsv could not be used" in end.warning
            assert (run.folder / "history.tsv.broken").read_bytes() == damaged
            assert f"the losses from step {whole} to there are lost" in end.warning
    known = [*range(whole), *range(80, QUICK.steps)]
    assert [step for step, _, _ in history_of(run)] == list(range(QUICK.steps))
    assert [step for step, lr, _ in history_of(run) if not math.isnan(lr)] == known
    assert (history_of(run)[4][1] == 0.25) == (damage != "missing")
    assert torch.equal(run.history()[known], losses[known])
    trainer = Trainer(CORPUS, QUICK)
    writer = RunWriter(run)
    assert writer.restore(trainer).broken == []
    writer.close()


def test_a_run_whose_status_is_lost_is_known_by_its_checkpoints(tmp_path: Path):
    run = kept_run(tmp_path, QUICK, 60)
    (run.folder / "status.json").write_bytes(b'{"phase": "run')
    assert run.status.phase is Phase.IDLE
    with training_session() as session:
        session.restore(run, CORPUS)
        assert obeyed(session).step == 60
        assert run.status.step == 60
