"""A causal convolution that doubles its view with each layer: van den Oord et al., WaveNet, 2016.

A layer joins what is known at a place with what is known `dilation` places before, and the next
layer reaches back twice as far: after k layers, 2^k tokens are seen. Each layer has WaveNet's gate,
tanh(a) * sigmoid(b), its residual, and its skip connection to the logits.
"""

import math

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from model.alphabet import Alphabet
from model.language_model import State
from model.nets.network import Dropout, Embedding, Reader


class WaveNet(Reader):
    """As many layers as it takes to see the whole context."""

    SIZES = ("width", "hidden")

    def __init__(
        self,
        alphabet: Alphabet,
        context_length: int,
        *,
        width: int = 64,
        hidden: int = 64,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(alphabet, context_length, dropout)
        self.dilations = [2**layer for layer in range(math.ceil(math.log2(context_length)))]
        self.embedding = Embedding(len(alphabet), width)
        self.layers = nn.ModuleList(Layer(width, hidden, self.dropout) for _ in self.dilations)
        self.skip = nn.Linear(width, hidden)
        self.hidden = nn.Linear(hidden, hidden)
        self.head = nn.Linear(hidden, len(alphabet))

    def forward(self, tokens: Tensor, own: Tensor) -> Tensor:
        """Logits after each of the K `own` cells (K,) of rows of tokens (R, T). (K, V)"""
        x = self.embedding(tokens.take(own))  # (K, C)
        places = (own % tokens.shape[1]).unsqueeze(1)
        skips = self.skip(x)
        for layer, dilation in zip(self.layers, self.dilations, strict=True):
            # The tokens of a row stand one after the other: those before its first are not its own.
            before = F.pad(x, (0, 0, dilation, 0))[: len(x)] * (places >= dilation)
            x, skip = layer(x, before)
            skips = skips + skip
        return self._logits(skips)

    def start(self, count: int) -> State:
        """The last inputs of each layer, as far back as it looks: none yet. (count, dilation, C)"""
        weight = self.embedding.weight
        return tuple(weight.new_zeros(count, d, weight.shape[1]) for d in self.dilations)

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Logits after one more token (B,) of each context (B, V), and the new state."""
        x = self.embedding(tokens)  # (B, C)
        inputs, skips = list[Tensor](), self.skip(x)
        for layer, last in zip(self.layers, state, strict=True):
            inputs.append(torch.cat([last[:, 1:], x.unsqueeze(1)], 1))
            x, skip = layer(x, last[:, 0])
            skips = skips + skip
        return self._logits(skips), tuple(inputs)

    def _logits(self, skips: Tensor) -> Tensor:
        return self.head(F.relu(self.hidden(F.relu(skips))))


class Layer(nn.Module):
    """A gate that sees two places."""

    def __init__(self, width: int, hidden: int, dropout: Dropout) -> None:
        super().__init__()
        self.pair = nn.Linear(2 * width, 2 * width)
        self.residual = nn.Linear(width, width)
        self.skip = nn.Linear(width, hidden)
        self.dropout = dropout

    def forward(self, x: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
        """From x here and before, (K, C) each, to x (K, C), and what is said of it (K, hidden)."""
        a, b = self.pair(torch.cat([before, x], 1)).chunk(2, 1)
        gated = self.dropout(torch.tanh(a) * torch.sigmoid(b))
        return x + self.residual(gated), self.skip(gated)
