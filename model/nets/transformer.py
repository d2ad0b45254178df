"""A Transformer: Vaswani et al. 2017, with the norms in front of the layers, as in GPT-2 (2019).

Each token asks (q) those before it (k) for what they have to say (v), then thinks about it by
itself (the MLP); both add to what it knew before:

    attention(q, k, v) = softmax(q k^T / sqrt(size of a head)) v, by head
"""

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from model.alphabet import Alphabet
from model.nets.network import Dropout, Reader, State


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
        self.heads = heads
        self.embedding = nn.Embedding(len(alphabet), width)
        self.places = nn.Embedding(context_length, width)
        self.blocks = nn.ModuleList(Block(width, heads, self.dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, len(alphabet), bias=False)

    def forward(self, tokens: Tensor, own: Tensor) -> Tensor:
        """Logits after each of the K `own` cells (K,) of rows of tokens (R, T). (K, V)"""
        x = self.embedding(tokens.flatten()[own]) + self.places(own % tokens.shape[1])  # (K, C)
        x = self.dropout(x)
        for block in self.blocks:
            x = block(x, own, tokens.shape)
        return self.head(self.norm(x))

    def start(self, count: int) -> State:
        """The keys and values of each layer, of no token yet. (count, layers, 2, heads, 0, hs)"""
        size = self.places.embedding_dim // self.heads
        shape = (count, len(self.blocks), 2, self.heads, 0, size)
        return (self.places.weight.new_zeros(shape),)

    @torch.no_grad()
    def read(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Read one more token (B,) of each context: log-probabilities (B, V), and the new state."""
        (cache,) = state
        x = self.embedding(tokens) + self.places.weight[cache.shape[4]]  # (B, C)
        layers = list[Tensor]()
        for block, kv in zip(self.blocks, cache.unbind(1), strict=True):
            x, kv = block.read(x, kv)
            layers.append(kv)
        return self.head(self.norm(x)).log_softmax(1), (torch.stack(layers, 1),)


class Block(nn.Module):
    """Attention, then an MLP, each beside a residual connection."""

    def __init__(self, width: int, heads: int, dropout: Dropout) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(approximate="tanh"), nn.Linear(4 * width, width)
        )
        self.dropout = dropout

    def forward(self, x: Tensor, own: Tensor, shape: torch.Size) -> Tensor:
        """From x (K, C), the `own` cells (K,) of rows of a shape (R, T), to x. (K, C)"""
        R, T = shape
        # Only attention needs the rows; all else is done for the tokens that there are.
        qkv = x.new_zeros(R * T, 3 * x.shape[1]).index_copy(0, own, self.qkv(self.norm1(x)))
        q, k, v = qkv.view(R, T, 3, self.heads, -1).permute(2, 0, 3, 1, 4)  # (R, heads, T, hs)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        y = y.transpose(1, 2).reshape(R * T, -1).index_select(0, own)  # (K, C)
        return self._think(x + self.dropout(self.out(y)))

    def read(self, x: Tensor, kv: Tensor) -> tuple[Tensor, Tensor]:
        """From x of the newest tokens (B, C) and the keys and values (B, 2, heads, T, hs)."""
        q, k, v = self.qkv(self.norm1(x)).view(len(x), 3, self.heads, 1, -1).unbind(1)
        kv = torch.cat([kv, torch.stack([k, v], 1)], 3)
        y = F.scaled_dot_product_attention(q, kv[:, 0], kv[:, 1]).flatten(1)  # (B, C)
        return self._think(x + self.out(y)), kv

    def _think(self, x: Tensor) -> Tensor:
        return x + self.dropout(self.mlp(self.norm2(x)))
