"""A run that several processes train together: real ones, which torchrun starts."""

import json
import os
import signal
import string
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch
from command_line import ROOT, Result
from running import CORPUS, WORDS, alone, history_of
from together import CORPORA, counted, trained
from trainers import MAKEMORE, lives, only_run, run_process, stored, until_step
from viewers import PATIENCE, attached, wait_until

from model.cli_counting import counted_together
from model.distributed import SOLE, join
from model.errors import MakemoreError
from model.nets import NETWORKS
from model.ngrams import count as count_at_once
from model.recipe import ONE_LAYER, RECIPES, Recipe, recipe_for
from model.runs import STATUS, Run, resume_command
from model.session import Phase
from model.training import Trainer
from model.training_session import GLANCE_SECONDS

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node"]
HERE = Path(__file__).parent
SIZES = {"width": 8, "hidden": 8, "layers": 2, "heads": 2}
SMALL = {**SIZES, "steps": 40, "batch_size": 8, "warmup": 5, "n": 5, "dropout": 0.3}
SMALL["device"] = "cpu"


def small(name: str, **changes: Any) -> Recipe:
    return recipe_for(name).with_(**{**SMALL, **changes})


def full(name: str, **changes: Any) -> Recipe:
    return RECIPES[name].with_(steps=40, device="cpu", **changes)


TASKS: dict[str, dict[str, Any]] = {
    **{name: {"recipe": small(name)} for name in NETWORKS if name != ONE_LAYER},
    "long contexts": {"recipe": small("gru", n=20)},
    "l2, and no clipping": {"recipe": small("mlp", l2=0.1, clip=0.0)},
    "fewer words than processes": {"recipe": small("lstm", batch_size=1)},
    "another batch size on the way": {
        "recipe": small("mlp"), "step": 21, "changes": {"batch_size": 3, "learning_rate": 0.01},
    },
    "one layer, the notebook": {"recipe": full("notebook", n=3)},
    "one layer, converge": {"recipe": full("converge", data="train")},
    "one layer, one-hot": {"recipe": full("notebook", one_hot=True)},
    "one layer, batches": {"recipe": full("converge", batch_size=5)},
}  # fmt: skip
ORDERS = [2, 3, 5]


@contextmanager
def torchrun(count: int, *arguments: str, **how: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Processes that torchrun has started, none of which is left behind."""
    path = os.pathsep.join([str(ROOT), str(HERE)])
    running = subprocess.Popen(
        [*TORCHRUN, str(count), *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path, "PYTHONWARNINGS": "ignore"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **how,
    )
    try:
        yield running
    finally:
        running.terminate()  # torchrun ends the others
        running.communicate(timeout=PATIENCE)


def ended(running: subprocess.Popen[bytes]) -> Result:
    out, err = running.communicate(timeout=PATIENCE)
    return Result(running.returncode, out.decode(), err.decode())


def makemore(count: int, *arguments: str) -> Result:
    """`makemore`, run by several processes to its end."""
    with torchrun(count, "-m", "model", *arguments) as running:
        return ended(running)


def ours(err: str) -> list[str]:
    """What we say ourselves when something fails: torchrun says more."""
    return [
        line
        for line in err.splitlines()
        if line.startswith(("Error: ", "another process ", "stopped by ", "ended by "))
    ]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@pytest.fixture
def words(tmp_path: Path) -> str:
    path = tmp_path / "words.txt"
    path.write_text("\n".join(WORDS))
    return str(path)


# The same curve


@pytest.mark.parametrize("count", [2, 4])
def test_any_number_of_processes_has_the_curves_and_the_counts_of_one(tmp_path: Path, count: int):
    found = together(tmp_path, count, *TASKS.values(), *({"n": n} for n in ORDERS))
    for name, task in TASKS.items():
        expected, shared = trained(task), found.pop(0)
        assert shared["losses"] == pytest.approx(expected["losses"], abs=2e-4), name
        assert shared["floor"] == pytest.approx(expected["floor"], abs=1e-9), name
        assert len(shared["judged"]) == (task["recipe"].data == "train")
        for judged, plain in zip(shared["judged"], expected["judged"], strict=True):
            assert judged == pytest.approx(plain, abs=2e-4), name
    for n in ORDERS:
        assert found.pop(0) == [counted(count_at_once(corpus, n)) for corpus in CORPORA]


def together(place: Path, count: int, *tasks: dict[str, Any]) -> list[Any]:
    """What so many processes make of each task."""
    before, after = place / "tasks", place / "results"
    before.write_text(json.dumps(tasks, default=asdict))
    with torchrun(count, str(HERE / "together.py"), str(before), str(after)) as running:
        assert ended(running).status == 0
    return json.loads(after.read_text())


def test_what_is_dropped_matters_to_these_curves():
    dropped, other = (alone(small("mlp", dropout=p))[0] for p in (0.3, 0.3001))
    assert float((dropped - other).abs().max()) > 2e-4


def test_statistics_are_those_of_one_process(words: str):
    plain = subprocess.run(
        [*MAKEMORE, "stats", words, "-n", "3", "--json"], cwd=ROOT, capture_output=True, check=True
    )
    (line,) = makemore(2, "stats", words, "-n", "3", "--json").lines
    assert line == json.loads(plain.stdout)


def test_as_many_distinct_words_are_counted_together_as_alone(tmp_path: Path):
    path = tmp_path / "words.txt"
    characters = string.ascii_letters[:46]
    path.write_text("".join(f"{''.join(word)}\n" for word in product(characters, repeat=4)))
    assert counted_together(str(path), 2, SOLE).unique_words == 46**4


def test_processes_that_count_together_refuse_a_limit_of_memory(words: str):
    result = makemore(2, "stats", words, "--memory", "1")
    (said,) = ours(result.err)
    assert "--memory" in said
    assert result.status == 1


def test_a_process_that_is_left_alone_in_counting_speaks_of_no_run(tmp_path: Path):
    words = tmp_path / "words.txt"
    os.mkfifo(words)  # which keeps rank 0 waiting
    with torchrun(2, "-m", "model", "stats", str(words)) as running:
        follower = wait_until(lambda: next(filter(follows, children(running)), 0))
        (first,) = children(running) - {follower}
        os.kill(first, signal.SIGKILL)
        result = ended(running)
    assert ours(result.err) == ["Error: rank 1 ends, as another process is gone; start again"]


def follows(process: int) -> bool:
    """Whether a process leaves signals to rank 0."""
    status = Path(f"/proc/{process}/status").read_text()
    ignored = next(line for line in status.splitlines() if line.startswith("SigIgn"))
    return bool(int(ignored.split()[1], 16) >> signal.SIGTERM - 1 & 1)


# One run, whoever trains it

RECIPE = ["--model", "mlp", "--width", "8", "--hidden", "8", "-n", "5", "--device", "cpu"]
ENDLESS = [*RECIPE, "--steps", "1000000", "--checkpoint-every", "0.2"]


def begun(root: Path, words: str, *options: str) -> list[str]:
    return ["-m", "model", "train", words, "--runs", str(root), *ENDLESS, *options]


def check_its_curve(run: Run) -> None:
    """The losses on disk are those of one process that was never disturbed."""
    history = history_of(run)
    steps = len(history)
    assert [step for step, *_ in history] == list(range(steps))
    trainer = Trainer(CORPUS, run.recipe)
    while trainer.step < steps:
        trainer.advance(steps - trainer.step)
    losses = torch.tensor([loss for *_, loss in history])
    assert torch.allclose(losses, trainer.losses[:steps], atol=2e-3)


def rank_1(running: subprocess.Popen[bytes], run: Run) -> int:
    """The process beside the one that keeps the run."""
    (other,) = children(running) - {stored(run)["process"]}
    return other


def children(running: subprocess.Popen[bytes]) -> set[int]:
    """The processes that torchrun has started."""
    path = Path(f"/proc/{running.pid}/task/{running.pid}/children")
    return set(map(int, path.read_text().split()))


@pytest.mark.parametrize("rank", [0, 1])
def test_a_killed_process_ends_the_run_which_goes_on_with_another_number(
    root: Path, words: str, rank: int
):
    with torchrun(2, *begun(root, words)) as running:
        run = until_step(root, 100)
        victim = rank_1(running, run) if rank else stored(run)["process"]
        os.kill(victim, signal.SIGKILL)
        result = ended(running)
    assert result.status != 0
    assert "model/" not in result.err  # a traceback of ours
    (said,) = ours(result.err)
    assert "another process of the run is gone" in said
    assert "makemore runs " in said
    step = int(run.checkpoints[0].name[5:13])
    if rank:
        # Rank 0 may meet it in a step, or hear of it from torchrun before that, in a step or not.
        assert run.status.phase in (Phase.FAILED, Phase.STOPPED, Phase.INTERRUPTED)
        assert run.status.error in said
        assert f"`{resume_command(run.folder)}`" in said
        assert f"step {step:,}" in said
    else:
        assert run.status.phase is Phase.INTERRUPTED
    resumed = ["-m", "model", "runs", "--runs", str(root), "resume", run.name]
    alone_again = run_process([sys.executable, *resumed])
    with torchrun(3, *resumed) if rank else alone_again as running:
        until_step(root, step + 100)
        running.terminate()
        running.wait(PATIENCE)
    assert run.status.phase is Phase.STOPPED
    assert run.status.step >= step + 100
    check_its_curve(run)


def test_a_viewer_follows_and_steers_all_processes(root: Path, words: str):
    with torchrun(2, *begun(root, words)) as running:
        run = until_step(root)
        with attached(run) as line:
            line.until_state(lambda state: state["step"] > 60)
            assert line.state["device"] == "cpu (as asked; 2 processes)"
            line.answer("pause")
            paused = line.until_state(lambda state: state["phase"] == "paused")["step"]
            line.answer("adjust", batch_size=1, learning_rate=0.01)
            line.answer("step")
            line.until_state(lambda state: state["step"] == paused + 1)
            assert line.state["recipe"]["batch_size"] == 1
            assert len(line.answer("samples", count=3)["samples"]) == 3
            line.answer("resume")
            line.until_state(lambda state: state["step"] > paused + 10)
            line.answer("stop")
            line.rest()
            assert line.state["phase"] == "stopped"
        result = ended(running)
    assert result.status == 0, result.err
    assert run.status.phase is Phase.STOPPED


def test_a_process_that_is_killed_while_the_run_is_paused_is_missed(root: Path, words: str):
    with torchrun(2, *begun(root, words)) as running:
        run = until_step(root)
        with attached(run) as line:
            line.answer("pause")
            step = line.until_state(lambda state: state["phase"] == "paused")["step"]
            os.kill(rank_1(running, run), signal.SIGKILL)
            result = ended(running)
    assert result.status != 0
    assert f"another process of the run is gone; stopped by SIGTERM at step {step}" in result.err
    assert run.checkpoints[0].name == f"step-{step:08}.safetensors"


def test_a_process_that_does_not_answer_holds_up_no_end(root: Path, words: str):
    with torchrun(2, *begun(root, words)) as running:
        run = until_step(root, 100)
        frozen = rank_1(running, run)
        os.kill(frozen, signal.SIGSTOP)
        status = run.folder / STATUS  # written between steps, every so many seconds
        wait_until(
            lambda: time.time() - status.stat().st_mtime > 3 * GLANCE_SECONDS, "a step without end"
        )
        first = stored(run)["process"]
        os.kill(first, signal.SIGTERM)
        wait_until(lambda: not lives(first), "the end of rank 0, which has its say after the run")
        os.kill(frozen, signal.SIGKILL)
        result = ended(running)
    step = int(run.checkpoints[0].name[5:13])
    resume = f"`{resume_command(run.folder)}` goes on from step {step:,}"
    assert ours(result.err) == [f"ended by SIGTERM amid a step; {resume}"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_torchrun_ends_in_a_checkpoint(root: Path, words: str, number: signal.Signals):
    with torchrun(2, *begun(root, words)) as running:
        run = until_step(root)
        running.send_signal(number)
        result = ended(running)
    step = stored(run)["step"]
    resume = f"`{resume_command(run.folder)}` goes on"
    assert ours(result.err) == [f"stopped by {number.name} at step {step:,}; {resume}"]
    assert run.status.phase is Phase.STOPPED
    assert run.checkpoints[0].name == f"step-{step:08}.safetensors"


def test_a_loss_that_is_no_number_is_said_once(root: Path, words: str):
    wild = ["--optimiser", "sgd", "--learning-rate", "1e38", "--warmup", "0", "--clip", "0"]
    with torchrun(2, *begun(root, words, *wild)) as running:
        result = ended(running)
    assert result.status == 1
    (said,) = ours(result.err)
    assert "no longer a number" in said
    assert "back at its checkpoint of step 0" in said


def test_what_torchrun_owns_cannot_be_detached(root: Path, words: str):
    with torchrun(2, *begun(root, words, "--detach")) as running:
        result = ended(running)
    assert result.status == 1
    (said,) = ours(result.err)
    assert "--detach" in said
    assert "torchrun" in said
    assert only_run(root) is None


def test_without_torchrun_a_process_is_alone(monkeypatch: pytest.MonkeyPatch):
    assert join() is SOLE
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert join() is SOLE


@pytest.mark.parametrize("name", ["RANK", "WORLD_SIZE"])
def test_a_variable_that_holds_no_number_is_named(monkeypatch: pytest.MonkeyPatch, name: str):
    for each, value in {"RANK": "0", "WORLD_SIZE": "2", name: ""}.items():
        monkeypatch.setenv(each, value)
    with pytest.raises(MakemoreError, match=rf"^{name}='' is no number; .* torchrun"):
        join()


@pytest.mark.cuda
@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="there are not two CUDA devices")
@pytest.mark.parametrize("name", NETWORKS)
def test_two_gpus_have_the_curve_of_the_cpu(tmp_path: Path, name: str):
    recipe = small(name, steps=20) if name != ONE_LAYER else full("notebook")
    recipe = recipe.with_(dropout=0.0)
    (found,) = together(tmp_path, 2, {"recipe": recipe.with_(device="cuda")})
    assert found["losses"] == pytest.approx(alone(recipe)[0].tolist(), abs=1e-2)
