"""What the foreground shows of a run: all of it, however fast the run and however slow the disk."""

import threading
from pathlib import Path

import pytest
from running import CORPUS, QUICK, alone, training_session

from model import following, run_writer
from model.distributed import SOLE
from model.following import follow
from model.reports import Report, Reports
from model.runs import all_runs
from model.session import Phase

STEPS = 2001


def test_a_reader_that_is_slow_misses_no_report(monkeypatch: pytest.MonkeyPatch):
    expected, printed = alone(QUICK.with_(steps=STEPS))[1], list[Report]()
    ahead, append = threading.Event(), Reports.append

    def appended(reports: Reports, report: Report) -> None:
        append(reports, report)
        if report.step == STEPS - 1:
            ahead.set()

    def slowly(report: Report, *, as_json: bool) -> None:
        assert ahead.wait(60)  # all the others come while the first one is printed
        printed.append(report)

    monkeypatch.setattr(Reports, "append", appended)
    monkeypatch.setattr(following, "print_report", slowly)
    with training_session() as session:
        session.start(CORPUS, QUICK.with_(steps=STEPS))
        assert follow(session, SOLE, as_json=False).phase is Phase.FINISHED
    assert printed == expected


def test_the_last_checkpoint_may_take_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    replace, joining = run_writer.replace_file, threading.Event()

    def slowly(path: Path, data: bytes, **how: bool) -> None:
        if path.match("step-*") and "00000000" not in path.name:
            assert joining.wait(60)
        replace(path, data, **how)

    monkeypatch.setattr(run_writer, "replace_file", slowly)
    with training_session(root=tmp_path) as session:
        join = session.join

        def joined(patience: float | None = 1.0) -> None:
            joining.set()
            join(patience and 0.0)  # it has no patience that ends

        monkeypatch.setattr(session, "join", joined)
        session.start(CORPUS, QUICK)
        follow(session, SOLE, as_json=False)
        (run,) = all_runs(tmp_path)
        assert run.checkpoints[0].name == f"step-{QUICK.steps:08}.safetensors"
        assert run.status.phase is Phase.FINISHED
        monkeypatch.undo()
