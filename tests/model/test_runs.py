"""Runs on disk: what is in their folders, how they are taken up again, listed and looked after."""

import json
import sys
import threading
from dataclasses import asdict, replace
from pathlib import Path

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
    history_of,
    kept_run,
    obeyed,
    training_session,
    wait_until,
)

import model.reports
from model import runs
from model.corpus import parse
from model.errors import MakemoreError
from model.history import read_reports
from model.recipe import RECIPES, Recipe
from model.reports import MOST_KEPT, Report, Reports
from model.run_table import compared, figures
from model.run_writer import KEPT
from model.runs import Run
from model.session import Phase
from model.training import Trainer

FEW = parse(b"abba\nbaab\n", "few words")


def only(root: Path) -> Run:
    (run,) = runs.all_runs(root)
    return run


# A run that is taken up again

recipes = st.builds(
    lambda name, n, one_hot, l2: RECIPES[name].with_(
        n=n,
        one_hot=one_hot and not RECIPES[name].batch_size,
        l2=l2,
        device="cpu",
        steps=110,
    ),
    st.sampled_from(["notebook", "converge", "mlp", "lstm"]),
    st.sampled_from([2, 3]),
    st.booleans(),
    st.sampled_from([0.0, 0.01]),
)
changes = st.none() | st.floats(0.01, 1.0)


@settings(max_examples=15)
@given(recipes, st.lists(st.tuples(st.integers(0, 40), changes), max_size=3))
def test_a_run_that_is_stopped_and_resumed_is_as_if_it_had_not_been(
    tmp_path_factory: pytest.TempPathFactory, recipe: Recipe, parts: list[tuple[int, float | None]]
):
    undisturbed = Trainer(FEW, recipe)
    reports, rates = list[Report](), list[float]()

    def advance(step: int) -> None:
        while undisturbed.step < step:
            if report := undisturbed.advance(step - undisturbed.step):
                reports.append(report)
        now = undisturbed.recipe
        rates.extend(now.lr(step) for step in range(len(rates), undisturbed.step))

    root = tmp_path_factory.mktemp("runs")
    with training_session(root=root) as session:
        session.start(FEW, recipe, paused=True)
        session.step()
        obeyed(session)
    run = only(root)
    advance(1)
    for steps, rate in parts:
        with training_session() as session:
            session.restore(run, run.load_corpus())
            for _ in range(steps):
                session.step()
            if rate is not None:
                session.adjust(recipe.with_(learning_rate=rate))
            assert obeyed(session).step == undisturbed.step + steps
        advance(undisturbed.step + steps)
        if rate is not None:
            undisturbed.adjust(recipe.with_(learning_rate=rate))
    with training_session() as session:
        session.restore(run, run.load_corpus(), paused=False)
        end = finished(session)
        assert end.recipe == undisturbed.recipe
        assert end.start == undisturbed.step
        advance(recipe.steps)
        assert torch.equal(end.losses, undisturbed.losses)
        assert list(end.reports) == reports
    assert run.reports() == reports
    history = history_of(run)
    assert [step for step, _, _ in history] == list(range(recipe.steps))
    assert torch.equal(torch.tensor([loss for _, _, loss in history]), undisturbed.losses)
    assert torch.equal(torch.tensor([lr for _, lr, _ in history]), torch.tensor(rates))
    assert torch.equal(run.history(), undisturbed.losses)


def test_a_run_can_be_changed_as_it_is_taken_up(tmp_path: Path):
    run = kept_run(tmp_path, QUICK, 40)
    with training_session() as session:
        session.restore(run, CORPUS, changes={"learning_rate": 0.5, "l2": 0.25})
        assert obeyed(session).recipe == QUICK.with_(learning_rate=0.5, l2=0.25)
    with training_session() as session:
        session.restore(run, CORPUS)
        assert obeyed(session).recipe == QUICK.with_(learning_rate=0.5, l2=0.25)
    assert only(tmp_path).recipe == QUICK, "what the run began with"


def test_a_run_that_finished_stays_finished(tmp_path: Path):
    run = kept_run(tmp_path, QUICK, QUICK.steps)
    before = history_of(run)
    with training_session() as session:
        session.restore(run, CORPUS, paused=False)
        assert obeyed(session).phase is Phase.FINISHED
    assert history_of(run) == before


def test_the_time_spent_is_that_of_all_processes(tmp_path: Path):
    with training_session(root=tmp_path) as session:
        session.start(CORPUS, ENDLESS)
        wait_until(session, lambda snapshot: snapshot.step > 50)
        session.stop()
        first = obeyed(session).seconds
    with training_session() as session:
        session.restore(only(tmp_path), CORPUS)
        assert obeyed(session).seconds == first > 0
        session.step()
        assert obeyed(session).seconds > first


# What is in its folder


def test_a_run_has_no_folder_before_its_first_step(tmp_path: Path):
    root = tmp_path / "runs"
    with training_session(root=root) as session:
        session.start(CORPUS, QUICK, paused=True)
        obeyed(session)
        assert not root.exists()
        session.step()
        name = obeyed(session).name
        assert name == only(root).name


@pytest.mark.parametrize("ending", ["pause", "stop", "close", "finish", "new"])
def test_every_ending_leaves_a_checkpoint_and_says_how_it_stands(tmp_path: Path, ending: str):
    with training_session(root=tmp_path) as session:
        session.start(CORPUS, QUICK if ending == "finish" else ENDLESS)
        wait_until(session, lambda snapshot: snapshot.step > 20)
        run = only(tmp_path)
        assert run.live
        match ending:
            case "finish":
                finished(session)
            case "new":
                session.start(CORPUS, QUICK, paused=True)
            case "close":
                session.close()
                session.join()
            case command:
                getattr(session, command)()
        now = obeyed(session)
        step = now.step if ending != "new" else run.status.step
        assert run.checkpoints[0].name == f"step-{step:08}.safetensors"
        phases = {"pause": Phase.PAUSED, "finish": Phase.FINISHED}
        assert run.status.phase is phases.get(ending, Phase.STOPPED)
        assert run.status.step == step
        assert len(history_of(run)) == step
    assert not run.live


def test_checkpoints_come_at_intervals_and_the_newest_three_are_kept(tmp_path: Path):
    seen: set[int] = set()
    with training_session(root=tmp_path, every=0.001) as session:
        session.start(CORPUS, ENDLESS)
        wait_until(session, lambda now: seen.add(now.checkpoint or 0) or len(seen) > 6)
        session.stop()
        last = obeyed(session).checkpoint
    run = only(tmp_path)
    steps = [int(path.stem.removeprefix("step-")) for path in run.checkpoints]
    assert len(steps) == KEPT == 3
    assert steps == sorted(steps, reverse=True)
    assert steps[0] == last == run.status.step


def test_no_checkpoint_comes_before_its_time(tmp_path: Path):
    with training_session(root=tmp_path) as session:
        session.start(CORPUS, QUICK)
        finished(session)
    assert len(only(tmp_path).checkpoints) == 2, "at the first step and at the end"


def test_a_folder_holds_plain_text_and_tensors(tmp_path: Path):
    run = kept_run(tmp_path, NOTEBOOK, NOTEBOOK.steps)
    stored = json.loads((run.folder / "run.json").read_text())
    assert stored["recipe"]["learning_rate"] == 100.0
    assert stored["corpus"]["sha256"] == runs.fingerprint(CORPUS)
    assert (run.folder / "words.txt").read_text() == CORPUS.text
    losses, reports = alone(NOTEBOOK)
    assert [loss for _, _, loss in history_of(run)] == pytest.approx(losses.tolist(), rel=1e-8)
    lines = (run.folder / "reports.jsonl").read_text().splitlines()
    assert [json.loads(line)["samples"] for line in lines] == [
        list(report.samples) for report in reports
    ]
    for path in run.folder.iterdir():
        assert path.stat().st_mode & 0o077 == 0, f"{path.name} is open to others"


# Looking after runs


def test_runs_are_listed_the_newest_first(tmp_path: Path):
    made = [runs.create(tmp_path, CORPUS, QUICK) for _ in range(12)]
    for number, run in enumerate(made):
        replace(run, created=f"2024-01-{number + 1:02}T00:00:00+00:00").write()
    assert [run.id for run in runs.all_runs(tmp_path)] == [run.id for run in reversed(made)]
    assert len({run.id for run in made}) == 12
    assert runs.all_runs(tmp_path / "none") == []


def test_a_run_is_found_by_what_is_unmistakable(tmp_path: Path):
    one, other = (runs.create(tmp_path, CORPUS, QUICK) for _ in range(2))
    named = runs.create(tmp_path, CORPUS, QUICK, "my best")
    assert runs.find(tmp_path, one.id) == one
    assert runs.find(tmp_path, "my") == runs.find(tmp_path, "my best") == named
    other = other.rename(one.name[:-1])  # which the others begin with
    assert runs.find(tmp_path, other.name) == other
    for wanted, said in (("words", "may be "), ("your", "no run is called"), ("\x1b", "\u241b")):
        with pytest.raises(MakemoreError, match=said) as error:
            runs.find(tmp_path, wanted)
        assert str(error.value).isprintable()


def test_a_run_keeps_its_folder_when_it_is_renamed(tmp_path: Path):
    run = kept_run(tmp_path, QUICK, 5)
    renamed = run.rename("  the \t best\n one ")
    assert (renamed.name, renamed.id) == ("the best one", run.id)
    assert only(tmp_path) == renamed
    for name in ("", " \n", "x" * 61):
        with pytest.raises(MakemoreError, match="1 to 60 characters"):
            renamed.rename(name)
    with pytest.raises(MakemoreError):
        runs.create(tmp_path, CORPUS, QUICK, "x" * 61)
    assert only(tmp_path) == renamed, "a folder of a run that was not made"


def test_a_run_that_is_deleted_is_gone_with_all_its_files(tmp_path: Path):
    run, other = kept_run(tmp_path, QUICK, 5), kept_run(tmp_path, QUICK, 5)
    run.delete()
    assert not run.folder.exists()
    assert only(tmp_path) == other
    with pytest.raises(MakemoreError, match="cannot be deleted"):
        run.delete()


def test_runs_are_compared_line_by_line(tmp_path: Path):
    made = [kept_run(tmp_path, recipe, 5) for recipe in (QUICK, QUICK.with_(l2=2.0))]
    differing = {line.name: line.values for line in compared(made) if line.differs}
    assert set(differing) == {"name", "id", "recipe", "l2"}
    assert differing["l2"] == ("0", "2")
    assert figures(made[0])["learning_rate"] == QUICK.learning_rate


def test_a_corpus_is_had_from_the_folder_or_from_where_it_was(tmp_path: Path):
    file = tmp_path / "list.txt"
    file.write_text(CORPUS.text)
    corpus = parse(file.read_bytes(), "list.txt", str(file))
    run = runs.create(tmp_path / "runs", corpus, QUICK)
    assert run.load_corpus() == corpus
    file.write_text("others\n")
    assert run.load_corpus() == corpus
    (run.folder / "words.txt").unlink()
    with pytest.raises(MakemoreError, match="are not those that the run"):
        run.load_corpus()
    file.write_text(CORPUS.text)
    assert run.load_corpus() == corpus
    file.unlink()
    with pytest.raises(MakemoreError, match=r"words are gone: .*list\.txt"):
        run.load_corpus()


# The log in memory


def report(step: int) -> Report:
    return Report(step, 1.0, 2.0, ("emma",))


def test_a_long_log_keeps_its_end_and_its_numbers():
    reports = Reports()
    for step in range(100_000):
        reports.append(report(step))
        if step % 997 == 0 or step == MOST_KEPT:
            assert min(step + 1, MOST_KEPT // 2) <= len(list(reports)) <= MOST_KEPT
    assert len(reports) == 100_000
    assert list(reports)[-1].step == 99_999
    assert reports[99_999] == report(99_999)
    assert reports[0] is None
    for number in (0, 50_000, 95_000, 99_999, 100_000, 200_000):
        first, since = reports.since(number)
        assert first == max(number, 100_000 - len(list(reports)))
        assert [each.step for each in since] == list(range(first, 100_000))


def test_what_was_judged_is_never_forgotten(tmp_path: Path):
    path, size = tmp_path / "reports.jsonl", MOST_KEPT + 1
    judged = [replace(report(step), dev=2.0) for step in (0, 7, size - 1)]
    known = {each.step: each for each in judged}
    lines = (json.dumps(asdict(known.get(step) or report(step))) for step in range(size))
    path.write_text("\n".join([*lines, ""]))
    reports, _ = read_reports(path, size)
    assert reports[0] is None
    assert reports.judged == judged


def test_a_log_can_be_read_while_it_grows(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(model.reports, "MOST_KEPT", 20)  # forgets thousands of times
    reports, wrong, done = Reports(), list[object](), threading.Event()

    def read() -> None:
        while not done.is_set():
            total = len(reports)
            kept = [each.step for each in reports]
            number = max(0, total - 15)
            one = reports[number] if total else None
            if one is not None and one.step != number:
                wrong.append((number, one))
            if kept != list(range(kept[0], kept[-1] + 1)) if kept else total:
                wrong.append(kept)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    reader = threading.Thread(target=read)
    reader.start()
    for step in range(100_000):
        reports.append(report(step))
    done.set()
    reader.join()
    sys.setswitchinterval(interval)
    assert not wrong
