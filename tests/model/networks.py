"""Small networks of every kind, in 64 bits so that two ways to the same number can be compared."""

import torch

from model.alphabet import Alphabet
from model.nets import NETWORKS, network_class
from model.nets.network import Network, Reader

SMALL = {"width": 8, "hidden": 12, "layers": 2, "heads": 2}

ZOO = [name for name in NETWORKS if name != "one-layer"]
READERS = [name for name in ZOO if issubclass(network_class(name), Reader)]


def small(name: str, alphabet: Alphabet, n: int, *, seed: int = 1, dropout: float = 0.0) -> Network:
    """An untrained network of order n."""
    kind = network_class(name)
    sizes = {size: SMALL[size] for size in kind.SIZES}
    made = kind(alphabet, n - 1, dropout=dropout, **sizes)
    made.initialise(seed)
    return made.to(torch.float64)


def reader(name: str, alphabet: Alphabet, n: int, *, seed: int = 1) -> Reader:
    """An untrained network that reads from left to right."""
    made = small(name, alphabet, n, seed=seed)
    assert isinstance(made, Reader)
    return made
