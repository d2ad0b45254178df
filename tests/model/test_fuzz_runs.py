"""Any bytes in the place of a run's files: what is read is in order, or refused in one line."""

import json
import math
from pathlib import Path

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from running import QUICK, kept_run

from model.checkpoints import Checkpoint
from model.corpus import parse
from model.errors import MakemoreError
from model.history import read_history, read_reports
from model.recipe import MOST_STEPS
from model.run_table import figures
from model.run_writer import newest_checkpoint
from model.runs import LONGEST_NAME, Run
from model.session import Phase
from model.status import Status
from model.training import Trainer

FEW = parse(b"abba\nbaab\n", "few words")
STEPS = 9


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A good run, of which each test spoils one file."""
    run = kept_run(tmp_path_factory.mktemp("runs"), QUICK.with_(steps=120), 5, STEPS, corpus=FEW)
    status = Status(Phase.STOPPED, STEPS, 2.5, 2.25, 1.5, "", 4711)
    (run.folder / "status.json").write_text(json.dumps(status.stored))
    return run


@pytest.fixture(scope="module")
def whole(run: Run) -> dict[str, bytes]:
    """What the files of the good run hold."""
    return {path.name: path.read_bytes() for path in run.folder.iterdir()}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
pieces = st.binary(max_size=12) | st.sampled_from(
    [b"\n", b"\t", b'"', b"{", b"}", b"[", b"NaN", b"1e999", b"-1", b"null", b"9" * 400, b"\\ud800"]
)
cuts = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 40), pieces), max_size=4)


def spoiled(data: bytes, changes: list[tuple[float, int, bytes]]) -> bytes:
    """`data` with bytes at some places, given as fractions, replaced by others."""
    for place, dropped, inserted in changes:
        start = round(place * len(data))
        data = data[:start] + inserted + data[start + dropped :]
    return data


def with_value(data: bytes, key: str, value: object) -> bytes:
    """A JSON object with another value under a key, which may be one of an object in it."""
    stored = json.loads(data)
    for inner in (stored, *(each for each in stored.values() if isinstance(each, dict))):
        if key in inner:
            inner[key] = value
    return json.dumps(stored).encode()


def assert_one_line(error: MakemoreError) -> None:
    assert str(error).isprintable()
    assert len(str(error)) < 1000


def check_run(folder: Path) -> None:
    try:
        run = Run.open(folder)
    except MakemoreError as error:
        assert_one_line(error)
        return
    assert run.folder == folder
    assert 0 < len(run.name) <= LONGEST_NAME
    assert 1 <= run.recipe.steps <= MOST_STEPS
    assert type(run.corpus.source) is str
    assert figures(run)["id"] == folder.name


def check_status(run: Run) -> None:
    status = run.status
    assert status.phase in Phase
    assert 0 <= status.step <= MOST_STEPS
    assert 0 <= status.seconds < math.inf
    assert all(value is None or math.isfinite(value) for value in (status.loss, status.floor))
    json.dumps(figures(run), allow_nan=False)


@given(st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode()))
@example(b"[" * 100_000)
@example(b"9" * 5000)
def test_any_bytes_may_be_in_the_json_files(run: Run, whole: dict[str, bytes], data: bytes):
    (run.folder / "run.json").write_bytes(data)
    check_run(run.folder)
    (run.folder / "run.json").write_bytes(whole["run.json"])
    (run.folder / "status.json").write_bytes(data)
    check_status(run)


@given(cuts)
def test_a_run_with_some_bytes_changed_is_in_order_or_refused(
    run: Run, whole: dict[str, bytes], changes: list[tuple[float, int, bytes]]
):
    (run.folder / "run.json").write_bytes(spoiled(whole["run.json"], changes))
    check_run(run.folder)
    (run.folder / "run.json").write_bytes(whole["run.json"])


@given(
    st.sampled_from(["format", "name", "created", "recipe", "corpus", "steps", "n", "seed", "l2",
                     "learning_rate", "optimiser", "model", "device", "one_hot", "source",
                     "sha256", "words", "characters"]),
    json_values,
)  # fmt: skip
@example("recipe", [])
@example("steps", 10**400)
@example("learning_rate", 10**400)
@example("name", "\ud800")
def test_a_run_with_any_value_is_in_order_or_refused(
    run: Run, whole: dict[str, bytes], key: str, value: object
):
    (run.folder / "run.json").write_bytes(with_value(whole["run.json"], key, value))
    check_run(run.folder)
    (run.folder / "run.json").write_bytes(whole["run.json"])


@given(cuts)
def test_a_status_with_some_bytes_changed_is_in_order_or_unknown(
    run: Run, whole: dict[str, bytes], changes: list[tuple[float, int, bytes]]
):
    (run.folder / "status.json").write_bytes(spoiled(whole["status.json"], changes))
    check_status(run)


@given(
    st.sampled_from(["phase", "step", "loss", "floor", "seconds", "error", "process"]),
    json_values,
)
@example("seconds", 5e-324)
@example("step", 10**400)
@example("loss", [])
@example("loss", math.nan)
@example("loss", 1.7e308)
@example("floor", -1.7e308)
def test_a_status_with_any_value_is_in_order_or_unknown(
    run: Run, whole: dict[str, bytes], key: str, value: object
):
    (run.folder / "status.json").write_bytes(with_value(whole["status.json"], key, value))
    check_status(run)


def check_history(path: Path, most: int) -> None:
    """That what is read is what is written in the part of the file that it is said to take."""
    losses, size = read_history(path, most)
    data = path.read_bytes()
    assert len(losses) <= most
    assert size <= len(data)
    lines = [line for line in data[:size].split(b"\n")[:-1] if line + b"\n" != b"step\tlr\tloss\n"]
    assert len(lines) == len(losses)
    for step, (line, loss) in enumerate(zip(lines, losses.tolist(), strict=True)):
        number, _, written = line.split(b"\t")
        assert int(number) == step
        assert torch.tensor(float(written)).equal(torch.tensor(loss)) or math.isnan(loss)


def check_reports(path: Path, most: int) -> None:
    reports, size = read_reports(path, most)
    data = path.read_bytes()
    assert data[:size].count(b"\n") == len(reports)
    steps = [report.step for report in reports]
    assert steps == sorted(set(steps))
    lines = data[:size].split(b"\n")
    for report, line in zip(reports, lines, strict=False):
        assert json.loads(line)["samples"] == list(report.samples)
        assert 0 <= report.step < most
        assert math.isfinite(report.lr)
        assert math.isfinite(report.loss)
        assert all(type(word) is str for word in report.samples)


mutations = cuts | st.just([])


@given(mutations, st.binary(max_size=60), st.integers(0, 2 * STEPS))
@example([], b"9\t1\t1e999\n10\t1\t-nan\n", 50)
@example([], b"9\t1\t" + b"9" * 400 + b"\n", 50)
@example([], b"9" * 5000 + b"\t1\t1\n", 50)
def test_a_history_is_read_as_far_as_it_is_one(
    run: Run,
    whole: dict[str, bytes],
    changes: list[tuple[float, int, bytes]],
    tail: bytes,
    most: int,
):
    path = run.folder / "history.tsv"
    path.write_bytes(spoiled(whole[path.name], changes) + tail)
    check_history(path, most)
    if not changes:
        assert len(read_history(path, most)[0]) >= min(most, STEPS)
    path.write_bytes(whole[path.name])


@given(
    mutations,
    st.dictionaries(st.sampled_from(["step", "lr", "loss", "samples"]), json_values),
    st.integers(0, 100),
)
@example([], {"step": 10, "lr": 10**400, "loss": 1.0, "samples": []}, 100)
@example([], {"step": 10, "lr": math.inf, "loss": math.nan, "samples": []}, 100)
@example([], {"step": 10, "lr": 1.0, "loss": 1.0, "samples": "text"}, 100)
def test_a_log_is_read_as_far_as_it_is_one(
    run: Run,
    whole: dict[str, bytes],
    changes: list[tuple[float, int, bytes]],
    last: dict[str, object],
    most: int,
):
    path = run.folder / "reports.jsonl"
    good = {"step": 10, "lr": 1.0, "loss": 1.0, "samples": ["ab"]}
    line = json.dumps({**good, **last}).encode() + b"\n"
    path.write_bytes(spoiled(whole[path.name], changes) + line)
    check_reports(path, most)
    path.write_bytes(whole[path.name])


def check_checkpoint(data: bytes) -> None:
    try:
        checkpoint = Checkpoint.of(data)
    except MakemoreError as error:
        assert_one_line(error)
        return
    assert 0 <= checkpoint.step <= checkpoint.recipe.steps
    assert checkpoint.finite in (False, True)


@given(st.binary(max_size=300))
def test_any_bytes_may_be_in_a_checkpoint(data: bytes):
    check_checkpoint(data)
    check_checkpoint(len(data).to_bytes(8, "little") + data)


@given(json_values, st.binary(max_size=20))
@example({"__metadata__": None}, b"")
@example({"W": {"dtype": "F32", "shape": [0, 2**62], "data_offsets": [0, 0]}}, b"")
@example({"W": {"dtype": "F32", "shape": [2**63, 2], "data_offsets": [0, 0]}}, b"")
@example({"W": {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}}, b"xx")
@example({"\x1b[31m\n": {"dtype": "\x1b[31m", "shape": [], "data_offsets": [0, 4]}}, b"")
def test_any_header_may_be_in_a_checkpoint(header: object, body: bytes):
    text = json.dumps(header).encode()
    check_checkpoint(len(text).to_bytes(8, "little") + text + body)


@given(cuts)
def test_a_checkpoint_with_some_bytes_changed_is_in_order_or_refused(
    run: Run, whole: dict[str, bytes], changes: list[tuple[float, int, bytes]]
):
    name = f"step-{STEPS:08}.safetensors"
    data = spoiled(whole[name], changes)
    check_checkpoint(data)
    (run.folder / name).write_bytes(data)
    trainer = Trainer(FEW, run.recipe)
    restored = newest_checkpoint(run, trainer)
    assert (trainer.step, len(restored.broken)) in ((STEPS, 0), (5, 1))
    trainer.advance(1)
    (run.folder / name).write_bytes(whole[name])
