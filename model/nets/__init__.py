"""The networks, each a file that can be read on its own."""

from __future__ import annotations

from pkgutil import resolve_name
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from model.nets.network import Network
    from model.ngrams import Ngrams
    from model.recipe import Recipe

NETWORKS = {
    "one-layer": "model.nets.one_layer:OneLayer",
    "bag-of-words": "model.nets.bag_of_words:BagOfWords",
    "mlp": "model.nets.mlp:MLP",
    "rnn": "model.nets.rnn:RNN",
    "gru": "model.nets.gru:GRU",
    "lstm": "model.nets.lstm:LSTM",
    "wavenet": "model.nets.wavenet:WaveNet",
    "transformer": "model.nets.transformer:Transformer",
}
"""Where each network is, by its name; imported when it is asked for, and torch with it."""


def network_class(name: str) -> type[Network]:
    """The class of the network called `name`, one of `NETWORKS`."""
    return resolve_name(NETWORKS[name])


def sizes(name: str) -> tuple[str, ...]:
    """The fields of a recipe that say how large the network called `name` is."""
    return {"one-layer": (), "transformer": ("width", "layers", "heads")}.get(
        name, ("width", "hidden")
    )


def count_weights(recipe: Recipe, ngrams: Ngrams) -> int:
    """How many weights the network of a recipe has, without making any of them."""
    return network_class(recipe.model).count_weights(ngrams, recipe)
