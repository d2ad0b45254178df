"""Checkpoints: what they hold, and what is not taken for one."""

import pickle
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from running import CORPUS, NOTEBOOK, QUICK, alone, kept_run, restored

from model.checkpoints import Checkpoint, tensors_of, tensors_to_bytes
from model.corpus import Corpus, parse
from model.errors import MakemoreError
from model.recipe import RECIPES, Recipe
from model.reports import Reports
from model.run_writer import RunWriter
from model.training import Trainer

FEW = parse(b"abba\nbaab\n", "few words")
STEPS = 130

recipes = st.builds(
    lambda name, n, one_hot, l2: RECIPES[name].with_(
        n=n,
        one_hot=one_hot and not RECIPES[name].batch_size,
        l2=l2,
        batch_size=min(2, RECIPES[name].batch_size),
        width=4,
        hidden=4,
        layers=2,
        heads=2,
        device="cpu",
        steps=STEPS,
    ),
    st.sampled_from(list(RECIPES)),
    st.sampled_from([2, 3]),
    st.booleans(),
    st.sampled_from([0.0, 0.01]),
)


def advance(trainer: Trainer, step: int) -> None:
    while trainer.step < step:
        trainer.advance(step - trainer.step)


def content(checkpoint: Checkpoint) -> tuple[object, ...]:
    """What is in a checkpoint, to be compared; its file may say it in another order."""
    tensors = {name: tensor.tolist() for name, tensor in sorted(checkpoint.tensors.items())}
    return checkpoint.step, checkpoint.recipe, tensors


# The steps after it


@given(recipes, st.lists(st.integers(0, STEPS), max_size=4))
def test_steps_from_a_checkpoint_are_those_that_would_have_followed(
    recipe: Recipe, stops: list[int]
):
    losses, reports = alone(recipe, FEW)
    trainer, seen = Trainer(FEW, recipe), list[object]()
    for stop in sorted(stops):
        while trainer.step < stop:
            if report := trainer.advance(stop - trainer.step):
                seen.append(report)
        checkpoint = Checkpoint.of(trainer.checkpoint().to_bytes())
        assert checkpoint.step == stop
        trainer, before = Trainer(FEW, recipe), trainer
        trainer.restore(checkpoint, before.losses[:stop])
        assert trainer.recipe == recipe
    seen.extend(trainer.run())
    assert torch.equal(trainer.losses, losses)
    assert seen == reports


@given(recipes, st.integers(1, STEPS - 1), st.floats(1e-3, 1), st.floats(0, 0.01))
def test_a_checkpoint_holds_what_was_changed_on_the_way(
    recipe: Recipe, stop: int, rate: float, l2: float
):
    rate /= 100 if recipe.batch_size else 1  # or a network of the zoo would diverge
    trainer = Trainer(FEW, recipe)
    advance(trainer, stop // 2)
    trainer.adjust(recipe.with_(learning_rate=rate, l2=l2))
    advance(trainer, stop)
    again = Trainer(FEW, recipe)
    again.restore(Checkpoint.of(trainer.checkpoint().to_bytes()), trainer.losses[:stop])
    assert again.recipe == recipe.with_(learning_rate=rate, l2=l2)
    for each in (trainer, again):
        advance(each, STEPS)
    assert torch.equal(again.losses, trainer.losses)
    assert content(again.checkpoint()) == content(trainer.checkpoint())


def test_a_trainer_can_go_back_to_an_earlier_step():
    losses, _ = alone(QUICK)
    trainer = Trainer(CORPUS, QUICK)
    advance(trainer, 20)
    checkpoint = trainer.checkpoint()
    advance(trainer, 70)
    trainer.restore(checkpoint, trainer.losses[:20])
    assert trainer.step == 20
    advance(trainer, QUICK.steps)
    assert torch.equal(trainer.losses, losses)


def test_later_steps_leave_a_checkpoint_as_it_is():
    trainer = Trainer(CORPUS, QUICK)
    checkpoint = trainer.checkpoint()
    before = content(checkpoint)
    advance(trainer, 5)
    assert content(checkpoint) == before
    assert content(trainer.checkpoint()) != before


# What is none


@pytest.fixture(scope="module")
def whole() -> bytes:
    """The file of a small checkpoint."""
    trainer = Trainer(FEW, QUICK)
    advance(trainer, 7)
    return trainer.checkpoint().to_bytes()


def refused(data: bytes) -> str:
    """What is said of a file that is no checkpoint."""
    with pytest.raises(MakemoreError) as error:
        Checkpoint.of(data)
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 400
    return str(error.value)


def test_a_checkpoint_cut_at_any_byte_is_none(whole: bytes):
    assert Checkpoint.of(whole).step == 7
    for length in range(len(whole)):
        refused(whole[:length])
    refused(whole + b"\0")


def test_a_header_with_any_bit_flipped_is_refused_or_whole(whole: bytes):
    size = 8 + int.from_bytes(whole[:8], "little")
    refusals = 0
    for place in range(size):
        for bit in range(8):
            data = bytearray(whole)
            data[place] ^= 1 << bit
            try:
                checkpoint = Checkpoint.of(bytes(data))
            except MakemoreError as error:
                assert str(error).isprintable()
                refusals += 1
            else:
                assert 0 <= checkpoint.step <= checkpoint.recipe.steps
    assert refusals > size  # most of it is structure


@pytest.mark.parametrize("key", ["format", "step", "recipe"])
@pytest.mark.parametrize(
    "value",
    ["", "null", "[]", "-1", "1e999", "9" * 5000, "[" * 100_000, "{}", "\x1b[31m", '"recipe"'],
    ids=range(10),
)
def test_a_header_with_something_else_in_it_is_none(whole: bytes, key: str, value: str):
    tensors, header = tensors_of(whole)
    refused(tensors_to_bytes(tensors, {**header, key: value}))


class Trap:
    """What runs a command when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.mark,)


def test_a_pickle_is_none_and_is_not_unpickled(tmp_path: Path):
    mark = tmp_path / "run"
    refused(pickle.dumps(Trap(mark)))
    archive = tmp_path / "archive"
    torch.save({"W": Trap(mark)}, archive)
    refused(archive.read_bytes())
    assert not mark.exists()
    pickle.loads(pickle.dumps(Trap(mark)))
    assert mark.exists()


@pytest.mark.parametrize(
    "other",
    [
        QUICK.with_(n=3),
        QUICK.with_(seed=1),
        QUICK.with_(steps=100),
        QUICK.with_(one_hot=True),
        QUICK.with_(optimiser="accumulate"),
        QUICK.with_(batch_size=8),
        QUICK.with_(data="train"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused_and_changes_nothing(other: Recipe):
    stranger = Trainer(CORPUS, other)
    advance(stranger, 3)
    trainer = Trainer(CORPUS, QUICK)
    before = content(trainer.checkpoint())
    with pytest.raises(MakemoreError, match="of another run"):
        trainer.restore(stranger.checkpoint(), stranger.losses[:3])
    assert content(trainer.checkpoint()) == before


@pytest.mark.parametrize("state", [b"", b"\0" * 5056, b"\xff" * 5056, b"\0" * 5057], ids=range(4))
def test_a_state_of_the_generator_that_is_none_is_refused(state: bytes):
    trainer = Trainer(CORPUS, QUICK)
    checkpoint = trainer.checkpoint()
    tensors = {**checkpoint.tensors, "generator": torch.tensor(list(state), dtype=torch.uint8)}
    before = content(checkpoint)
    with pytest.raises(MakemoreError) as error:
        trainer.restore(replace(checkpoint, tensors=tensors), trainer.losses[:0])
    assert str(error.value).isprintable()
    assert content(trainer.checkpoint()) == before


# What is kept


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize("part", ["network.W", "optimiser.m", "optimiser.decay1"])
def test_weights_that_are_no_numbers_are_not_kept(tmp_path: Path, value: float, part: str):
    run = kept_run(tmp_path, QUICK, 5)
    trainer, writer = Trainer(CORPUS, QUICK), RunWriter(run)
    writer.restore(trainer)
    trainer.advance(1)
    assert trainer.checkpoint().finite
    before = run.checkpoints
    tensors = {"network.W": trainer.network.W, **vars_of(trainer)}
    tensors[part].view(-1)[0] = value
    assert not trainer.checkpoint().finite
    assert not writer.save(trainer, Reports())
    writer.close()
    assert run.checkpoints == before
    assert restored(run).step == 5


def vars_of(trainer: Trainer) -> dict[str, torch.Tensor]:
    """What the optimiser remembers, the tensors themselves."""
    return {
        f"optimiser.{name}": tensor
        for name, tensor in trainer._optimiser.state_dict().items()  # nothing public holds them
    }


def test_a_checkpoint_with_weights_that_are_no_numbers_is_passed_over(tmp_path: Path):
    run = kept_run(tmp_path, QUICK, 5)
    trainer = restored(run)
    trainer.advance(1)
    trainer.network.W[0, 0] = torch.nan
    name = "step-00000006.safetensors"
    (run.folder / name).write_bytes(trainer.checkpoint().to_bytes())
    assert restored(run).step == 5


def test_a_checkpoint_under_the_name_of_another_step_is_passed_over(tmp_path: Path):
    run = kept_run(tmp_path, QUICK, 5, 9)
    copy = run.folder / "step-99999999.safetensors"
    copy.write_bytes(run.checkpoints[1].read_bytes())
    assert restored(run).step == 9


def test_nothing_but_tensors_and_text_is_in_a_checkpoint(whole: bytes, vowels: Corpus):
    from safetensors.torch import load

    tensors = load(whole)
    assert {"network.W", "optimiser.m", "optimiser.v", "generator"} <= set(tensors)
    notebook = Trainer(vowels, NOTEBOOK).checkpoint().tensors
    assert set(notebook) == {"network.W", "optimiser.velocity", "generator"}
