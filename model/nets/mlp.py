"""A neural probabilistic language model: Bengio, Ducharme, Vincent and Jauvin, JMLR 3, 2003.

Every token has an embedding; those of the context stand side by side, go through one hidden layer,
and come out as logits. Contexts that are alike get embeddings that are alike: what is learnt of one
holds for the others. (The paper leaves it open to connect the embeddings to the logits directly as
well; as in makemore, they are not.)
"""

import torch
from torch import Tensor, nn

from model.alphabet import Alphabet
from model.nets.network import Embedding, Window


class MLP(Window):
    """Embeddings side by side, a layer of tanh, logits."""

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
        self.hidden = nn.Linear(context_length * width, hidden)
        self.head = nn.Linear(hidden, len(alphabet))

    def forward(self, contexts: Tensor) -> Tensor:
        """From contexts (E, n-1) to logits (E, V)."""
        x = self.embedding(contexts).flatten(1)  # (E, (n-1) * width)
        h = torch.tanh(self.hidden(x))  # (E, hidden)
        return self.head(self.dropout(h))
