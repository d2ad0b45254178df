"""The network of a run on disk."""

from pathlib import Path

import pytest
import torch
from running import CORPUS, QUICK, kept_run, nll_of

from model.checkpoints import Checkpoint
from model.errors import MakemoreError
from model.files import read_file
from model.ngrams import Ngrams, count
from model.recipe import Recipe, recipe_for
from model.runs import Run, create
from model.splits import split
from model.trained import trained

PARTS = split(CORPUS)
SMALL = recipe_for("gru").with_(device="cpu", steps=301, hidden=16, width=8, learning_rate=0.02)


def learnt(recipe: Recipe) -> Ngrams:
    return count(PARTS.train if recipe.data == "train" else CORPUS, recipe.n)


def rewrite(run: Run, **tensors: torch.Tensor) -> None:
    """Change some tensors of the newest checkpoint."""
    path = run.checkpoints[0]
    kept = Checkpoint.of(read_file(path))
    kept.tensors.update(tensors)
    path.write_bytes(kept.to_bytes())


def test_without_dev_figures_it_is_the_newest(tmp_path: Path):
    run = kept_run(tmp_path, QUICK, 50, 101)
    newest = trained(run, learnt(QUICK))
    assert (newest.step, newest.best) == (101, False)
    kept = Checkpoint.of(read_file(run.checkpoints[0])).tensors["network.W"]
    assert newest.network.state_dict()["W"].equal(kept)


def test_with_dev_figures_it_is_what_was_best_on_dev(tmp_path: Path):
    run = kept_run(tmp_path, SMALL, 301)  # long enough to learn the few words by heart
    best = trained(run, learnt(SMALL))
    assert best.best
    assert best.step < 301
    stored = Checkpoint.of(read_file(run.checkpoints[0])).tensors
    assert nll_of(best.network, PARTS.dev) == pytest.approx(float(stored["best.dev"]), rel=1e-5)
    newest = {name: stored[f"network.{name}"] for name in best.network.state_dict()}
    best.network.load_state_dict(newest)
    assert nll_of(best.network, PARTS.dev) > float(stored["best.dev"])


def test_a_broken_checkpoint_gives_way_to_an_older_one(tmp_path: Path):
    run = kept_run(tmp_path, QUICK, 50, 101)
    run.checkpoints[0].write_bytes(b"nothing")
    assert trained(run, learnt(QUICK)).step == 50


@pytest.mark.parametrize(
    "tensor",
    [torch.zeros(3, 3), torch.full((27, 27), torch.nan), torch.zeros(27, 27, dtype=torch.int64)],
    ids=["another size", "not finite", "another type"],
)
def test_a_network_that_is_none_of_this_recipe_is_refused(tensor: torch.Tensor, tmp_path: Path):
    run = kept_run(tmp_path, QUICK, 50)
    if tensor.shape[0] == 27:
        shape = Checkpoint.of(read_file(run.checkpoints[0])).tensors["network.W"].shape
        tensor = tensor.flatten()[:1].expand(shape)
    rewrite(run, **{"network.W": tensor})
    with pytest.raises(MakemoreError, match="no checkpoint that is whole"):
        trained(run, learnt(QUICK))


def test_a_run_that_was_never_begun_has_none(tmp_path: Path):
    run = create(tmp_path, CORPUS, QUICK, "idle")
    with pytest.raises(MakemoreError, match="idle has no checkpoint yet"):
        trained(run, learnt(QUICK))


def test_a_strangers_recipe_takes_no_more_memory_than_its_file_has(tmp_path: Path):
    giant = recipe_for("transformer").with_(width=1024, layers=20)  # a gigabyte
    run = create(tmp_path, CORPUS, giant)
    (run.folder / "step-00000001.safetensors").write_bytes(b"0" * 1000)
    with pytest.raises(MakemoreError, match="no checkpoint yet"):
        trained(run, learnt(giant))
