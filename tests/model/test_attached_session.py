"""A run of another process, seen and steered through a `Session`: no other than one of this one."""

import socket
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from viewers import (
    CORPUS,
    ENDLESS,
    PATIENCE,
    attached_session,
    long_run,
    obeyed,
    restored,
    shown,
    training,
    wait_until,
)

from model import protocol, reports, runs
from model.attached_session import AttachedSession
from model.connection import NotTrainedError
from model.reports import Report
from model.session import Phase, Snapshot
from model.training_session import TrainingSession

pytestmark = pytest.mark.filterwarnings("error")  # an exception in a thread is one


def told(snapshot: Snapshot) -> Snapshot:
    """What a viewer can know of a snapshot."""
    return replace(snapshot, run=0, start=0, process=0)


# It shows what there is


def check_that_they_are_equal(here: AttachedSession, there: TrainingSession) -> None:
    expected = obeyed(there)
    snapshot = shown(here, lambda snapshot: told(snapshot) == told(expected))
    step = expected.step
    assert torch.equal(snapshot.losses[:step], expected.losses[:step])
    assert list(snapshot.reports) == list(expected.reports)
    assert snapshot.loss == expected.loss
    assert here.speed == there.speed


def test_of_a_long_log_the_end_is_seen_and_all_that_was_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(reports, "MOST_KEPT", 3)
    with training(tmp_path, paused=True) as (session, run):
        for step in range(8):
            dev = 2.0 if step in (0, 7) else None
            session.snapshot.reports.append(Report(step, 1.0, 2.0, ("emma",), dev=dev))
        expected = session.snapshot.reports
        assert expected[0] is None
        with attached_session(run) as here:
            snapshot = shown(here, lambda snapshot: len(snapshot.reports) == 8)
            assert list(snapshot.reports) == list(expected)
            assert snapshot.judged == expected.judged


def test_what_is_seen_is_how_the_run_stands(tmp_path: Path):
    with training(tmp_path, paused=True) as (session, run), attached_session(run) as here:
        check_that_they_are_equal(here, session)
        for _ in range(3):
            session.step()
            check_that_they_are_equal(here, session)
        session.set_speed(1000)
        session.resume()
        shown(here, lambda snapshot: snapshot.step > 200)
        session.pause()
        session.adjust(ENDLESS.with_(learning_rate=0.5))
        check_that_they_are_equal(here, session)
        session.stop()
        check_that_they_are_equal(here, session)
        assert here.snapshot.phase is Phase.STOPPED


def test_a_run_that_is_over_in_a_moment_is_seen_to_its_end(tmp_path: Path):
    recipe = ENDLESS.with_(steps=300)
    with training(tmp_path, recipe, paused=True) as (session, run), attached_session(run) as here:
        session.resume()
        shown(here, lambda snapshot: snapshot.phase is Phase.FINISHED)
        check_that_they_are_equal(here, session)


def test_a_failure_is_seen_and_another_attempt_is_another_run(tmp_path: Path):
    with training(tmp_path, paused=True) as (session, run), attached_session(run) as here:
        session.step()
        session.adjust(ENDLESS.with_(learning_rate=3e38))
        session.resume()
        failed = shown(here, lambda snapshot: snapshot.phase is Phase.FAILED)
        assert "no longer a number" in failed.error
        check_that_they_are_equal(here, session)
        here.resume()
        shown(here, lambda snapshot: snapshot.run != failed.run)
        shown(here, lambda snapshot: snapshot.phase is Phase.FAILED)
        check_that_they_are_equal(here, session)


def test_a_warning_is_seen(tmp_path: Path):
    with training(tmp_path, paused=True) as (session, run), attached_session(run) as here:
        (run.folder / "step-00000001.safetensors").mkdir()
        session.step()
        session.stop()
        shown(here, lambda snapshot: "not saved" in snapshot.warning)
        check_that_they_are_equal(here, session)


def test_a_curve_of_a_million_steps_is_whole(tmp_path: Path):
    run, losses = long_run(tmp_path, 1_000_000)
    with restored(run), attached_session(run) as here:
        snapshot = shown(here, lambda snapshot: snapshot.step == len(losses))
        assert torch.equal(snapshot.losses[: len(losses)], losses)


# It passes on what is asked


def test_a_run_is_steered(tmp_path: Path):
    with training(tmp_path) as (session, run), attached_session(run) as here:
        here.pause()
        step = shown(here, lambda snapshot: snapshot.phase is Phase.PAUSED).step
        here.step()
        shown(here, lambda snapshot: snapshot.step == step + 1)
        changed = ENDLESS.with_(learning_rate=0.5, l2=0.1)
        here.adjust(changed.with_(seed=5))
        shown(here, lambda snapshot: snapshot.recipe == changed)
        here.set_speed(500)
        wait_until(lambda: session.speed == 500)
        here.set_speed(None)
        wait_until(lambda: session.speed is None)
        here.resume()
        shown(here, lambda snapshot: snapshot.phase is Phase.RUNNING)
        shown(here, lambda snapshot: snapshot.step > step + 1)
        here.stop()
        shown(here, lambda snapshot: snapshot.phase is Phase.STOPPED)
        assert obeyed(session).phase is Phase.STOPPED


def test_the_network_is_the_same(tmp_path: Path):
    recipe = ENDLESS.with_(n=3)
    with training(tmp_path, recipe, paused=True) as (session, run), attached_session(run) as here:
        session.step()
        there = session.trained().result(PATIENCE)
        shown(here, lambda snapshot: snapshot.step == 1)
        got = here.trained().result(PATIENCE)
        assert (got.step, got.run) == (1, here.snapshot.run)
        assert torch.equal(got.network.W, there.network.W)


def test_answers_may_be_waited_for_together(tmp_path: Path):
    with training(tmp_path) as (_, run), attached_session(run) as here:
        answers = [here.trained() for _ in range(4)]
        steps = [answer.result(PATIENCE).step for answer in answers]
        assert steps == sorted(steps)


def test_an_answer_that_nobody_wants_any_more_harms_nothing(tmp_path: Path):
    with training(tmp_path) as (_, run), attached_session(run) as here:
        for _ in range(5):
            here.trained().cancel()
            assert here.trained().result(PATIENCE).network is not None
        assert not here.ended


def test_leaving_changes_nothing_in_the_run(tmp_path: Path):
    with training(tmp_path, paused=True) as (session, run):
        before = obeyed(session)
        with attached_session(run) as here:
            shown(here, lambda snapshot: snapshot.phase is Phase.PAUSED)
        assert here.ended
        assert obeyed(session) == before
        here.stop()
        here.adjust(ENDLESS.with_(learning_rate=9))
        assert here.trained().result(PATIENCE) is None
        assert obeyed(session) == before


def test_the_end_of_the_trainer_ends_it(tmp_path: Path):
    with training(tmp_path) as (session, run), attached_session(run) as here:
        shown(here, lambda snapshot: snapshot.step > 0)
        session.close()
        session.join()
        wait_until(lambda: here.ended)
        assert told(here.snapshot) == told(session.snapshot)
        assert here.snapshot.phase is Phase.STOPPED
        assert here.trained().result(PATIENCE) is None


@pytest.mark.parametrize("end", [Phase.STOPPED, Phase.FINISHED, Phase.FAILED])
def test_an_end_that_the_trainer_had_no_time_to_tell_is_seen(
    end: Phase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    recipe = ENDLESS.with_(steps=300) if end is Phase.FINISHED else ENDLESS
    with training(tmp_path, recipe, paused=True) as (session, run), attached_session(run) as here:
        shown(here, lambda snapshot: snapshot.phase is Phase.PAUSED)
        monkeypatch.setattr("model.server.Server._tell", lambda *_: None)  # it reads too slowly
        if end is Phase.FAILED:
            session.adjust(ENDLESS.with_(learning_rate=1e39))
        if end is not Phase.STOPPED:
            session.resume()
            wait_until(lambda: session.snapshot.phase is end)
        session.close()
        session.join()
        wait_until(lambda: here.ended)
        assert here.snapshot.phase is session.snapshot.phase is end
        assert here.snapshot.error == session.snapshot.error


def test_a_run_that_nobody_trains_cannot_be_attached_to(tmp_path: Path):
    run = runs.create(tmp_path, CORPUS, ENDLESS)
    with pytest.raises(NotTrainedError, match="resume it"):
        AttachedSession(run, CORPUS)
    with closing(socket.socket(socket.AF_UNIX)) as dead, protocol.address(run.socket) as address:
        dead.bind(address)
    with pytest.raises(NotTrainedError, match="resume it"):  # of a process that was killed
        AttachedSession(run, CORPUS)
