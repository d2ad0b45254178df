"""A bag of words: what all tokens of the context have in common, whatever their order.

As in makemore, the newest token is seen beside the mean of all, and each knows its place.
"""

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from model.alphabet import Alphabet
from model.language_model import State
from model.nets.network import Embedding, Reader


class BagOfWords(Reader):
    """The newest token plus the mean of all, a layer of tanh beside it, logits."""

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
        self.embedding = Embedding(len(alphabet), width)
        self.places = Embedding(context_length, width)
        self.hidden = nn.Linear(width, hidden)
        self.back = nn.Linear(hidden, width)
        self.head = nn.Linear(width, len(alphabet))

    def forward(self, tokens: Tensor, own: Tensor) -> Tensor:
        """Logits after each of the K `own` cells (K,) of rows of tokens (R, T). (K, V)"""
        T = tokens.shape[1]
        x = self.embedding(tokens) + self.places.weight[:T]  # (R, T, C)
        sums = x.new_ones(T, T).tril()  # each place and those before it
        means = sums / sums.sum(1, keepdim=True) @ x
        return self._think((x + means).flatten(0, 1).index_select(0, own))

    def start(self, count: int) -> State:
        """The sum of no embeddings (count, C), and their number (count, 1)."""
        weight = self.head.weight
        return weight.new_zeros(count, weight.shape[1]), weight.new_zeros(count, 1)

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Logits after one more token (B,) of each context (B, V), and the new state."""
        sums, number = state
        x = self.embedding(tokens) + F.embedding(number.squeeze(1).long(), self.places.weight)
        sums, number = sums + x, number + 1
        return self._think(x + sums / number), (sums, number)

    def _think(self, x: Tensor) -> Tensor:
        return self.head(x + self.dropout(self.back(torch.tanh(self.hidden(x)))))
