"""The socket in a run's folder: bad lines change nothing, and bad viewers are no burden."""

import json
import tracemalloc
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest
from viewers import Line, attached, long_run, obeyed, restored, training, wait_until

from model import protocol
from model.protocol import MOST_REQUEST, MOST_SAMPLES
from model.runs import Run
from model.server import MOST_VIEWERS, MOST_WAITING
from model.training_session import TrainingSession

pytestmark = pytest.mark.filterwarnings("error")  # an exception in a thread is one


@pytest.fixture
def paused(tmp_path: Path) -> Iterator[tuple[TrainingSession, Run]]:
    with training(tmp_path, paused=True) as both:
        yield both


# Bad lines


def request(**fields: object) -> bytes:
    return json.dumps({"id": 7, **fields}).encode() + b"\n"


BAD = {
    "not JSON": b"pause\n",
    "an empty line": b"\n",
    "not an object": b"[1, 2]\n",
    "no UTF-8": b'{"id": 7, "request": "pause\xff"}\n',
    "another encoding": '{"id": 7, "request": "pause"}'.encode("utf-16-be") + b"\n",
    "binary": bytes(range(11, 256)) + b"\n",
    "deep": b"[" * 50_000 + b"\n",
    "an endless number": b'{"id": ' + b"9" * 5000 + b', "request": "pause"}\n',
    "no id": b'{"request": "pause"}\n',
    "an id that is none": b'{"id": "7", "request": "pause"}\n',
    "an id that is true": b'{"id": true, "request": "pause"}\n',
    "no request": request(),
    "an unknown request": request(request="delete"),
    "a request of a wrong type": request(request=["pause"]),
    "a method of the session": request(request="close"),
    "an unknown argument": request(request="pause", now=True),
    "a text for a rate": request(request="adjust", learning_rate="1"),
    "true for a rate": request(request="adjust", learning_rate=True),
    "no rate": request(request="adjust", learning_rate=0),
    "a rate that is no number": request(request="adjust", learning_rate=float("nan")),
    "an endless rate": b'{"id": 7, "request": "adjust", "learning_rate": 1e999}\n',
    "a rate beyond all": b'{"id": 7, "request": "adjust", "learning_rate": 1' + b"0" * 400 + b"}\n",
    "a negative penalty": request(request="adjust", l2=-1),
    "another seed": request(request="adjust", seed=1),
    "a speed of 0": request(request="speed", steps_per_second=0),
    "a speed that never gets there": request(request="speed", steps_per_second=1e-300),
    "a list for a speed": request(request="speed", steps_per_second=[1]),
    "no samples": request(request="samples", count=0),
    "too many samples": request(request="samples", count=MOST_SAMPLES + 1),
    "half a sample": request(request="samples", count=1.5),
    "too long samples": request(request="samples", max_length=MOST_SAMPLES + 1),
    "samples from nowhere": request(request="samples", prefix="?"),
    "a number for a prefix": request(request="samples", prefix=1),
    "half a character": request(request="samples", prefix="\ud800"),
    "no temperature": request(request="samples", temperature=None),
    "another version": request(request="attach", protocol=2),
    "no version": request(request="attach"),
}


@pytest.mark.parametrize("line", BAD.values(), ids=BAD)
def test_a_bad_line_gets_an_error_and_changes_nothing(
    line: bytes, paused: tuple[TrainingSession, Run]
):
    session, run = paused
    before = obeyed(session)
    with attached(run) as viewer:
        viewer.send(line)
        error = viewer.until(lambda message: message["type"] in ("error", "reply"))
        assert error["type"] == "error"
        assert error["id"] in (7, None)
        assert error["message"].isprintable()
        assert obeyed(session) == before
        assert session.speed is None
        assert viewer.answer("step")["type"] == "reply"  # it is still listened to
        assert viewer.until_state(lambda state: state["step"] == 1)


@pytest.mark.parametrize("name", sorted(protocol.ARGUMENTS.keys() - {"attach"}))
def test_nothing_is_obeyed_before_the_handshake(name: str, paused: tuple[TrainingSession, Run]):
    session, run = paused
    before = obeyed(session)
    with closing(Line(run)) as line:
        assert line.answer(name)["message"] == "attach first"
        assert obeyed(session) == before
        assert line.attach()["type"] == "reply"


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_a_line_that_is_too_long_is_the_last(end: bytes, paused: tuple[TrainingSession, Run]):
    session, run = paused
    before = obeyed(session)
    with attached(run) as line:
        with suppress(BrokenPipeError):  # it may be refused before it is whole
            line.send(b" " * (1 << 20) + end)
        last = line.rest()[-1]
        assert (last["type"], last["id"]) == ("error", None)
        assert str(MOST_REQUEST) in last["message"]
    assert obeyed(session) == before


def test_a_line_of_the_greatest_length_is_obeyed(paused: tuple[TrainingSession, Run]):
    session, run = paused
    with attached(run) as line:
        line.send(request(request="step").rstrip(b"\n").ljust(MOST_REQUEST) + b"\n")
        assert line.until_state(lambda state: state["step"] == 1)
    assert obeyed(session).step == 1


def test_half_a_line_is_nothing(paused: tuple[TrainingSession, Run]):
    session, run = paused
    before = obeyed(session)
    with attached(run) as line:
        line.send(request(request="stop").rstrip(b"\n"))
    with attached(run) as line:
        assert line.answer("pause")["type"] == "reply"
    assert obeyed(session) == before


def test_a_line_in_pieces_is_one(paused: tuple[TrainingSession, Run]):
    _, run = paused
    with attached(run) as line:
        for byte in request(request="step"):
            line.send(bytes([byte]))
        assert line.until_state(lambda state: state["step"] == 1)


# Bad viewers


def test_thousands_of_requests_at_once_are_obeyed_one_by_one(paused: tuple[TrainingSession, Run]):
    session, run = paused
    with attached(run) as line:
        line.send(b"".join(request(request="step") for _ in range(3000)))
        line.until_state(lambda state: state["step"] == 3000)
    assert obeyed(session).step == 3000


def test_a_viewer_waits_for_so_many_answers_at_most(paused: tuple[TrainingSession, Run]):
    _, run = paused
    with attached(run) as line:
        line.send(b"".join(request(request="weights") for _ in range(2000)))
        answers = [line.until(lambda it: it["type"] in ("reply", "error")) for _ in range(2000)]
        kinds = [answer["type"] for answer in answers]
        assert kinds.count("reply") >= MOST_WAITING
        assert kinds.count("error") > 0
        assert line.answer("weights")["type"] == "reply"


def test_a_viewer_that_never_reads_costs_nothing(tmp_path: Path):
    run, losses = long_run(tmp_path, 1_000_000)
    with restored(run) as session, ExitStack() as stack:
        silent = [stack.enter_context(closing(Line(run))) for _ in range(16)]
        tracemalloc.start()
        try:
            for line in silent:
                line.ask("attach", protocol=protocol.VERSION)
            reader = stack.enter_context(attached(run))
            reader.until_state(lambda state: True)
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        # The reader's own copies are some 10 MB; 16 curves of unread text would be 85 more.
        assert most < 4 * losses.nbytes + (40 << 20)
        assert reader.losses.tolist() == losses.tolist()
        session.step()
        assert reader.until_state(lambda state: state["phase"] == "finished")


def test_training_does_not_wait_for_a_viewer_that_never_reads(tmp_path: Path):
    with training(tmp_path) as (session, run), closing(Line(run)) as silent:
        silent.ask("attach", protocol=protocol.VERSION)
        for _ in range(3):
            start = session.snapshot.step
            wait_until(lambda start=start: session.snapshot.step > start + 5000)
            with attached(run) as line:
                assert line.until_state(lambda state, start=start: state["step"] > start)


def test_viewers_may_hang_up_at_any_moment(tmp_path: Path):
    with training(tmp_path) as (session, run):
        for number in range(100):
            with closing(Line(run)) as line:
                line.send(request(request="attach", protocol=protocol.VERSION)[: number + 1])
                line.send((b"\n" + request(request="weights") * 20)[: 10 * (number % 50)])
                if number % 3 == 0:
                    line.socket.settimeout(0)
                    with suppress(BlockingIOError):
                        line.socket.recv(100)
        with attached(run) as line:
            assert line.answer("weights")["weights"]
            step = session.snapshot.step
            assert line.until_state(lambda state: state["step"] > step)


def test_the_end_waits_for_nobody(tmp_path: Path):
    run, _ = long_run(tmp_path, 1_000_000)
    with ExitStack() as stack, restored(run) as session:
        for _ in range(MOST_VIEWERS):
            stack.enter_context(closing(Line(run))).ask("attach", protocol=protocol.VERSION)
        session.close()
        session.join()
        assert not run.live
        assert not run.socket.exists()
