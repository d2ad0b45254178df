"""What the recurrent networks have in common: a cell that carries its state from token to token."""

from abc import abstractmethod
from typing import ClassVar

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from model.alphabet import Alphabet
from model.language_model import State
from model.nets.network import Embedding, Reader


class Recurrent(Reader):
    """Embeddings, a cell, logits. A subclass is its cell.

    What the cell makes of the tokens alone is computed for all of them at once; what is left for
    each step is what depends on the step before.
    """

    SIZES = ("width", "hidden")
    GATES: ClassVar[int]
    """How many vectors of the hidden size the cell computes at each step."""
    STATES: ClassVar[int] = 1
    """How many it carries on; the first one is the output."""

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
        self.embedding = Embedding(len(alphabet), width)
        self.input = nn.Linear(width, self.GATES * hidden)
        self.recurrent = nn.Linear(hidden, self.GATES * hidden, bias=False)
        self.head = nn.Linear(hidden, len(alphabet))

    @abstractmethod
    def cell(self, x: Tensor, state: State) -> State:
        """One step: from what the tokens give, x (B, GATES * hidden), and the state (B, hidden)."""

    def forward(self, tokens: Tensor, own: Tensor) -> Tensor:
        """Logits after each of the K `own` cells (K,) of rows of tokens (R, T). (K, V)"""
        state, outputs = self.start(len(tokens)), list[Tensor]()
        for x in self._inputs(tokens.t()).unbind(0):  # (R, GATES * hidden)
            state = self.cell(x, state)
            outputs.append(state[0])
        h = torch.stack(outputs, 1).flatten(0, 1).index_select(0, own)  # (K, hidden)
        return self.head(self.dropout(h))

    def start(self, count: int) -> State:
        """Nothing is remembered: zeros. (count, hidden) each"""
        return self.STATES * (self.recurrent.weight.new_zeros(count, self.recurrent.in_features),)

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Logits after one more token (B,) of each context (B, V), and the new state."""
        state = self.cell(self._inputs(tokens), state)
        return self.head(state[0]), state

    def _inputs(self, tokens: Tensor) -> Tensor:
        # What a token gives is the same wherever it stands: it is computed once for each, and
        # dropped alike.
        table = self.input(
            self.dropout(self.embedding.weight, of_weights=True)
        )  # (V, GATES * hidden)
        return F.embedding(tokens, table)
