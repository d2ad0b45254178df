"""The lines between a trainer and its viewers: what is understood, and what is refused."""

import json
import math
import re
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from model import protocol
from model.draws import Draws
from model.errors import MakemoreError
from model.protocol import (
    ARGUMENTS,
    FASTEST,
    MOST_MESSAGE,
    MOST_REQUEST,
    MOST_SAMPLES,
    SLOWEST,
    VERSION,
    ProtocolError,
    Request,
    decode,
    encode,
    state_message,
    state_of,
)
from model.recipe import ADJUSTABLE, RECIPES
from model.server import MOST_VIEWERS, MOST_WAITING
from model.session import Phase, Snapshot

MANUAL = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text()
RECIPE = RECIPES["converge"]
SNAPSHOT = Snapshot(
    Phase.RUNNING, RECIPE, 3, 12.5, 0.25, 1.5, "cpu (as asked)", warning="w", checkpoint=2
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


def request(**fields: object) -> Request:
    return Request.of(encode({"id": 1, **fields}))


# What is understood


def test_what_is_encoded_is_one_line_that_decodes_to_the_same():
    message = {"type": "x", "text": "a\nb\u2028\u00e9\x1b\ud800", "numbers": [1, 0.1, None]}
    line = encode(message)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert decode(line) == message


@pytest.mark.parametrize("name", ARGUMENTS)
def test_a_request_without_arguments_is_one(name: str):
    assert request(request=name) == Request(1, name, {})


def test_a_rate_and_a_penalty_are_taken_into_a_recipe():
    adjusted = request(request="adjust", learning_rate=2, l2=0.5).adjusted(RECIPE)
    assert adjusted == RECIPE.with_(learning_rate=2.0, l2=0.5)
    assert request(request="adjust").adjusted(RECIPE) == RECIPE
    assert ARGUMENTS["adjust"] == set(ADJUSTABLE)


@pytest.mark.parametrize("speed", [SLOWEST, 1, 2.5, FASTEST])
def test_a_speed_is_a_number(speed: float):
    assert request(request="speed", steps_per_second=speed).speed() == speed
    assert request(request="speed", steps_per_second=None).speed() is None


def test_draws_have_the_defaults_of_the_manual():
    assert request(request="samples").draws() == Draws(count=5)
    given = {"count": 2, "seed": 3, "prefix": "a", "temperature": 2, "top_k": 4, "max_length": 9}
    assert request(request="samples", **given).draws() == Draws(**given)
    assert request(request="samples", top_k=None).draws().top_k is None


@pytest.mark.parametrize(
    "snapshot", [Snapshot(), SNAPSHOT, Snapshot(Phase.FAILED, RECIPE, error="it broke")]
)
@pytest.mark.parametrize("speed", [None, 30])
def test_a_state_is_read_as_it_was_written(snapshot: Snapshot, speed: float | None):
    fields, read = state_of(decode(encode(state_message(snapshot, speed))))
    assert Snapshot(**fields) == snapshot
    assert read == speed


# What is refused


@pytest.mark.parametrize("field", sorted(state_message(SNAPSHOT, None).keys() - {"type"}))
@pytest.mark.parametrize("value", [[0], {"a": 1}, True, math.inf])
def test_a_state_with_a_field_of_another_kind_is_refused(field: str, value: object):
    with pytest.raises(MakemoreError):
        state_of({**state_message(SNAPSHOT, None), field: value})


@pytest.mark.parametrize("field", sorted(state_message(SNAPSHOT, None).keys() - {"type"}))
def test_a_state_without_a_field_is_refused(field: str):
    message = state_message(SNAPSHOT, None)
    del message[field]
    with pytest.raises(ProtocolError):
        state_of(message)


@pytest.mark.parametrize("text", [None, 1, "!", "AAA", "AA==\n", "\u00e9"])
def test_what_is_not_in_base64_is_refused(text: object):
    with pytest.raises(ProtocolError):
        protocol.text_to_bytes(text)


@given(st.binary())
def test_bytes_come_back_from_their_text(data: bytes):
    assert protocol.text_to_bytes(protocol.bytes_to_text(data)) == data


# Anything at all


def understood(line: bytes) -> None:
    """Whatever a line holds, it is a request that can be obeyed, or an error of one line."""
    try:
        got = Request.of(line)
        if got.name == "adjust":
            recipe = got.adjusted(RECIPE)
            assert 0 < recipe.learning_rate < math.inf
            assert recipe == RECIPE.adjusted_to(recipe)
        elif got.name == "speed":
            speed = got.speed()
            assert speed is None or SLOWEST <= speed <= FASTEST
        elif got.name == "samples":
            draws = got.draws()
            assert 1 <= draws.count <= MOST_SAMPLES
            assert len(draws.prefix) < draws.max_length <= MOST_SAMPLES
    except MakemoreError as error:
        assert str(error).isprintable()
        assert len(str(error)) < 2 * MOST_REQUEST


@given(st.binary(max_size=200))
def test_any_bytes_are_a_request_or_an_error(line: bytes):
    understood(line)


arguments = st.sampled_from(sorted(set().union(*ARGUMENTS.values()) | {"unknown"}))


@given(
    st.sampled_from([*ARGUMENTS, "unknown"]),
    st.dictionaries(arguments, json_values | st.floats(0, 2) | st.integers(1, 2000), max_size=3),
    st.integers(0, 9) | json_values,
)
def test_any_request_is_one_or_an_error(name: str, fields: dict[str, object], id: object):
    understood(json.dumps({"request": name, "id": id, **fields}).encode())


@given(st.sampled_from(list(ARGUMENTS)), st.data())
def test_a_line_that_is_cut_or_changed_is_a_request_or_an_error(name: str, data: st.DataObject):
    line = bytearray(encode({"id": 1, "request": name, **dict.fromkeys(ARGUMENTS[name], 1)}))
    place = data.draw(st.integers(0, len(line) - 1))
    line[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    understood(bytes(line))


@given(
    st.dictionaries(
        st.sampled_from(list(state_message(SNAPSHOT, None))), json_values | st.integers(0, 9)
    )
)
def test_any_state_is_one_or_an_error(changes: dict[str, object]):
    try:
        fields, speed = state_of({**state_message(SNAPSHOT, None), **changes})
    except MakemoreError as error:
        assert str(error)
    else:
        snapshot = Snapshot(**fields)
        assert math.isfinite(snapshot.steps_per_second + snapshot.seconds)
        assert snapshot.recipe is None or snapshot.step <= snapshot.recipe.steps
        assert speed is None or math.isfinite(speed)


# The manual


def headings(of: str) -> set[str]:
    """The names in the third-level headings of a section of the manual."""
    section = re.split(r"^## ", MANUAL, flags=re.MULTILINE)
    (text,) = (part for part in section if part.startswith(f"{of}\n"))
    return set(re.findall(r"^### `(\w+)`$", text, re.MULTILINE))


def fields_of(heading: str) -> set[str]:
    """The names in the table below a heading."""
    text = MANUAL.split(f"### `{heading}`\n")[1].split("\n#")[0]
    return set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))


def test_every_request_is_in_the_manual_and_no_other():
    assert headings("Requests") == set(ARGUMENTS)


@pytest.mark.parametrize("name", ARGUMENTS)
def test_every_argument_is_in_the_manual_and_no_other(name: str):
    assert fields_of(name) == set(ARGUMENTS[name])


def test_every_message_is_in_the_manual_and_no_other():
    sources = "".join((Path(protocol.__file__).parent / f"{name}.py").read_text()
                      for name in ("server", "protocol"))  # fmt: skip
    said = set(re.findall(r'(?:type=|"type": )"(\w+)"', sources))
    assert headings("Messages") == said


def test_every_field_of_the_state_is_in_the_manual_and_no_other():
    assert fields_of("state") == state_message(SNAPSHOT, None).keys() - {"type"}


def test_every_field_of_the_recipe_is_in_the_manual():
    text = MANUAL.split("### `state`\n")[1].split("\n### ")[0]
    assert all(f"`{name}`" in text for name in asdict(RECIPE))


def test_the_limits_are_in_the_manual():
    text = MANUAL.split("## Limits\n")[1].split("\n## ")[0]
    limits = dict(re.findall(r"^\| (.+) \| (\S+) \|$", text, re.MULTILINE))
    assert limits == {
        "of": "is",
        "---": "---",
        "protocol version": f"{VERSION}",
        "bytes in a line to the trainer": f"{MOST_REQUEST}",
        "bytes in a line from the trainer": f"{MOST_MESSAGE}",
        "viewers at once": f"{MOST_VIEWERS}",
        "`samples` and `weights` that a viewer waits for at once": f"{MOST_WAITING}",
        "words, and characters in a word": f"{MOST_SAMPLES}",
        "lowest steps per second": f"{SLOWEST:g}",
        "highest steps per second": f"{FASTEST:g}",
    }


def test_the_session_in_the_manual_is_one():
    lines = re.findall(r"^([<>]) (\{.*\})$", MANUAL, re.MULTILINE)
    asked = [Request.of(line.encode()) for way, line in lines if way == ">" and "now" not in line]
    told = [decode(line.encode()) for way, line in lines if way == "<"]
    assert [request.name for request in asked] == ["attach", "samples", "stop"]
    assert {message["type"] for message in told} == headings("Messages")
    for message in told:
        if message["type"] == "state":
            state_of(message)
        if message["type"] == "losses":
            data = bytearray(protocol.text_to_bytes(message["losses"]))
            assert torch.frombuffer(data, dtype=torch.float32).isfinite().all()
