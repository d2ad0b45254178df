"""The networks, each a file that can be read on its own."""

from model.nets.one_layer import OneLayer

NETWORKS = {"one-layer": OneLayer}
