"""A Transformer: Vaswani et al. 2017, with the norms in front of the layers, as in GPT-2 (2019).

Each token asks (q) those before it (k) for what they have to say (v), then thinks about it by
itself (the MLP); both add to what it knew before:

    attention(q, k, v) = softmax(q k^T / sqrt(size of a head)) v, by head

(As in makemore, places have learnt embeddings, the head has weights of its own, and all weights
start as torch's layers do. GELU is the exact one, of which GPT-2 computes an approximation; and
what attention looks at is not dropped.)
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from model.alphabet import Alphabet
from model.language_model import State
from model.nets.network import Dropout, Embedding, Reader

Attention = Callable[[Tensor], Tensor]
"""From the queries, keys and values of each token, (K, 3 * C), to what it is told. (K, C)"""


class Transformer(Reader):
    """Tokens and places, blocks, a norm, logits."""

    SIZES = ("width", "layers", "heads")

    def __init__(
        self,
        alphabet: Alphabet,
        context_length: int,
        *,
        width: int = 64,
        layers: int = 4,
        heads: int = 4,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(alphabet, context_length, dropout)
        self.heads, self.head_size = heads, width // heads
        self.embedding = Embedding(len(alphabet), width)
        self.places = Embedding(context_length, width)
        self.blocks = nn.ModuleList(Block(width, self.dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, len(alphabet), bias=False)

    def forward(self, tokens: Tensor, own: Tensor) -> Tensor:
        """Logits after each of the K `own` cells (K,) of rows of tokens (R, T). (K, V)"""
        R, T = tokens.shape
        # Only attention needs rows; all else is done for the tokens that there are. No token looks
        # ahead to where its row is filled up: anything may stand there.
        token = own.new_zeros(R * T)
        token[own] = torch.arange(len(own), device=own.device)

        def attend(qkv: Tensor) -> Tensor:
            cells = qkv.index_select(0, token).view(R, T, 3, self.heads, self.head_size)
            q, k, v = cells.permute(2, 0, 3, 1, 4)  # (R, heads, T, hs) each
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            return y.transpose(1, 2).flatten(2).flatten(0, 1).index_select(0, own)

        x = self.embedding(tokens.take(own)) + self.places(own % T)  # (K, C)
        return self._logits(x, attend)

    def start(self, count: int) -> State:
        """The keys and values of no token yet, for each block. (count, 2, heads, 0, hs) each"""
        nothing = self.places.weight.new_zeros(count, 2, self.heads, 0, self.head_size)
        return len(self.blocks) * (nothing,)

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Logits after one more token (B,) of each context (B, V), and the new state."""
        past, grown = iter(state), list[Tensor]()

        def attend(qkv: Tensor) -> Tensor:
            q, k, v = qkv.view(-1, 3, self.heads, 1, self.head_size).unbind(1)  # of one place
            grown.append(torch.cat([next(past), torch.stack([k, v], 1)], 3))
            keys, values = grown[-1].unbind(1)
            return F.scaled_dot_product_attention(q, keys, values).flatten(1)

        x = self.embedding(tokens) + self.places.weight[state[0].shape[3]]  # (B, C)
        return self._logits(x, attend), tuple(grown)

    def _logits(self, x: Tensor, attend: Attention) -> Tensor:
        x = self.dropout(x)
        for block in self.blocks:
            x = block(x, attend)
        return self.head(self.norm(x))


class Block(nn.Module):
    """Attention, then an MLP, each beside a residual connection."""

    def __init__(self, width: int, dropout: Dropout) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )
        self.dropout = dropout

    def forward(self, x: Tensor, attend: Attention) -> Tensor:
        """From what each token knows to what it knows afterwards. (K, C)"""
        x = x + self.dropout(self.out(attend(self.qkv(self.norm1(x)))))
        return x + self.dropout(self.mlp(self.norm2(x)))
