"""Runs that cannot go on: losses that are no numbers, too little memory, a GPU that fails.

Where there is no GPU, what torch says of one is raised by the objective itself.
"""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from command_line import ROOT
from running import (
    CORPUS,
    ENDLESS,
    QUICK,
    failed,
    finished,
    history_of,
    kept_run,
    obeyed,
    restored,
    training_session,
    tree,
    wait_until,
)

import model.training
from model import runs
from model.nets.one_layer import Objective, count_objective
from model.recipe import Recipe
from model.runs import Run
from model.session import Phase
from model.training import Trainer
from model.training_session import TrainingSession

OUT_OF_MEMORY = (
    "CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has a total capacity of 15.77 GiB of "
    "which 1.20 GiB is free."
)
ASSERT = (
    "CUDA error: device-side assert triggered\n"
    "CUDA kernel errors might be asynchronously reported at some other API call"
)
LONG = QUICK.with_(steps=400)

cuda = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device"),
]


def only(root: Path) -> Run:
    (run,) = runs.all_runs(root)
    return run


# Losses that are no numbers


def blown_up(session: TrainingSession, after: int) -> int:
    """Let a run diverge soon after so many steps; the step at which it failed."""
    session.start(CORPUS, LONG, paused=True)
    for _ in range(after):
        session.step()
    session.pause()
    session.adjust(LONG.with_(learning_rate=1e39))
    session.resume()
    return failed(session).step


@pytest.mark.parametrize("after", [1, 30, 50, 77])
def test_a_run_that_diverges_is_back_at_its_checkpoint_and_can_go_on(tmp_path: Path, after: int):
    undisturbed = Trainer(CORPUS, LONG)
    with training_session(root=tmp_path) as session:
        step = blown_up(session, after)
        end = session.snapshot
        assert after <= step < LONG.steps
        assert f"no longer a number at step {step}" in end.error
        assert "learning rate below 1e+39" in end.error
        assert f"back at its checkpoint of step {after:,}" in end.error
        assert end.error.isprintable()
        assert session.trained().result(60).step == end.checkpoint == after
        run = only(tmp_path)
        assert run.status.phase is Phase.FAILED
        assert run.status.error == end.error

        session.adjust(LONG.with_(learning_rate=0.5))
        session.resume()
        again = finished(session)
        assert again.run != end.run, "viewers must forget what they have seen"
        assert again.error == ""
        assert again.recipe == LONG.with_(learning_rate=0.5)
    while undisturbed.step < after:
        undisturbed.advance(1)
    undisturbed.adjust(LONG.with_(learning_rate=0.5))
    list(undisturbed.run())
    assert torch.equal(again.losses, undisturbed.losses)
    assert [step for step, _, _ in history_of(run)] == list(range(LONG.steps))
    assert torch.equal(run.history(), undisturbed.losses)
    expected = [0, *range(50, LONG.steps, 50), LONG.steps - 1]
    assert [report.step for report in run.reports()] == expected
    assert [report.step for report in again.reports] == expected
    assert run.status.phase is Phase.FINISHED


def test_what_is_changed_after_a_failure_is_changed_at_the_checkpoint(tmp_path: Path):
    with training_session(root=tmp_path) as session:
        assert blown_up(session, 30) > 30
        session.adjust(LONG.with_(learning_rate=0.5))
        assert obeyed(session).changes == ((30, "lr 1e+39"), (30, "lr 0.5"))


def test_a_run_that_diverged_can_be_resumed_by_another_process(tmp_path: Path):
    with training_session(root=tmp_path) as session:
        blown_up(session, 30)
    run = only(tmp_path)
    assert restored(run).step == 30
    with training_session() as session:
        session.restore(run, CORPUS, paused=False, changes={"learning_rate": 0.5})
        assert finished(session).error == ""
    assert [step for step, _, _ in history_of(run)] == list(range(LONG.steps))


def test_a_run_that_diverges_and_is_not_kept_has_no_network(tmp_path: Path):
    with training_session() as session:
        blown_up(session, 3)
        assert session.trained().result(60) is None
        before = session.snapshot
        session.resume()
        assert obeyed(session) == before


# Devices


def failing(error: Exception, at: int) -> Callable[[torch.Tensor], Objective]:
    """In the place of `count_objective`: one whose device fails at a step, once."""
    calls = 0

    def make(N: torch.Tensor) -> Objective:
        objective = count_objective(N)

        def fail(W: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            nonlocal calls
            calls += 1
            if calls == at + 1:
                raise error
            return objective(W)

        return fail

    return make


accelerator_error = getattr(torch, "AcceleratorError", RuntimeError)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            torch.OutOfMemoryError(OUT_OF_MEMORY),
            r"out of memory on cpu: 20.00 GiB were asked for, [\d.]+ [KMG]?i?B were free "
            r"at step 0; n=2 would fit \([\d.]+ KiB\)",
        ),
        (MemoryError(), r"out of memory on cpu: [\d.]+ [KMG]?i?B were free at step 0; n=2 would"),
        (
            RuntimeError("[enforce fail at alloc_cpu.cpp:121] . DefaultCPUAllocator: can't "
                         "allocate memory: you tried to allocate 80000000000 bytes. Error code 12"),
            r"74.5 GiB were asked for, [\d.]+ [KMG]?i?B were free at step 0; n=2 would fit",
        ),
        (RuntimeError("can't start new thread"), r"out of memory on cpu: .* were free at step 0"),
        (RuntimeError(ASSERT), r"the GPU failed \(device-side assert triggered\) at step 0; start"),
        (accelerator_error(ASSERT), r"device-side assert triggered\) at step 0; start the program"),
        (RuntimeError("\x1b[31m\nboom"), r"RuntimeError: .*boom|RuntimeError: .*\[31m"),
    ],
    ids=range(7),
)  # fmt: skip
@pytest.mark.parametrize("kept", [False, True])
def test_a_device_that_fails_ends_the_run_and_not_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str, kept: bool
):
    monkeypatch.setattr(model.training, "count_objective", failing(error, 0))
    recipe = QUICK.with_(n=3)
    with training_session(root=tmp_path if kept else None) as session:
        session.start(CORPUS, recipe)
        end = failed(session)
        assert re.search(said, end.error), end.error
        assert "\n" not in end.error
        assert ("back at its checkpoint of step 0" in end.error) == kept
        if kept:
            session.resume()
            assert finished(session).error == ""
            assert len(history_of(only(tmp_path))) == recipe.steps
        session.start(CORPUS, QUICK)
        assert finished(session).error == ""


def test_a_device_that_fails_later_names_the_step_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(model.training, "count_objective", failing(RuntimeError(ASSERT), 90))
    with training_session(root=tmp_path) as session:
        session.start(CORPUS, LONG, paused=True)
        for _ in range(60):
            session.step()
        session.resume()
        end = failed(session)
        step = int(re.search(r"assert triggered\) at step (\d+);", end.error)[1])
        assert 60 <= step <= 90, "the chunk that it came in began there"
        assert "back at its checkpoint of step 60" in end.error
        assert len(history_of(only(tmp_path))) == 60
        session.resume()
        finished(session)
    fresh = Trainer(CORPUS, LONG)
    list(fresh.run())
    assert torch.equal(only(tmp_path).history(), fresh.losses)


def test_a_device_that_fails_while_the_network_is_looked_at_is_explained(
    monkeypatch: pytest.MonkeyPatch,
):
    def fail(*_: object) -> None:
        raise torch.OutOfMemoryError(OUT_OF_MEMORY)

    monkeypatch.setattr(model.training, "sample", fail)
    with training_session() as session:
        session.start(CORPUS, QUICK)
        assert failed(session).error.startswith("out of memory on cpu: 20.00 GiB were asked for")


def test_where_no_lower_order_fits_fewer_words_are_advised(monkeypatch: pytest.MonkeyPatch):
    error = torch.OutOfMemoryError(OUT_OF_MEMORY)
    monkeypatch.setattr(model.training, "count_objective", failing(error, 0))
    with training_session() as session:
        session.start(CORPUS, QUICK)
        assert failed(session).error.endswith("choose fewer words")


SHORT_OF_MEMORY = """
import json, resource, sys
sys.path[:0] = sys.argv[1:3]
import torch
from running import CORPUS, QUICK, failed, finished, training_session
from model.corpus import Corpus

text = "".join(f"{chr(0x4e00 + i)}{chr(0x4e00 + j)}\\n" for i in range(500) for j in range(500))
with training_session() as session:
    session.start(CORPUS, QUICK)
    finished(session)
    pages = int(open("/proc/self/statm").read().split()[0])
    most = pages * resource.getpagesize() + (int(sys.argv[3]) << 20)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    session.start(Corpus("large", text), QUICK.with_(n=3))
    error = failed(session).error
    session.start(CORPUS, QUICK)
    finished(session)
print(json.dumps(error))
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize("mebibytes", [30, 100, 700])
def test_too_little_memory_ends_the_run_and_not_the_program(mebibytes: int):
    folder = str(Path(__file__).parent)
    result = subprocess.run(
        [sys.executable, "-c", SHORT_OF_MEMORY, str(ROOT), folder, str(mebibytes)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    error = json.loads(result.stdout)
    assert error.startswith("out of memory on cpu: "), error
    assert " were free" in error
    assert error.isprintable()


def test_a_device_that_is_not_here_leaves_a_run_as_it_was(tmp_path: Path):
    missing = "cuda" if torch.backends.mps.is_available() else "mps"
    run = kept_run(tmp_path, QUICK, 40)
    before = tree(tmp_path)
    with training_session() as session:
        session.restore(run, CORPUS, device=missing)
        assert missing in failed(session).error
        assert not run.live
        assert tree(tmp_path) == before
        session.restore(run, CORPUS)
        assert obeyed(session).step == 40


class TestOnCuda:
    pytestmark = cuda

    def test_too_little_memory_says_what_was_asked_for(self, tmp_path: Path):
        held: list[torch.Tensor] = []
        block = 1 << 28
        while True:  # all but what a tiny network needs
            try:
                held.append(torch.empty(block, dtype=torch.uint8, device="cuda"))
            except torch.OutOfMemoryError:
                block //= 2
                if block < 1 << 20:
                    break
        with training_session(root=tmp_path) as session:
            recipe = QUICK.with_(device="cuda", n=3)
            text = "".join(
                f"{chr(0x4E00 + i)}{chr(0x4E00 + j)}\n" for i in range(300) for j in range(300)
            )
            session.start(model.corpus.Corpus("large", text), recipe)
            error = failed(session).error
            assert "out of memory on cuda: " in error
            assert "were asked for" in error
            held.clear()
            torch.cuda.empty_cache()
            session.start(CORPUS, QUICK.with_(device="cuda"))
            assert finished(session).error == ""

    def test_a_run_moves_between_the_devices(self, tmp_path: Path):
        run = kept_run(tmp_path, QUICK, 40)
        with training_session() as session:
            session.restore(run, CORPUS, device="cuda", paused=False)
            losses = finished(session).losses
        fresh = Trainer(CORPUS, QUICK)
        list(fresh.run())
        assert losses.tolist() == pytest.approx(fresh.losses.tolist(), abs=1e-4)
        assert restored(run).step == QUICK.steps

    def test_an_assert_on_the_device_names_the_step(self):
        # The context is lost with it: in a process of its own.
        script = (
            "import sys; sys.path[:0] = sys.argv[1:]\n"
            "import torch, model.training\n"
            "from running import CORPUS, QUICK, failed, training_session\n"
            "def broken(N):\n"
            "    place = torch.tensor([10**6], device='cuda')\n"
            "    return lambda W: (W.view(-1)[place].sum(), W)\n"
            "model.training.count_objective = broken\n"
            "with training_session() as session:\n"
            "    session.start(CORPUS, QUICK.with_(device='cuda'))\n"
            "    print(failed(session).error)\n"
        )
        result = subprocess.run(
            [sys.executable, "-c", script, str(ROOT), str(Path(__file__).parent)],
            capture_output=True,
            text=True,
            check=True,
        )
        assert re.search(r"the GPU failed \(.*\) at step 0; start the program", result.stdout)


def test_a_run_that_is_going_on_is_not_disturbed_by_those_who_ask(tmp_path: Path):
    """Asking for the network while it trains, which copies it, changes no loss."""
    with training_session(root=tmp_path, every=0.01) as session:
        session.start(CORPUS, LONG)
        wait_until(session, lambda now: session.trained().result(60) and now.step == LONG.steps)
        end = finished(session)
    fresh = Trainer(CORPUS, LONG)
    list(fresh.run())
    assert torch.equal(end.losses, fresh.losses)


def test_a_change_that_the_device_cannot_make_ends_the_run(monkeypatch: pytest.MonkeyPatch):
    def adjust(trainer: Trainer, recipe: Recipe) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(Trainer, "adjust", adjust)
    with training_session() as session:
        session.start(CORPUS, ENDLESS)
        session.adjust(ENDLESS.with_(learning_rate=0.5))
        after = obeyed(session)
        assert after.phase is Phase.FAILED
        assert "out of memory" in after.error
        session.start(CORPUS, QUICK)
        assert finished(session).error == ""
