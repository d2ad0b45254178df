"""Folders of runs that somebody else has made: they run nothing, write nowhere, keep nobody."""

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from threading import get_ident
from typing import Any

import pytest
from command_line import Makemore
from running import CORPUS, QUICK, kept_run, obeyed, restored, training_session, tree

from model import runs
from model.errors import MakemoreError
from model.run_table import figures
from model.runs import Run
from model.session import Phase, Snapshot

SECRET = b"what is outside\n"
FILES = (
    "run.json",
    "status.json",
    "words.txt",
    "history.tsv",
    "reports.jsonl",
    "step-00000060.safetensors",
    "lock",
    "log.txt",
    "socket",
)


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """What no folder of a run may reach."""
    place = tmp_path / "outside"
    place.mkdir()
    for name in FILES:
        (place / name).write_bytes(SECRET)
    return place


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@pytest.fixture
def run(root: Path) -> Run:
    """A good run, for strangers to spoil."""
    return kept_run(root, QUICK, 40, 60)


def use(run: Run) -> Snapshot | None:
    """Do with a run all that one does with a stranger's; what was left of it to train."""
    root = run.folder.parent
    for found in runs.all_runs(root):
        figures(found)
        found.history()
        found.reports()
    try:
        found = Run.open(run.folder)
        corpus = found.load_corpus()
    except MakemoreError as error:
        assert_plain(str(error))
        return None
    with training_session() as session:
        session.restore(found, corpus)
        session.step()
        snapshot = obeyed(session)
        assert_plain(snapshot.error)
        assert_plain(snapshot.warning)
    return snapshot


def assert_plain(message: str) -> None:
    assert message.isprintable()
    assert len(message) < 1000


def spoil(run: Run, name: str, kind: str, outside: Path) -> None:
    """Put something else in the place of a file."""
    path = run.folder / name
    path.unlink(missing_ok=True)
    match kind:
        case "link":
            path.symlink_to(outside / name)
        case "dangling link":
            path.symlink_to(outside / "new")
        case "link to a device":
            path.symlink_to("/dev/zero")
        case "pipe":
            os.mkfifo(path)
        case "directory":
            path.mkdir()
            (path / "in it").write_bytes(b"")
        case _:
            path.write_bytes(b"")


KINDS = ("link", "dangling link", "link to a device", "pipe", "directory", "empty file")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", FILES)
def test_what_is_no_file_leads_nowhere_and_keeps_nobody(
    run: Run, outside: Path, name: str, kind: str
):
    before = tree(outside)
    spoil(run, name, kind, outside)
    snapshot = use(run)
    assert tree(outside) == before
    if name == "step-00000060.safetensors":
        assert snapshot
        assert (snapshot.phase, snapshot.step) == (Phase.PAUSED, 41)
    elif name == "run.json":
        assert snapshot is None


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_that_a_run_writes_beside_its_files_leads_outside(
    run: Run, outside: Path, kind: str
):
    before = tree(outside)
    for name in ("step-00000061.safetensors", "step-00000060.safetensors.broken", "x.tmp"):
        spoil(run, name, kind, outside)
    (run.folder / "step-00000060.safetensors").write_bytes(b"cut")
    use(run)
    assert tree(outside) == before


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_in_the_way_of_a_draft_leads_nowhere(run: Run, outside: Path, kind: str):
    before = tree(outside)
    spoil(run, f"run.json.{os.getpid()}.{get_ident()}.tmp", kind, outside)
    if kind == "directory":
        with pytest.raises(MakemoreError, match="cannot be renamed"):
            run.rename("another")
    else:
        assert Run.open(run.rename("another").folder).name == "another"
    assert tree(outside) == before


def test_a_link_is_no_folder_of_a_run(root: Path, run: Run, tmp_path: Path):
    elsewhere = tmp_path / "elsewhere"
    run.folder.rename(elsewhere)
    run.folder.symlink_to(elsewhere)
    before = tree(elsewhere)
    assert runs.all_runs(root) == []
    with training_session() as session:
        session.restore(run, CORPUS)
        session.step()
        warning = obeyed(session).warning
        assert "not kept" in warning
        assert_plain(warning)
    with pytest.raises(MakemoreError, match="cannot be deleted") as error:
        run.delete()
    assert "None" not in str(error.value)
    assert tree(elsewhere) == before


def rewrite(run: Run, change: Callable[[dict[str, Any]], object]) -> None:
    stored = json.loads((run.folder / "run.json").read_text())
    change(stored)
    (run.folder / "run.json").write_text(json.dumps(stored))


NAMES = (
    "\x1b[31mred\x07",
    "../../outside",
    "/etc",
    "a\nb",
    "\u202eevil",
    "\ud800",
    "x" * 5000,
    "-",
)


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_a_name_is_only_a_name(root: Path, run: Run, outside: Path, name: str, makemore: Makemore):
    def change(stored: dict[str, Any]) -> None:
        stored["name"] = stored["corpus"]["name"] = name
        stored["id"] = stored["folder"] = "../../outside"
        stored["created"] = name

    rewrite(run, change)
    before = tree(outside)
    (found,) = runs.all_runs(root)
    assert (found.id, found.folder) == (run.id, run.folder)
    use(found)
    for command in (["list"], ["compare", run.id], ["resume", run.id], ["rename", run.id, "good"]):
        result = makemore("runs", "--runs", str(root), *command)
        assert result.status == 0, result.err
        for line in (result.out + result.err).split("\n"):
            assert line.isprintable()
    assert tree(outside) == before
    result = makemore("runs", "--runs", str(root), "delete", "--yes", run.id)
    assert result.status == 0
    assert list(root.iterdir()) == []
    assert tree(outside) == before


@pytest.mark.parametrize("source", ["-", "/dev/zero", "/dev/stdin", "pipe", "~nobody/x", "\0", "..",
                                    "\ud800", "", "x" * 5000], ids=range(10))  # fmt: skip
def test_a_corpus_that_is_none_is_not_waited_for(run: Run, tmp_path: Path, source: str):
    if source == "pipe":
        os.mkfifo(tmp_path / "pipe")
        source = str(tmp_path / "pipe")
    rewrite(run, lambda stored: stored["corpus"].update(source=source))
    (run.folder / "words.txt").unlink()
    with pytest.raises(MakemoreError) as error:
        Run.open(run.folder).load_corpus()
    assert_plain(str(error.value))


def test_words_that_are_others_are_not_learnt(run: Run, outside: Path):
    (run.folder / "words.txt").write_bytes(SECRET)
    with pytest.raises(MakemoreError, match="not those that the run"):
        run.load_corpus()
    rewrite(run, lambda stored: stored["corpus"].update(source=str(outside / "words.txt")))
    (run.folder / "words.txt").unlink()
    with pytest.raises(MakemoreError, match="not those that the run"):
        Run.open(run.folder).load_corpus()


@pytest.mark.parametrize("name", ["run.json", "status.json", "words.txt"])
def test_a_gigantic_file_is_not_read(root: Path, run: Run, name: str):
    with (run.folder / name).open("ab") as file:
        file.truncate(1 << 40)  # with a hole, which takes no room
    assert [found.id for found in runs.all_runs(root)] == [run.id] * (name != "run.json")
    use(run)


def test_a_gigantic_history_is_read_as_far_as_it_is_one(run: Run):
    for name in ("history.tsv", "reports.jsonl"):
        os.truncate(run.folder / name, 1 << 40)
    assert len(run.history()) == 60
    assert len(run.reports()) == 2
    snapshot = use(run)
    assert snapshot
    assert snapshot.step == 61
    assert (run.folder / "history.tsv").stat().st_size < 10_000


def test_a_gigantic_checkpoint_gives_way_to_the_one_before(run: Run):
    os.truncate(run.checkpoints[0], 1 << 40)
    assert restored(run).step == 40


class Trap:
    """What leaves a mark when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.mark,)


@pytest.mark.parametrize("name", FILES[:6])
def test_a_pickle_in_the_place_of_a_file_is_not_unpickled(run: Run, tmp_path: Path, name: str):
    mark = tmp_path / "mark"
    (run.folder / name).write_bytes(pickle.dumps(Trap(mark)))
    use(run)
    assert not mark.exists()
    pickle.loads(pickle.dumps(Trap(mark)))
    assert mark.exists(), "the trap is none"


HOSTILE = (
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b"[]",
    b"null",
    b"1e999",
    b'"text"',
    b"{}",
    b"\xff\xfe",
    b"9" * 5000,
)


@pytest.mark.parametrize("data", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("name", ["run.json", "status.json", "reports.jsonl", "history.tsv"])
def test_json_of_another_kind_does_no_harm(root: Path, run: Run, name: str, data: bytes):
    (run.folder / name).write_bytes(data + b"\n")
    use(run)
    if name == "run.json":
        assert runs.all_runs(root) == []


VALUES = (None, [], {}, "", "x", -1, 0, 1e999, float("nan"), 10**400, True, "\x1b[31m", 1.5)
FIELDS = ("format", "name", "created", "recipe", "corpus", "recipe.steps", "recipe.n",
          "recipe.learning_rate", "recipe.l2", "recipe.seed", "recipe.model", "recipe.device",
          "corpus.name", "corpus.source", "corpus.sha256", "corpus.words")  # fmt: skip


@pytest.mark.parametrize("field", FIELDS)
def test_values_of_another_kind_do_no_harm(root: Path, run: Run, field: str, makemore: Makemore):
    for value in VALUES:

        def change(stored: dict[str, Any], value: object = value) -> None:
            *path, name = field.split(".")
            for part in path:
                stored = stored[part]
            stored[name] = value

        good = (run.folder / "run.json").read_bytes()
        rewrite(run, change)
        use(run)
        assert makemore("runs", "--runs", str(root)).status == 0
        (run.folder / "run.json").write_bytes(good)


@pytest.mark.parametrize("field", ["phase", "step", "loss", "floor", "seconds", "error", "process"])
def test_a_status_of_another_kind_does_no_harm(
    root: Path, run: Run, field: str, makemore: Makemore
):
    good = runs.Status(Phase.STOPPED, 60, 2.5, 2.0, 1.5).stored
    (run.folder / "status.json").write_text(json.dumps(good))
    assert run.status.step == 60
    for value in VALUES:
        (run.folder / "status.json").write_text(json.dumps({**good, field: value}))
        for arguments in (["list"], ["compare", run.id], ["list", "--json"]):
            result = makemore("runs", "--runs", str(root), *arguments)
            assert result.status == 0, result.err
            assert all(line.isprintable() for line in result.out.split("\n"))
        assert result.lines[0]["id"] == run.id  # JSON without NaN
    use(run)
