"""The session's thread, driven without a screen: commands in any order, exact step counts."""

import threading
from functools import cache

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from running import (
    CORPUS,
    ENDLESS,
    NOTEBOOK,
    QUICK,
    alone,
    finished,
    obeyed,
    training_session,
    wait_until,
)

from model import training
from model.errors import MakemoreError
from model.pace import PACED_CHUNK_SECONDS
from model.recipe import Recipe
from model.reports import Report
from model.session import Phase, Snapshot
from model.training import Trainer
from model.training_session import TrainingSession


def test_a_new_session_is_idle():
    with training_session() as session:
        assert obeyed(session) == Snapshot()
        assert session.trained().result(timeout=60) is None


@pytest.mark.parametrize("recipe", [QUICK, NOTEBOOK, QUICK.with_(n=3, one_hot=True, steps=60)])
@pytest.mark.parametrize("speed", [None, 100_000])
def test_a_run_ends_as_it_does_without_a_session(recipe: Recipe, speed: float | None):
    losses, reports = alone(recipe)
    with training_session(speed) as session:
        session.start(CORPUS, recipe)
        end = finished(session)
        assert end.step == recipe.steps
        assert torch.equal(end.losses, losses)
        assert list(end.reports) == reports
        assert end.loss == float(losses[-1])
        assert end.recipe == recipe
        assert end.error == ""
        assert end.floor == pytest.approx(Trainer(CORPUS, recipe).floor)


def test_a_single_step_adds_one():
    with training_session() as session:
        session.start(CORPUS, QUICK, paused=True)
        assert obeyed(session).step == 0
        for step in range(1, 6):
            session.step()
            snapshot = obeyed(session)
            assert (snapshot.step, snapshot.phase) == (step, Phase.PAUSED)
        losses, reports = alone(QUICK)
        assert torch.equal(snapshot.losses[:5], losses[:5])
        assert list(snapshot.reports) == reports[:1]


def test_steps_that_come_faster_than_the_thread_are_of_one_run():
    with training_session() as session:
        session.prepare(CORPUS, QUICK)
        run = obeyed(session).run
        session.step()
        for _ in range(2):
            session.prepare(CORPUS, QUICK)
            session.step()
        snapshot = obeyed(session)
        assert (snapshot.step, snapshot.run, snapshot.phase) == (3, run, Phase.PAUSED)


def test_the_last_single_step_finishes_the_run():
    with training_session() as session:
        session.start(CORPUS, QUICK.with_(steps=2), paused=True)
        session.step()
        session.step()
        session.step()
        snapshot = obeyed(session)
        assert (snapshot.step, snapshot.phase) == (2, Phase.FINISHED)


def test_a_step_pauses_a_run():
    with training_session(100) as session:
        session.start(CORPUS, ENDLESS)
        wait_until(session, lambda snapshot: snapshot.step)
        session.step()
        assert obeyed(session).phase is Phase.PAUSED


@pytest.mark.parametrize("speed", [None, 200])
def test_a_pause_leaves_the_step_where_it_is(speed: float | None):
    with training_session(speed) as session:
        session.start(CORPUS, ENDLESS)
        wait_until(session, lambda snapshot: snapshot.step > 3)
        session.pause()
        paused = obeyed(session)
        assert paused.phase is Phase.PAUSED
        network = session.trained().result(timeout=60).network
        for _ in range(20):
            assert obeyed(session) == paused
        assert torch.equal(network.W, session.trained().result(timeout=60).network.W)
        session.resume()
        wait_until(session, lambda snapshot: snapshot.step > paused.step)


def test_a_paused_run_goes_on_as_if_it_had_not_been():
    losses, reports = alone(QUICK)
    with training_session(1000) as session:
        session.start(CORPUS, QUICK, paused=True)
        for _ in range(10):
            session.step()
            session.resume()
            session.pause()
        session.set_speed(None)
        session.resume()
        end = finished(session)
        assert torch.equal(end.losses, losses)
        assert list(end.reports) == reports


def test_a_new_run_takes_the_place_of_the_old():
    losses, reports = alone(QUICK)
    with training_session() as session:
        seen: set[int] = set()
        for recipe in (ENDLESS, NOTEBOOK, QUICK):
            session.start(CORPUS, recipe)
            seen.add(obeyed(session).run)
        end = finished(session)
        assert end.run == max(seen)
        assert len(seen) == 3
        assert torch.equal(end.losses, losses)
        assert list(end.reports) == reports


def test_there_is_one_thread_however_many_runs():
    before = threading.active_count()
    with training_session() as session:
        for _ in range(5):
            session.start(CORPUS, ENDLESS)
            obeyed(session)
        assert threading.active_count() == before + 1
    assert threading.active_count() == before


def test_a_stopped_run_keeps_its_network():
    with training_session() as session:
        session.start(CORPUS, ENDLESS)
        wait_until(session, lambda snapshot: snapshot.step)
        session.stop()
        stopped = obeyed(session)
        assert stopped.phase is Phase.STOPPED
        session.resume()
        session.step()
        assert obeyed(session) == stopped
        assert session.trained().result(timeout=60) is not None


def test_a_cleared_run_is_forgotten():
    with training_session() as session:
        session.start(CORPUS, ENDLESS)
        session.clear()
        snapshot = obeyed(session)
        assert (snapshot.phase, snapshot.step, snapshot.recipe) == (Phase.IDLE, 0, None)
        assert session.trained().result(timeout=60) is None


def test_a_network_that_was_asked_for_does_not_change():
    with training_session() as session:
        session.start(CORPUS, ENDLESS)
        early = session.trained().result(timeout=60).network
        weights = early.W.clone()
        step = session.snapshot.step
        wait_until(session, lambda snapshot: snapshot.step > step + 100)
        assert torch.equal(early.W, weights)
        assert not torch.equal(early.W, session.trained().result(timeout=60).network.W)


@pytest.mark.parametrize("speed", [1, 10, 100, 1000])
def test_a_pace_goes_in_small_chunks(speed: float, monkeypatch: pytest.MonkeyPatch):
    chunks: list[int] = []

    class CountingTrainer(Trainer):
        def advance(self, most: int) -> Report | None:
            chunks.append(most)
            return super().advance(most)

    monkeypatch.setattr(training, "Trainer", CountingTrainer)
    with training_session(speed) as session:
        session.start(CORPUS, ENDLESS)
        wait_until(session, lambda snapshot: snapshot.step >= min(10, speed))
        session.pause()
        obeyed(session)
    assert max(chunks) <= max(1, speed * PACED_CHUNK_SECONDS)


def test_full_speed_goes_in_large_chunks(monkeypatch: pytest.MonkeyPatch):
    chunks: list[int] = []

    class CountingTrainer(Trainer):
        def advance(self, most: int) -> Report | None:
            chunks.append(most)
            return super().advance(most)

    monkeypatch.setattr(training, "Trainer", CountingTrainer)
    with training_session(1) as session:
        session.start(CORPUS, ENDLESS)
        session.set_speed(None)
        wait_until(session, lambda _: chunks and max(chunks) > 1)


def test_a_run_that_blows_up_fails_and_the_thread_lives_on():
    with training_session() as session:
        session.start(CORPUS, QUICK.with_(learning_rate=1e39))
        failed = wait_until(session, lambda snapshot: snapshot.phase is Phase.FAILED)
        assert failed.error
        assert failed.error.isprintable()
        assert failed.step < QUICK.steps
        for command in (session.step, session.resume, session.pause, session.stop):
            command()
            assert obeyed(session) == failed
        session.start(CORPUS, QUICK)
        assert finished(session).error == ""


def test_a_run_that_cannot_begin_fails():
    missing = "cuda" if torch.backends.mps.is_available() else "mps"
    with training_session() as session:
        session.start(CORPUS, QUICK.with_(device=missing))
        failed = obeyed(session)
        assert failed.phase is Phase.FAILED
        assert missing in failed.error
        assert session.trained().result(timeout=60) is None
        session.start(CORPUS, QUICK)
        finished(session)


@pytest.mark.parametrize("speed", [None, 1])
def test_closing_a_run_ends_the_thread(speed: float | None):
    before = threading.active_count()
    session = TrainingSession(speed)
    session.start(CORPUS, ENDLESS)
    wait_until(session, lambda snapshot: snapshot.step)
    session.close()
    session.join()
    assert threading.active_count() == before


# What may change while a run goes on


@pytest.mark.parametrize("paused", [False, True])
def test_a_learning_rate_that_is_set_is_that_of_the_later_steps_alone(paused: bool):
    plain, _ = alone(QUICK)
    with training_session(100) as session:
        session.start(CORPUS, QUICK, paused=paused)
        if paused:
            for _ in range(5):
                session.step()
        before = wait_until(session, lambda snapshot: snapshot.step >= 5).step
        session.adjust(QUICK.with_(learning_rate=0.25, l2=0.5))
        after = obeyed(session)
        session.set_speed(None)
        session.resume()
        end = finished(session)
    assert before <= after.step < QUICK.steps
    assert after.recipe == QUICK.with_(learning_rate=0.25, l2=0.5)
    assert end.recipe == after.recipe
    # The first step with another rate still has the loss from before its update.
    assert torch.equal(end.losses[: before + 1], plain[: before + 1])
    assert end.losses[-1] != plain[-1]
    trainer = Trainer(CORPUS, QUICK)
    trainer.advance(1)
    while trainer.step < after.step:
        trainer.advance(1)
    trainer.adjust(after.recipe)
    assert list(end.reports)[-1].lr == after.recipe.lr(QUICK.steps - 1)
    if paused:
        list(trainer.run())
        assert torch.equal(end.losses, trainer.losses)


def test_nothing_but_the_rate_its_schedule_and_the_penalty_is_taken_over():
    other = NOTEBOOK.with_(learning_rate=3.0, l2=2.0, steps=7, seed=9, n=4, device="auto")
    kept = QUICK.with_(learning_rate=3.0, l2=2.0, schedule=other.schedule)
    with training_session() as session:
        session.start(CORPUS, QUICK, paused=True)
        session.adjust(other)
        assert obeyed(session).recipe == kept


def test_a_run_that_is_over_or_not_there_is_not_adjusted():
    changed = QUICK.with_(learning_rate=0.5)
    with training_session() as session:
        session.adjust(changed)
        assert obeyed(session) == Snapshot()
        session.start(CORPUS, QUICK)
        end = finished(session)
        session.adjust(changed)
        assert obeyed(session) == end


def test_a_rate_that_no_run_can_have_cannot_be_asked_for():
    for rate in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(MakemoreError, match="learning rate"):
            QUICK.with_(learning_rate=rate)


def test_a_network_asked_for_at_the_end_keeps_nobody_waiting():
    session = TrainingSession()
    session.close()
    asked = session.trained()
    session.join()
    assert session.trained().result(timeout=5) is None
    assert asked.result(timeout=5) is None


# Any commands in any order. What they lead to is told by the step and the phase alone.

COMMANDS = ("start", "start paused", "pause", "resume", "step", "stop", "clear")
LIVE = (Phase.RUNNING, Phase.PAUSED)


def expected(command: str, phase: Phase) -> Phase:
    """The phase that a command leads to."""
    match command:
        case "start":
            return Phase.RUNNING
        case "start paused":
            return Phase.PAUSED
        case "pause":
            return Phase.PAUSED if phase is Phase.RUNNING else phase
        case "resume":
            return Phase.RUNNING if phase is Phase.PAUSED else phase
        case "step":
            return Phase.PAUSED if phase in LIVE else phase
        case "stop":
            return Phase.STOPPED if phase in LIVE else phase
        case _:
            return Phase.IDLE


def send(session: TrainingSession, command: str) -> None:
    match command:
        case "start":
            session.start(CORPUS, ENDLESS.with_(steps=10_000))
        case "start paused":
            session.start(CORPUS, ENDLESS.with_(steps=10_000), paused=True)
        case _:
            getattr(session, command)()


@cache
def known_losses() -> torch.Tensor:
    """The losses that every run of the next test follows."""
    losses, _ = alone(ENDLESS.with_(steps=10_000))
    return losses


@settings(max_examples=20)
@given(st.lists(st.sampled_from(COMMANDS), max_size=12))
def test_commands_in_any_order_lead_where_they_should(commands: list[str]):
    losses = known_losses()
    with training_session(10) as session:
        before = obeyed(session)
        for command in commands:
            send(session, command)
            after = obeyed(session)
            assert after.phase is expected(command, before.phase)
            if command in ("start paused", "clear"):
                assert after.step == 0
            elif command == "step" and before.phase is Phase.PAUSED:
                assert after.step == before.step + 1
            elif command != "start" and Phase.RUNNING not in (before.phase, after.phase):
                assert after.step == before.step
            if after.losses is not None:
                assert torch.equal(after.losses[: after.step], losses[: after.step])
            before = after


@settings(max_examples=20)
@given(st.lists(st.sampled_from(COMMANDS), max_size=30))
def test_commands_in_a_burst_leave_a_session_that_works(commands: list[str]):
    with training_session() as session:
        for command in commands:
            send(session, command)
        session.start(CORPUS, QUICK)
        end = finished(session)
        assert end.step == QUICK.steps
        assert len(end.reports) == 3
