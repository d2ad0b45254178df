"""The socket in a run's folder: who may attach, what is obeyed, and what is not."""

import base64
import json
import os
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from viewers import (
    CORPUS,
    ENDLESS,
    PATIENCE,
    Line,
    attached,
    obeyed,
    restored,
    training,
    wait_until,
)

from model import protocol, runs
from model.checkpoints import tensors_of
from model.draws import Draws
from model.protocol import address, encode
from model.runs import Run
from model.sampling import sample
from model.server import MOST_VIEWERS
from model.session import Phase
from model.training_session import TrainingSession

pytestmark = pytest.mark.filterwarnings("error")  # an exception in a thread is one
NOBODY = 65534


@pytest.fixture
def paused(tmp_path: Path) -> Iterator[tuple[TrainingSession, Run]]:
    with training(tmp_path, paused=True) as both:
        yield both


# Who may attach


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_socket_is_for_the_user_alone_however_wide_the_folder_was(tmp_path: Path):
    run = runs.create(tmp_path, CORPUS, ENDLESS)
    run.folder.chmod(0o755)
    before = os.umask(0)
    try:
        with restored(run):
            assert (mode(run.folder), mode(run.socket)) == (0o700, 0o600)
            assert stat.S_ISSOCK(run.socket.stat().st_mode)
    finally:
        os.umask(before)
    assert not run.socket.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_another_user_is_refused():
    with tempfile.TemporaryDirectory() as root:
        Path(root).chmod(0o755)
        with training(Path(root), paused=True) as (session, run):
            run.folder.chmod(0o755)
            run.socket.chmod(0o666)
            read, write = os.pipe()
            if (child := os.fork()) == 0:
                try:
                    os.setuid(NOBODY)
                    stranger = socket.socket(socket.AF_UNIX)
                    stranger.connect(str(run.socket))
                    stranger.settimeout(PATIENCE)
                    while data := stranger.recv(4096):
                        os.write(write, data)
                finally:
                    os._exit(0)
            os.close(write)
            with os.fdopen(read, "rb") as file:
                said = [json.loads(line) for line in file]
            os.waitpid(child, 0)
            assert [(message["type"], message["id"]) for message in said] == [("error", None)]
            assert "another user" in said[0]["message"]
            with attached(run):
                assert session.snapshot.phase is Phase.PAUSED


def test_the_path_of_a_folder_may_be_as_long_as_it_likes(tmp_path: Path):
    root = tmp_path / ("deep" * 30) / ("down" * 30)
    with training(root, paused=True) as (_, run), attached(run) as line:
        assert len(os.fsencode(run.socket)) > 200
        assert line.until_state(lambda state: True)["phase"] == "paused"


def test_the_socket_of_a_process_that_was_killed_is_replaced(tmp_path: Path):
    run = runs.create(tmp_path, CORPUS, ENDLESS)
    code = "import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])"
    with address(run.socket) as short:
        subprocess.run([sys.executable, "-c", code, short], check=True)
    assert run.socket.exists()
    with restored(run), attached(run) as line:
        assert line.until_state(lambda state: True)["phase"] == "paused"


def test_there_is_room_for_so_many_viewers_and_for_another_when_one_leaves(
    paused: tuple[TrainingSession, Run],
):
    _, run = paused
    with ExitStack() as stack:
        lines = [stack.enter_context(attached(run)) for _ in range(MOST_VIEWERS)]
        with closing(Line(run)) as line:
            (refusal,) = line.rest()
            assert (refusal["type"], refusal["id"]) == ("error", None)
            assert str(MOST_VIEWERS) in refusal["message"]
        for line in lines:
            assert line.answer("pause")["type"] == "reply"
        lines[0].close()
        wait_until(lambda: closing_answers(run), "a place for another viewer")


def closing_answers(run: Run) -> bool:
    with closing(Line(run)) as line:
        line.ask("attach", protocol=protocol.VERSION)
        message = line.hear()
        return message is not None and message["type"] == "reply"


# What is told


def test_attaching_is_answered_with_who_trains_what(paused: tuple[TrainingSession, Run]):
    _, run = paused
    with closing(Line(run)) as line:
        reply = line.attach()
    assert reply == {
        "type": "reply",
        "id": 1,
        "protocol": protocol.VERSION,
        "run": run.id,
        "process": os.getpid(),
    }


def test_all_viewers_are_told_the_same(tmp_path: Path):
    recipe = ENDLESS.with_(steps=400)
    with training(tmp_path, recipe, paused=True) as (session, run), ExitStack() as stack:
        first = stack.enter_context(attached(run))
        session.step()
        session.step()
        second = stack.enter_context(attached(run))
        session.resume()
        wait_until(lambda: session.snapshot.phase is Phase.FINISHED)
        third = stack.enter_context(attached(run))
        for line in (first, second, third):
            state = line.until_state(lambda state: state["phase"] == "finished")
            assert line.losses.tolist() == session.snapshot.losses.tolist()
            expected = [asdict(report) for report in session.snapshot.reports]
            assert line.reports == json.loads(json.dumps(expected))
            assert state["recipe"] == asdict(recipe)
            assert state["floor"] == session.snapshot.floor
            assert state["device"] == session.snapshot.device
            assert (state["error"], state["warning"]) == ("", "")


def test_a_run_that_is_started_anew_is_told_from_its_beginning(tmp_path: Path):
    with training(tmp_path, paused=True) as (session, run), attached(run) as line:
        session.adjust(ENDLESS.with_(learning_rate=1e30))  # so that it fails
        for _ in range(5):
            session.step()
        line.until_state(lambda state: state["step"] == 5)
        assert line.begun == 1
        session.adjust(ENDLESS.with_(learning_rate=3e38))
        session.resume()
        line.until_state(lambda state: state["phase"] == "failed")
        assert "no longer a number" in line.state["error"]
        session.resume()
        line.until(lambda message: message["type"] == "begin")
        line.until_state(lambda state: state["phase"] == "failed")
        assert line.begun == 2
        assert line.losses.tolist() == session.snapshot.losses[: len(line.losses)].tolist()


def test_the_last_that_a_viewer_hears_is_how_the_run_stands(tmp_path: Path):
    with training(tmp_path) as (session, run), attached(run) as line:
        line.until_state(lambda state: state["step"] > 0)
        session.close()
        session.join()
        assert line.rest()[-1]["type"] == "state"
        assert line.state["phase"] == "stopped"
        assert line.losses.tolist() == session.snapshot.losses[: session.snapshot.step].tolist()


# What is obeyed


def test_a_run_is_steered(tmp_path: Path):
    with training(tmp_path) as (session, run), attached(run) as line:
        for request, phase in [
            ("pause", "paused"),
            ("resume", "running"),
            ("step", "paused"),
            ("stop", "stopped"),
        ]:
            assert line.answer(request).keys() == {"type", "id"}
            assert line.until_state(lambda state, phase=phase: state["phase"] == phase)
        assert session.snapshot.phase is Phase.STOPPED


def test_a_step_adds_one(paused: tuple[TrainingSession, Run]):
    session, run = paused
    with attached(run) as line:
        for step in range(1, 4):
            line.ask("step")
            assert line.until_state(lambda state, step=step: state["step"] == step)
        assert obeyed(session).step == 3


def test_what_may_change_is_changed(paused: tuple[TrainingSession, Run]):
    session, run = paused
    with attached(run) as line:
        line.ask("adjust", learning_rate=0.25)
        line.until_state(lambda state: state["recipe"]["learning_rate"] == 0.25)
        line.ask("adjust", l2=2)
        line.until_state(lambda state: state["recipe"]["l2"] == 2)
        assert session.snapshot.recipe == ENDLESS.with_(learning_rate=0.25, l2=2.0)
        line.ask("speed", steps_per_second=70)
        line.until_state(lambda state: state["speed"] == 70)
        assert session.speed == 70
        line.ask("speed", steps_per_second=None)
        line.until_state(lambda state: state["speed"] is None)
        assert session.speed is None


def test_changes_that_come_at_once_are_all_made(paused: tuple[TrainingSession, Run]):
    session, run = paused
    with attached(run) as line:
        requests = [{"learning_rate": 0.25}, {"l2": 2}]
        lines = [
            encode({"id": number, "request": "adjust", **each})
            for number, each in enumerate(requests)
        ]
        line.send(b"".join(lines))
        line.until_state(lambda state: state["recipe"]["l2"] == 2)
        assert obeyed(session).recipe == ENDLESS.with_(learning_rate=0.25, l2=2.0)


def test_samples_are_drawn_on_request(paused: tuple[TrainingSession, Run]):
    session, run = paused
    with attached(run) as line:
        session.step()
        reply = line.answer("samples", count=7, seed=3, prefix="m", temperature=0.7, top_k=3)
        draws = Draws(count=7, seed=3, prefix="m", temperature=0.7, top_k=3)
        trained = session.trained().result(PATIENCE)
        words = sample(trained.network, draws)
        assert reply["step"] == 1
        assert reply["samples"] == [{"word": word.word, "nll": word.nll} for word in words]
        assert len(line.answer("samples")["samples"]) == 5


def test_the_weights_are_those_of_the_network(paused: tuple[TrainingSession, Run]):
    session, run = paused
    with attached(run) as line:
        session.step()
        reply = line.answer("weights")
        tensors, _ = tensors_of(base64.b64decode(reply["weights"]))
        network = session.trained().result(PATIENCE).network
        assert reply["step"] == 1
        assert tensors.keys() == network.state_dict().keys()
        assert all(torch.equal(tensors[name], t) for name, t in network.state_dict().items())
