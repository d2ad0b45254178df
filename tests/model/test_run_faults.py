"""What can befall a run on disk: each ends in a clear message, and nothing is lost."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import torch
from command_line import ROOT, process
from running import (
    CORPUS,
    ENDLESS,
    QUICK,
    alone,
    failed,
    finished,
    history_of,
    kept_run,
    obeyed,
    restored,
    training_session,
    tree,
    wait_until,
)

from model import runs
from model.errors import MakemoreError
from model.run_writer import RunTakenError, RunWriter
from model.runs import Run
from model.session import Phase

LONG = QUICK.with_(steps=3000)


def only(root: Path) -> Run:
    (run,) = runs.all_runs(root)
    return run


# A full disk


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, with very little room."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(place)]
    if os.getuid() or not shutil.which("mount"):
        pytest.skip("only root can mount a small file system")
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def fill(disk: Path) -> Path:
    """Leave no room on a file system."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
    return ballast


def test_a_full_disk_stops_the_checkpoints_and_not_the_run(small_disk: Path):
    losses, reports = alone(LONG)
    with training_session(root=small_disk, every=0.01) as session:
        session.start(CORPUS, LONG, paused=True)
        session.step()
        last = obeyed(session).checkpoint
        fill(small_disk)
        session.resume()
        end = finished(session)
        assert torch.equal(end.losses, losses)
        assert list(end.reports) == reports
        assert "not saved: No space left on device" in end.warning
        assert str(small_disk) in end.warning
        assert end.warning.isprintable()
        assert end.checkpoint == last
    run = only(small_disk)
    assert restored(run).step == last
    assert torch.equal(run.history()[:last], losses[:last])
    history_of(run)
    assert not list(run.folder.glob("*.tmp"))


def test_the_next_checkpoint_catches_up_when_there_is_room_again(small_disk: Path):
    recipe = ENDLESS.with_(steps=100_000)
    with training_session(500, root=small_disk, every=0.02) as session:
        session.start(CORPUS, recipe)
        wait_until(session, lambda now: (now.checkpoint or 0) > 5)
        ballast = fill(small_disk)
        told = wait_until(session, lambda now: now.warning)
        wait_until(session, lambda now: now.step > told.step + 50)
        assert session.snapshot.checkpoint == told.checkpoint
        ballast.unlink()
        again = wait_until(session, lambda now: not now.warning)
        assert again.checkpoint > told.step
        session.stop()
        last = obeyed(session).step
    run = only(small_disk)
    assert [step for step, _, _ in history_of(run)] == list(range(last))
    assert restored(run).step == last


def test_a_run_that_has_no_room_from_the_start_goes_on_and_leaves_nothing(small_disk: Path):
    root = small_disk / "runs"
    root.mkdir()
    fill(small_disk)
    with training_session(root=root) as session:
        session.start(CORPUS, QUICK)
        end = finished(session)
        assert "not kept: No space left on device" in end.warning
        assert (end.name, end.error) == ("", "")
    assert list(root.iterdir()) == []


LIMITED = """
import json, resource, sys
sys.path[:0] = sys.argv[1:3]
from pathlib import Path
from running import CORPUS, finished, obeyed, training_session
from test_run_faults import LONG

with training_session(root=Path(sys.argv[3]), every=0.01) as session:
    session.start(CORPUS, LONG, paused=True)
    session.step()
    obeyed(session)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    session.resume()
    told = finished(session)
print(json.dumps([told.warning, told.step, told.checkpoint, told.phase.value]))
"""


def test_a_file_that_may_not_grow_does_not_stop_the_run(tmp_path: Path):
    """As with a full disk, where nothing can be mounted: the system refuses to let files grow."""
    result = subprocess.run(
        [sys.executable, "-c", LIMITED, str(ROOT), str(Path(__file__).parent), str(tmp_path)],
        capture_output=True,
        check=True,
    )
    warning, step, last, phase = json.loads(result.stdout)
    assert "not saved: File too large" in warning
    assert (step, phase) == (LONG.steps, "finished")
    run = only(tmp_path)
    assert restored(run).step == last
    assert last < LONG.steps
    assert [step for step, _, _ in history_of(run)] == list(range(len(run.history())))
    assert len(run.history()) >= last
    with training_session() as session:
        session.restore(run, CORPUS, paused=False)
        end = finished(session)
        assert end.warning == ""
    assert torch.equal(run.history(), alone(LONG)[0])


# A place where nothing can be written


@pytest.mark.parametrize("place", ["file", "file/runs", "/proc/runs", "\0"])
def test_a_run_that_cannot_be_kept_is_trained_all_the_same(tmp_path: Path, place: str):
    (tmp_path / "file").write_bytes(b"")
    losses, _ = alone(QUICK)
    with training_session(root=tmp_path / place) as session:
        session.start(CORPUS, QUICK)
        end = finished(session)
        assert "this run is not kept: " in end.warning
        assert end.warning.isprintable()
        assert torch.equal(end.losses, losses)
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


@pytest.mark.parametrize("place", ["file/runs", "/proc/runs"])
def test_the_command_line_warns_and_trains_or_refuses_to_detach(tmp_path: Path, place: str):
    (tmp_path / "file").write_bytes(b"")
    train = ["train", "-", "--device", "cpu", "--steps", "51", "--runs", str(tmp_path / place)]
    result = process(*train, "--json")
    assert result.lines[-1]["final"]
    assert "warning: no run can be kept in" in result.err
    result = process(*train, "--detach")
    assert result.status == 1
    assert result.err.startswith("Error: no run can be kept in")
    assert result.err.count("\n") == 1


def test_a_run_on_a_read_only_disk_goes_on_without_being_kept(small_disk: Path):
    run = kept_run(small_disk, QUICK, 40)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    before = tree(small_disk)
    with training_session() as session:
        session.restore(run, CORPUS, paused=False)
        end = finished(session)
        assert "what follows is not kept: Read-only file system" in end.warning
        assert torch.equal(end.losses, alone(QUICK)[0])
    assert tree(small_disk) == before
    with pytest.raises(MakemoreError, match="cannot be renamed: Read-only"):
        run.rename("another")
    with pytest.raises(MakemoreError, match="cannot be deleted: Read-only"):
        run.delete()


@pytest.mark.skipif(not os.getuid(), reason="root may write everywhere")
def test_a_directory_without_permission_is_no_place_for_runs(tmp_path: Path):
    tmp_path.chmod(0o500)
    with training_session(root=tmp_path / "runs") as session:
        session.start(CORPUS, QUICK)
        assert "not kept: Permission denied" in finished(session).warning
    tmp_path.chmod(0o700)


# A folder that is no more


@pytest.mark.parametrize("paused", [False, True])
@pytest.mark.parametrize("moved", [False, True])
def test_a_run_whose_folder_goes_stops_and_says_so(tmp_path: Path, paused: bool, moved: bool):
    root = tmp_path / "runs"
    with training_session(200, root=root, every=0.01) as session:
        session.start(CORPUS, ENDLESS)
        wait_until(session, lambda now: (now.checkpoint or 0) > 3)
        if paused:
            session.pause()
            obeyed(session)
        folder = only(root).folder
        folder.rename(tmp_path / "elsewhere")
        if not moved:
            shutil.rmtree(tmp_path / "elsewhere")
        told = wait_until(session, lambda now: now.phase is Phase.STOPPED)
        assert "folder is gone" in told.warning
        assert told.name == ""
        before = tree(tmp_path)
        session.step()
        session.resume()
        assert obeyed(session).step == told.step
    assert tree(tmp_path) == before
    assert not folder.exists()
    if moved:
        run = Run.open(tmp_path / "elsewhere")
        assert 0 < restored(run).step <= told.step
        history_of(run)


def test_a_run_writes_nothing_into_what_comes_in_the_place_of_its_folder(tmp_path: Path):
    root = tmp_path / "runs"
    with training_session(200, root=root, every=0.001) as session:
        session.start(CORPUS, ENDLESS)
        wait_until(session, lambda now: (now.checkpoint or 0) > 3)
        session.pause()
        obeyed(session)
        folder = only(root).folder
        folder.rename(tmp_path / "elsewhere")
        other = kept_run(root, QUICK, 20)
        assert other.folder == folder
        before = tree(folder)
        session.resume()
        session.stop()
        obeyed(session)
    assert tree(folder) == before


# Two at once


def test_a_run_has_one_writer(tmp_path: Path):
    run = kept_run(tmp_path, QUICK, 20)
    writer = RunWriter(run)
    with pytest.raises(RunTakenError, match="open in another process"):
        RunWriter(run)
    before = tree(tmp_path)
    result = process("runs", "--runs", str(tmp_path), "resume", run.id)
    assert result.status == 1
    assert "is open in another process; attach to it, or close it there" in result.err
    assert result.err.count("\n") == 1
    with training_session() as session:
        session.restore(run, CORPUS)
        assert "another process" in failed(session).error
    with pytest.raises(MakemoreError, match="stop it first"):
        run.delete()
    assert tree(tmp_path) == before
    writer.close()
    RunWriter(run).close()
    assert not run.live


def test_those_who_look_at_a_run_are_in_nobodys_way(tmp_path: Path):
    run = kept_run(tmp_path, QUICK, 20)
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            assert run.status.phase
            assert runs.all_runs(tmp_path)[0].live in (False, True)

    lookers = [threading.Thread(target=look) for _ in range(3)]
    for looker in lookers:
        looker.start()
    for _ in range(50):
        writer = RunWriter(run)
        assert run.live
        writer.close()
    done.set()
    for looker in lookers:
        looker.join()


# A clock that cannot be trusted


def test_a_clock_that_goes_backwards_confuses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    now = datetime(2030, 1, 1, tzinfo=UTC)

    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:
            nonlocal now
            now -= timedelta(days=40)
            return now

    monkeypatch.setattr(runs, "datetime", Clock)
    monkeypatch.setattr(time, "time", lambda: Clock.now().timestamp())
    made = [kept_run(tmp_path, QUICK, 10, 20) for _ in range(5)]
    assert len({run.id for run in made}) == 5
    assert [run.id for run in runs.all_runs(tmp_path)] == [run.id for run in made]
    run = made[-1]
    for age, path in enumerate(run.checkpoints):  # the newest has the oldest date
        os.utime(path, (age * 1e6, age * 1e6))
    with training_session(200, every=0.01) as session:
        session.restore(run, CORPUS, paused=False)
        wait_until(session, lambda now: 20 < (now.checkpoint or 0) < QUICK.steps)
        end = finished(session)
    assert (end.start, end.error, end.warning) == (20, "", "")
    assert torch.equal(run.history(), alone(QUICK)[0])
    assert restored(run).step == QUICK.steps
