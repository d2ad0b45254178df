"""`makemore train` and `runs`: runs are kept, listed, compared, renamed, deleted, gone on with."""

import json
import os
from pathlib import Path

import pytest
import torch
from command_line import Makemore, Result
from viewers import CORPUS, restored

from model import runs
from model.errors import MakemoreError
from model.recipe import RECIPES
from model.run_table import figures
from model.runs import Run
from model.session import Phase
from model.training import Trainer

STEPS = 120
SHORT = ["--steps", f"{STEPS}", "--device", "cpu"]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where runs are kept."""
    monkeypatch.setenv("MAKEMORE_RUNS", str(tmp_path / "kept"))
    return tmp_path / "kept"


def trained(makemore: Makemore, root: Path, name: str, *options: str) -> Run:
    """A run of so many steps that is over."""
    result = makemore("train", "-", *SHORT, "--name", name, *options)
    assert result.status == 0, result.err
    assert f"run: {name}\n" in result.err
    return runs.find(root, name)


def check_that_it_failed(result: Result, *says: str) -> None:
    assert (result.status, result.out) == (1, "")
    last = result.err.splitlines()[-1]
    assert last.isprintable()
    assert all(text in last for text in says)


# train


def test_a_run_is_kept_as_it_was_asked_for(makemore: Makemore, root: Path):
    options = ["--learning-rate", "0.5", "--l2", "0.1", "--seed", "3", "-n", "3"]
    run = trained(makemore, root, "Two words", "--recipe", "converge", *options)
    changes = {"learning_rate": 0.5, "l2": 0.1, "seed": 3, "n": 3, "steps": STEPS, "device": "cpu"}
    assert run.recipe == RECIPES["converge"].with_(**changes)
    assert run.status.phase is Phase.FINISHED
    trainer = Trainer(CORPUS, run.recipe)
    reports = list(trainer.run())
    assert torch.equal(run.history(), trainer.losses)
    assert run.reports() == reports
    assert not run.live


def test_runs_are_kept_in_the_users_data_without_another_word(makemore: Makemore):
    assert makemore("train", "-", *SHORT).status == 0
    (run,) = runs.all_runs(runs.default_root())
    assert run.status.phase is Phase.FINISHED
    assert run.id == run.name == "standard-input-n2-1"


def test_an_option_goes_before_the_environment(makemore: Makemore, root: Path, tmp_path: Path):
    assert makemore("train", "-", *SHORT, "--runs", str(tmp_path / "there")).status == 0
    assert len(runs.all_runs(tmp_path / "there")) == 1
    assert runs.all_runs(root) == []


def test_checkpoints_come_as_often_as_asked(makemore: Makemore, root: Path):
    rare, often = (
        trained(makemore, root, name, "--checkpoint-every", every)
        for name, every in (("rare", "1000"), ("often", "0.000001"))
    )
    assert [path.name for path in rare.checkpoints] == [
        "step-00000120.safetensors", "step-00000000.safetensors",
    ]  # fmt: skip
    assert len(often.checkpoints) == 3


@pytest.mark.parametrize("place", ["a file", "a link to nowhere"])
def test_without_room_for_a_run_the_training_goes_on(
    makemore: Makemore, tmp_path: Path, place: str
):
    root = tmp_path / "taken"
    if place == "a file":
        root = root / "below"
        root.parent.write_text("")
    else:
        root.symlink_to("/proc/nowhere")
    result = makemore("train", "-", *SHORT, "--runs", str(root), "--json")
    assert result.lines[-1]["final"] is True
    assert "warning: no run can be kept in" in result.err
    assert "--runs" in result.err
    check_that_it_failed(
        makemore("train", "-", *SHORT, "--runs", str(root), "--detach"), "no run can be kept in"
    )


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--name", "x" * 61], "1 to 60 characters"),
        (["--learning-rate", "inf"], "learning rate inf"),
        (["--l2", "nan"], "L2 penalty nan"),
    ],
)
@pytest.mark.parametrize("where", [[], ["--detach"]])
def test_a_run_that_cannot_be_leaves_nothing(
    makemore: Makemore, root: Path, options: list[str], says: str, where: list[str]
):
    check_that_it_failed(makemore("train", "-", *SHORT, *options, *where), says)
    assert not root.exists() or list(root.iterdir()) == []


def test_a_run_that_fails_before_it_begins_leaves_nothing(
    makemore: Makemore, root: Path, monkeypatch: pytest.MonkeyPatch
):
    def fail(*_: object) -> None:
        raise MakemoreError("the counts do not fit")

    monkeypatch.setattr("model.ngrams.count", fail)
    check_that_it_failed(makemore("train", "-", *SHORT), "the counts do not fit")
    assert list(root.iterdir()) == []


# runs


def test_the_newest_run_is_listed_first(makemore: Makemore, root: Path):
    kept = [trained(makemore, root, name, "--seed", str(n)) for n, name in enumerate("abc")]
    for wanted in (["runs"], ["runs", "list"]):
        head, *lines = makemore(*wanted).out.splitlines()
        assert head.split()[:6] == ["run", "corpus", "recipe", "n", "state", "step"]
        assert [line.split()[0] for line in lines] == ["c", "b", "a"]
        for line, run in zip(lines, reversed(kept), strict=True):
            assert "standard input  notebook  2  finished  120/120" in line
            assert f"{run.status.loss:.4f}  {run.status.loss - run.status.floor:.4f}" in line
    lines = makemore("runs", "list", "--json").lines
    assert lines == [json.loads(json.dumps(figures(run))) for run in reversed(kept)]


def test_figures_are_those_of_the_run(makemore: Makemore, root: Path):
    run = trained(makemore, root, "one", "-n", "3")
    (line,) = makemore("runs", "list", "--json").lines
    trainer = Trainer(CORPUS, run.recipe)
    list(trainer.run())
    assert line["loss"] == pytest.approx(float(trainer.losses[-1]))
    assert line["floor"] == pytest.approx(trainer.floor)
    assert line["gap"] == line["loss"] - line["floor"]
    assert (line["name"], line["id"], line["n"], line["step"]) == ("one", run.id, 3, STEPS)
    assert (line["phase"], line["process"], line["error"]) == ("finished", None, None)
    assert (line["words"], line["corpus"], line["model"]) == (6, "standard input", "one-layer")
    assert line["steps_per_second"] == pytest.approx(STEPS / line["seconds"])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ["second", "First"]),
        ("FIRST", ["First"]),
        ("converge", ["second"]),
        ("finished", ["second", "First"]),
        ("standard", ["second", "First"]),
        ("nothing", []),
    ],
)
def test_a_list_is_of_those_in_which_a_text_occurs(
    makemore: Makemore, root: Path, text: str, found: list[str]
):
    trained(makemore, root, "First")
    trained(makemore, root, "second", "--recipe", "converge")
    result = makemore("runs", "list", text)
    assert [line.split()[0] for line in result.out.splitlines()[1:]] == found
    assert result.status == 0
    assert ("no runs with 'nothing'" in result.err) == (not found)
    lines = makemore("runs", "list", text, "--json").out.splitlines()
    assert [json.loads(line)["name"] for line in lines] == found


def test_no_runs_are_no_error(makemore: Makemore, root: Path):
    result = makemore("runs")
    assert (result.status, result.out) == (0, "")
    assert f"no runs in {root}" in result.err
    result = makemore("runs", "list", "--json")
    assert (result.status, result.out, result.err) == (0, "", "")


def test_runs_are_compared_line_by_line(makemore: Makemore, root: Path):
    one = trained(makemore, root, "one")
    two = trained(makemore, root, "two", "--seed", "4")
    result = makemore("runs", "compare", "one", "two")
    assert result.status == 0
    lines = {line[3:].split("  ")[0]: line for line in result.out.splitlines()}
    assert lines["name"].split() == ["*", "name", "one", "two"]
    assert lines["seed"].split() == ["*", "seed", "0", "4"]
    assert lines["optimiser"].split() == ["optimiser", "accumulate", "accumulate"]
    losses = [f"{run.status.loss:.4f}" for run in (one, two)]
    assert lines["loss"].split() == ["*", "loss", *losses]
    assert [line["name"] for line in makemore("runs", "compare", "two", "one", "--json").lines] == [
        "two", "one",
    ]  # fmt: skip
    assert not any(
        line.startswith("*") for line in makemore("runs", "compare", "one").out.split("\n")
    )


def test_a_run_is_renamed_and_found_by_its_new_name(makemore: Makemore, root: Path):
    run = trained(makemore, root, "old")
    result = makemore("runs", "rename", "old", " My  \x1b[31mbest ")
    assert (result.status, result.out) == (0, "old is now My \u241b[31mbest\n")
    assert runs.find(root, run.id).name == "My \x1b[31mbest"
    assert "\u241b[31mbest" in makemore("runs").out
    assert makemore("runs", "compare", "My", "--json").lines[0]["id"] == run.id
    for name in ("", " ", "x" * 61):
        check_that_it_failed(makemore("runs", "rename", run.id, name), "1 to 60 characters")
    check_that_it_failed(makemore("runs", "rename", "old", "new"), "no run is called 'old'")


@pytest.mark.parametrize("answer", [b"n\n", b"\n", b"", b"what\n"])
def test_a_run_is_not_deleted_unless_the_answer_is_yes(
    makemore: Makemore, root: Path, answer: bytes
):
    run = trained(makemore, root, "one")
    result = makemore("runs", "delete", "one", stdin=answer)
    assert (result.status, result.out) == (1, "")
    assert "delete one for good?" in result.err
    assert runs.find(root, "one") == run


@pytest.mark.parametrize("options", [[], ["--yes"]])
def test_runs_are_deleted(makemore: Makemore, root: Path, options: list[str]):
    for name in ("one", "two", "three"):
        trained(makemore, root, name)
    result = makemore("runs", "delete", "one", "three", *options, stdin=b"y\n")
    assert (result.status, result.out) == (0, "one is deleted\nthree is deleted\n")
    assert [run.name for run in runs.all_runs(root)] == ["two"]
    assert len(list(root.iterdir())) == 1


def test_a_run_that_is_being_trained_is_not_deleted(makemore: Makemore, root: Path):
    run = trained(makemore, root, "one", "--recipe", "converge")
    with restored(run):
        check_that_it_failed(
            makemore("runs", "delete", "one", "--yes"), f"process {os.getpid()}; stop it first"
        )
        assert makemore("runs", "list", "--json").lines[0]["process"] == os.getpid()
        check_that_it_failed(makemore("runs", "resume", "one"), "attach to it")
    assert runs.find(root, "one") == run


def test_a_beginning_that_two_runs_have_names_none(makemore: Makemore, root: Path):
    for name in ("long", "longer", "longest"):
        trained(makemore, root, name)
    for command in ("compare", "resume", "delete"):
        check_that_it_failed(makemore("runs", command, "lon"), "'lon' may be ")
    assert makemore("runs", "compare", "long", "--json").lines[0]["name"] == "long"
    check_that_it_failed(makemore("runs", "compare", "\x1b"), "no run is called '\u241b'")


# resume


def interrupted(root: Path, step: int) -> Run:
    """A run that was left at some step."""
    run = runs.create(root, CORPUS, RECIPES["converge"].with_(steps=STEPS, device="cpu"), "one")
    with restored(run) as session:
        for _ in range(step):
            session.step()
        assert session.trained().result(60)
    return run


def test_a_run_goes_on_as_if_it_had_never_stopped(makemore: Makemore, root: Path):
    run = interrupted(root, 60)
    *lines, closing = makemore("runs", "resume", "one", "--json").lines
    trainer = Trainer(CORPUS, run.recipe)
    reports = list(trainer.run())
    assert [(line["step"], line["loss"], line["samples"]) for line in lines] == [
        (report.step, report.loss, list(report.samples)) for report in reports if report.step >= 60
    ]
    assert closing["loss"] == reports[-1].loss
    assert torch.equal(run.history(), trainer.losses)
    assert run.reports() == reports
    assert run.status.phase is Phase.FINISHED


def test_what_may_change_is_changed_as_a_run_goes_on(makemore: Makemore, root: Path):
    run = interrupted(root, 60)
    result = makemore("runs", "resume", "one", "--learning-rate", "0.25", "--l2", "0.5", "--json")
    *lines, _ = result.lines
    trainer = Trainer(CORPUS, run.recipe)
    for _ in range(60):
        trainer.advance(1)
    trainer.adjust(run.recipe.with_(learning_rate=0.25, l2=0.5))
    reports = list(trainer.run())
    assert [(line["step"], line["lr"], line["loss"]) for line in lines] == [
        (report.step, report.lr, report.loss) for report in reports
    ]
    changes = run.recipe.changes(run.recipe.with_(learning_rate=0.25, l2=0.5))
    assert run.status.changes == ((60, changes),)


def test_a_batch_size_is_refused_where_all_words_are_one_batch(makemore: Makemore, root: Path):
    run = interrupted(root, 60)
    check_that_it_failed(makemore("runs", "resume", "one", "--batch-size", "32"), "--batch-size")
    assert run.status.step == 60


def test_a_run_that_is_over_has_nothing_to_add(makemore: Makemore, root: Path):
    run = trained(makemore, root, "one")
    before = run.history()
    result = makemore("runs", "resume", "one")
    assert result.status == 0
    assert "nats above the floor" in result.out
    assert torch.equal(run.history(), before)


@pytest.mark.parametrize(
    ("file", "data", "says"),
    [
        ("words.txt", b"other\nwords\n", "are not those that the run one began with"),
        ("words.txt", b"\xff", "not UTF-8"),
        ("step-00000060.safetensors", b"", "no checkpoint that is whole"),
    ],
)
def test_a_run_that_cannot_go_on_says_why_and_stays(
    makemore: Makemore, root: Path, file: str, data: bytes, says: str
):
    run = interrupted(root, 60)
    (run.folder / "step-00000000.safetensors").unlink()
    (run.folder / file).write_bytes(data)
    check_that_it_failed(makemore("runs", "resume", "one"), says)
    assert runs.find(root, "one") == run
    assert (run.folder / file).read_bytes() == data


def test_a_run_that_never_began_is_kept_if_it_cannot_be_resumed(makemore: Makemore, root: Path):
    run = runs.create(root, CORPUS, RECIPES["converge"].with_(steps=5, device="cpu"), "one")
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    check_that_it_failed(makemore("runs", "resume", "one", "--device", "cuda"), "CUDA")
    assert runs.find(root, "one") == run


def test_a_hostile_run_is_shown_inert(makemore: Makemore, root: Path):
    run = trained(makemore, root, "one")
    path = run.folder / "run.json"
    stored = json.loads(path.read_text())
    stored["corpus"]["name"] = stored["recipe"]["name"] = "\x1b[2J"
    path.write_text(json.dumps(stored))
    for command in (["list"], ["compare", "one"]):
        result = makemore("runs", *command)
        assert result.status == 0
        assert all(line.isprintable() for line in result.out.split("\n"))
        assert "\u241b[2J" in result.out
