"""The network of a run on disk, as it was when it was best."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from model.alphabet import visible
from model.checkpoints import Checkpoint
from model.errors import MakemoreError
from model.files import read_file
from model.nets import network_class
from model.nets.network import Network
from model.ngrams import Ngrams
from model.runs import Run

NETWORK, BEST = "network.", "best."
STEP = "best.step"
FLOAT = 4  # bytes
COPIES = 8
"""Times that a checkpoint holds each weight at most: with what the optimiser remembers of it."""
MOST_HEADER = 1 << 16  # bytes of a checkpoint besides its tensors


class Trained(NamedTuple):
    """A network, and where it stands."""

    network: Network
    step: int
    """The steps done."""
    best: bool
    """Whether it is the best on dev of the run so far; otherwise the newest."""


def trained(run: Run, ngrams: Ngrams) -> Trained:
    """The network of a run's newest checkpoint that is whole: the best on dev, if there is one.

    Args:
        run: whose process, if it has one, may write checkpoints meanwhile.
        ngrams: of the words that it learns from, of its order.

    Raises:
        MakemoreError: there is no such checkpoint, or its network is another one.
    """
    kind, least = network_class(run.recipe.model), 0
    if kind.SIZES:  # a stranger's recipe may ask for more than there is memory: first a sketch
        with torch.device("meta"):
            least = FLOAT * kind.of(ngrams, run.recipe).size
    paths = [path for path in run.checkpoints if _bytes(path) >= least]
    if not paths:
        raise MakemoreError(f"{visible(run.name)} has no checkpoint yet; train it first")
    network = kind.of(ngrams, run.recipe).frozen()
    own = network.state_dict()
    most = COPIES * FLOAT * network.size + MOST_HEADER
    for path in paths:
        try:
            tensors = Checkpoint.of(read_file(path, most)).tensors
            best = any(name.startswith(BEST) for name in tensors)
            kept = {name: tensors[(BEST if best else NETWORK) + name] for name in own}
            step = int(tensors[STEP]) if best else int(path.stem.rpartition("-")[2])
            _check(kept, own)
        except (OSError, ValueError, LookupError, RuntimeError, MakemoreError):
            continue
        network.load_state_dict(kept)
        return Trained(network, step, best)
    raise MakemoreError(f"{visible(run.name)} has no checkpoint that is whole; train it anew")


def _bytes(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:  # a newer one has taken its place
        return 0


def _check(kept: dict[str, Tensor], own: dict[str, Tensor]) -> None:
    for name, tensor in kept.items():
        same = (tensor.shape, tensor.dtype) == (own[name].shape, own[name].dtype)
        if not same or not bool(torch.isfinite(tensor).all()):
            raise ValueError(f"{name} is of another network")
