"""Something else than a trainer at the socket of a run: it can break no viewer, and hang none."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from viewers import CORPUS, ENDLESS, PATIENCE, attached_session, shown, wait_until

from model import protocol, runs
from model.connection import Connection
from model.errors import MakemoreError
from model.runs import Run
from model.session import Phase, Snapshot

pytestmark = pytest.mark.filterwarnings("error")  # an exception in a thread is one


@contextmanager
def address_of(run: Run) -> Iterator[socket.socket]:
    with closing(socket.socket(socket.AF_UNIX)) as listening:
        with protocol.address(run.socket) as address:
            listening.bind(address)
        listening.listen()
        yield listening


HELLO = b'{"type": "reply", "id": 1, "protocol": 1, "run": "x", "process": 7}\n'


@contextmanager
def impostor(
    run: Run, *lines: bytes, hello: bytes = HELLO, answer: bytes = b""
) -> Iterator[threading.Event]:
    """Something at the run's socket that says this to one viewer, and hangs up at the end.

    It answers one request, if at all.
    """
    leave = threading.Event()
    with address_of(run) as listening:
        listening.settimeout(PATIENCE)

        def serve() -> None:
            with closing(listening.accept()[0]) as connection:
                connection.settimeout(PATIENCE)
                connection.recv(4096)
                try:
                    connection.sendall(hello + b"".join(lines))
                    if answer:
                        connection.recv(4096)
                        connection.sendall(answer)
                    leave.wait(PATIENCE)
                except OSError:  # the viewer has had enough
                    pass

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield leave
        finally:
            leave.set()
            thread.join()
    run.socket.unlink()


def line(**fields: object) -> bytes:
    return json.dumps(fields).encode() + b"\n"


STATE = protocol.state_message(Snapshot(Phase.RUNNING, ENDLESS), None)
FLOATS = protocol.bytes_to_text(bytes(8))
REPORT = {"step": 0, "lr": 1.0, "loss": 1.0, "samples": ["a"]}
RUBBISH = {
    "not JSON": b"hello\n",
    "binary": bytes(range(11, 256)) + b"\n",
    "not an object": b"[]\n",
    "losses without a first": line(type="losses", losses=FLOATS),
    "losses from before": line(type="losses", first=-5, losses=FLOATS),
    "losses from beyond": line(type="losses", first=ENDLESS.steps - 1, losses=FLOATS),
    "losses from far beyond": line(type="losses", first=10**30, losses=FLOATS),
    "losses from nowhere": line(type="losses", first="0", losses=FLOATS),
    "losses from between": line(type="losses", first=0.5, losses=FLOATS),
    "half a loss": line(type="losses", first=0, losses=protocol.bytes_to_text(bytes(7))),
    "losses in no base64": line(type="losses", first=0, losses="!"),
    "losses in a list": line(type="losses", first=0, losses=[1.0]),
    "reports in no list": line(type="reports", first=0, reports=5),
    "reports from far beyond": line(type="reports", first=10**30, reports=[REPORT]),
    "reports from before": line(type="reports", first=-1, reports=[REPORT]),
    "reports from nowhere": line(type="reports", first="x", reports=[REPORT]),
    "a report that is none": line(type="reports", first=0, reports=[{}]),
    "a report with an endless loss": line(
        type="reports", first=0, reports=[{**REPORT, "loss": 10**400}]
    ),
    "a report with samples of no text": line(
        type="reports", first=0, reports=[{**REPORT, "samples": [1]}]
    ),
    "a state without a phase": line(type="state"),
    "a phase that is none": line(**{**STATE, "phase": "tired"}),
    "a recipe that is none": line(**{**STATE, "recipe": {"name": 1}}),
    "more steps than there are": line(**{**STATE, "step": ENDLESS.steps + 1}),
    "a speed that is none": line(**{**STATE, "speed": "fast"}),
}


@pytest.fixture(scope="module")
def any_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return runs.create(tmp_path_factory.mktemp("runs"), CORPUS, ENDLESS)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return runs.create(tmp_path, CORPUS, ENDLESS)


@pytest.mark.parametrize("rubbish", RUBBISH.values(), ids=RUBBISH)
def test_rubbish_ends_the_session_with_a_warning(rubbish: bytes, run: Run):
    with impostor(run, line(type="begin"), rubbish), attached_session(run) as here:
        wait_until(lambda: here.ended)
        assert here.snapshot.warning.startswith("the trainer could not be understood: ")
        assert len(here.snapshot.reports) == 0
        assert here.trained().result(PATIENCE) is None


@pytest.mark.parametrize("word", [b"", b'{"type": "losses", "first": 0, "loss'])
def test_a_trainer_that_is_cut_off_ends_the_session(word: bytes, run: Run):
    with impostor(run, line(**STATE), word) as leave, attached_session(run) as here:
        shown(here, lambda snapshot: snapshot.phase is Phase.RUNNING)
        answer = here.trained()
        assert not answer.done()
        leave.set()
        assert answer.result(PATIENCE) is None
        wait_until(lambda: here.ended)
        assert here.snapshot.phase is Phase.RUNNING


def test_what_a_later_version_adds_is_ignored(run: Run):
    later = line(type="news", text="?"), line(**STATE, more=1), line(type="reply", id=99, more=1)
    with impostor(run, *later), attached_session(run) as here:
        shown(here, lambda snapshot: snapshot.phase is Phase.RUNNING)
        assert not here.ended


@pytest.mark.parametrize(
    "weights",
    [
        {"weights": "!"},
        {"weights": FLOATS},
        {"step": 0},
        {"weights": 7},
    ],
)
def test_weights_that_are_none_are_the_matter_of_who_asked(weights: dict[str, object], run: Run):
    answer = line(type="reply", id=2, **weights)
    with impostor(run, line(**STATE), answer=answer), attached_session(run) as here:
        shown(here, lambda snapshot: snapshot.phase is Phase.RUNNING)
        assert isinstance(here.trained().exception(PATIENCE), Exception)
        assert not here.ended


@pytest.mark.parametrize(
    ("hello", "says"),
    [
        (line(type="error", id=1, message="this trainer speaks protocol 2"), "protocol 2"),
        (line(type="error", id=1, message="\x1b[31m"), "\u241b[31m"),
        (line(type="error", id=1, process=7, message="no more"), "no more"),
        (line(type="reply", id=1), "hung up"),
        (line(type="reply", id=1, process="7"), "hung up"),
        (b"220 smtp ready\n", "JSON"),
        (b"x" * (1 << 17), "bytes"),
    ],
)
def test_something_else_at_the_socket_is_said_in_one_line(hello: bytes, says: str, run: Run):
    with impostor(run, hello=hello), pytest.raises(MakemoreError) as error:
        Connection(run)
    assert says in str(error.value)
    assert str(error.value).isprintable()


def test_a_trainer_that_never_answers_is_not_waited_for(run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("model.connection.PATIENCE_SECONDS", 0.1)
    with address_of(run), pytest.raises(MakemoreError, match="does not answer"):
        Connection(run)


def test_a_trainer_that_reads_nothing_holds_up_nobody(run: Run):
    with impostor(run), attached_session(run) as here:
        for _ in range(20_000):
            here.pause()
        assert here.trained().result(PATIENCE) is None
        assert not here.ended  # it is there all the time


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
GOOD = {
    "begin": {},
    "losses": {"first": 0, "losses": FLOATS},
    "reports": {"first": 0, "reports": [REPORT]},
    "state": {name: value for name, value in STATE.items() if name != "type"},
    "reply": {"id": 2, "weights": None, "step": 0},
    "error": {"id": 2, "message": "no"},
}


@given(
    st.lists(
        st.sampled_from(list(GOOD)).flatmap(
            lambda kind: st.fixed_dictionaries(
                {"type": st.just(kind)},
                optional={name: st.just(value) | json_values for name, value in GOOD[kind].items()},
            )
        ),
        max_size=6,
    )
)
def test_no_trainer_can_break_a_viewer(any_run: Run, messages: list[dict[str, object]]):
    lines = [json.dumps(message).encode() + b"\n" for message in messages]
    with impostor(any_run, *lines) as leave, attached_session(any_run) as here:
        leave.set()
        here.join()
        assert here.ended
        snapshot = here.snapshot
        assert 0 <= snapshot.step <= (snapshot.recipe.steps if snapshot.recipe else 0)
        assert snapshot.losses is None or snapshot.losses.dtype is torch.float32
        assert len(snapshot.reports) >= len(list(snapshot.reports))
        assert snapshot.warning.isprintable() or not messages


@given(st.lists(st.binary(max_size=60), max_size=4))
def test_no_bytes_can_break_a_viewer(any_run: Run, lines: list[bytes]):
    with impostor(any_run, b"\n".join(lines)) as leave, attached_session(any_run) as here:
        leave.set()
        here.join()
        assert here.ended
