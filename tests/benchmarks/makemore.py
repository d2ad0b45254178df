"""The plain way: makemore's networks and its loop told again.

Every word is a row as long as the longest one, every token of it goes through every layer, a
DataLoader (in this process) brings the batches, torch's AdamW updates the weights, and each step
asks for its loss.
"""

import math
import random
from collections.abc import Iterator
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, RandomSampler

WIDTH = 64
LAYERS = 4
HEADS = 4
BATCH = 32
DILATIONS = (1, 2, 4, 8)
NO_TARGET = -1
CHARACTERS = "abcdefghijklmnopqrstuvwxyz"


class TrainingSet(Dataset[tuple[Tensor, Tensor]]):
    """The training words: tokens and targets of each, filled up behind, made when asked for."""

    def __init__(self, names: Path) -> None:
        words = names.read_text().split()
        self.size = 1 + max(map(len, words))
        self.tokens = {character: token for token, character in enumerate(CHARACTERS, start=1)}
        random.Random(42).shuffle(words)
        self.words = words[: int(0.8 * len(words))]

    def __len__(self) -> int:
        return len(self.words)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        tokens = torch.tensor([self.tokens[character] for character in self.words[index]])
        inputs = torch.zeros(self.size, dtype=torch.int64)
        targets = torch.zeros(self.size, dtype=torch.int64)
        inputs[1 : 1 + len(tokens)] = tokens
        targets[: len(tokens)] = tokens
        targets[1 + len(tokens) :] = NO_TARGET
        return inputs, targets


def train(network: nn.Module, data: TrainingSet) -> Iterator[float]:
    """Train a network without end, and yield the loss of each step."""
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=5e-4, weight_decay=0.01, betas=(0.9, 0.99), eps=1e-8
    )
    sampler = RandomSampler(data, replacement=True, num_samples=10**9)
    for inputs, targets in DataLoader(data, BATCH, sampler=sampler):
        logits: Tensor = network(inputs)
        loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=NO_TARGET)
        network.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        yield loss.item()


def network(name: str, vocabulary: int, size: int) -> nn.Module:
    """The network that makemore has under a name of ours, for rows of `size` tokens."""
    if name in ("rnn", "gru", "lstm"):
        return _Recurrent(vocabulary, {"rnn": _RNNCell, "gru": _GRUCell, "lstm": _LSTMCell}[name]())
    kinds = {"mlp": _MLP, "bag-of-words": _Bag, "wavenet": _WaveNet, "transformer": _Transformer}
    return kinds[name](vocabulary, size)


class _Transformer(nn.Module):
    def __init__(self, vocabulary: int, size: int) -> None:
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, WIDTH)
        self.places = nn.Embedding(size, WIDTH)
        self.blocks = nn.Sequential(*(_Block(size) for _ in range(LAYERS)))
        self.norm = nn.LayerNorm(WIDTH)
        self.head = nn.Linear(WIDTH, vocabulary, bias=False)

    def forward(self, inputs: Tensor) -> Tensor:
        places = self.places(torch.arange(inputs.shape[1]).unsqueeze(0))
        return self.head(self.norm(self.blocks(self.tokens(inputs) + places)))


class _Block(nn.Module):
    def __init__(self, size: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(WIDTH)
        self.attention = _Attention(size)
        self.norm2 = nn.LayerNorm(WIDTH)
        self.up = nn.Linear(WIDTH, 4 * WIDTH)
        self.down = nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.norm1(x))
        h = self.up(self.norm2(x))
        cubic = h + 0.044715 * torch.pow(h, 3.0)
        gelu = 0.5 * h * (1.0 + torch.tanh(math.sqrt(2.0 / math.pi) * cubic))
        return x + self.down(gelu)


class _Attention(nn.Module):
    def __init__(self, size: int) -> None:
        super().__init__()
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)
        self.register_buffer("earlier", torch.ones(size, size).tril())

    def forward(self, x: Tensor) -> Tensor:
        batch, size, _ = x.shape
        q, k, v = (
            each.view(batch, size, HEADS, WIDTH // HEADS).transpose(1, 2)
            for each in self.qkv(x).split(WIDTH, 2)
        )
        scores = q @ k.transpose(2, 3) / math.sqrt(WIDTH // HEADS)
        earlier = self.get_buffer("earlier")[:size, :size]
        shares = scores.masked_fill(earlier == 0, -math.inf).softmax(3)
        return self.out((shares @ v).transpose(1, 2).contiguous().view(batch, size, WIDTH))


class _RNNCell(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.all = nn.Linear(2 * WIDTH, WIDTH)

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        return torch.tanh(self.all(torch.cat([x, h], 1)))


class _GRUCell(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.update, self.reset, self.candidate = (nn.Linear(2 * WIDTH, WIDTH) for _ in range(3))

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        both = torch.cat([x, h], 1)
        reset = torch.sigmoid(self.reset(both))
        candidate = torch.tanh(self.candidate(torch.cat([x, reset * h], 1)))
        update = torch.sigmoid(self.update(both))
        return (1 - update) * h + update * candidate


class _LSTMCell(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gates = nn.ModuleList(nn.Linear(2 * WIDTH, WIDTH) for _ in range(4))

    def forward(self, x: Tensor, state: Tensor) -> Tensor:
        h, c = state.split(WIDTH, 1)
        i, f, o, g = (gate(torch.cat([x, h], 1)) for gate in self.gates)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.cat([torch.sigmoid(o) * torch.tanh(c), c], 1)


class _Recurrent(nn.Module):
    """A cell that is asked for one place after the other; makemore has no LSTM's."""

    def __init__(self, vocabulary: int, cell: nn.Module) -> None:
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, WIDTH)
        self.cell = cell
        self.first = nn.Parameter(torch.zeros(1, WIDTH * (2 if isinstance(cell, _LSTMCell) else 1)))
        self.head = nn.Linear(WIDTH, vocabulary)

    def forward(self, inputs: Tensor) -> Tensor:
        x = self.tokens(inputs)
        state, outputs = self.first.expand(len(x), -1), list[Tensor]()
        for place in range(x.shape[1]):
            state = self.cell(x[:, place], state)
            outputs.append(state[:, :WIDTH])
        return self.head(torch.stack(outputs, 1))


class _MLP(nn.Module):
    def __init__(self, vocabulary: int, size: int) -> None:
        super().__init__()
        self.blank = vocabulary
        self.size = size
        self.tokens = nn.Embedding(vocabulary + 1, WIDTH)
        self.layers = nn.Sequential(
            nn.Linear(size * WIDTH, WIDTH), nn.Tanh(), nn.Linear(WIDTH, vocabulary)
        )

    def forward(self, inputs: Tensor) -> Tensor:
        embeddings = list[Tensor]()
        for _ in range(self.size):
            embeddings.append(self.tokens(inputs))
            inputs = torch.roll(inputs, 1, 1)
            inputs[:, 0] = self.blank
        return self.layers(torch.cat(embeddings, 2))


class _Bag(nn.Module):
    def __init__(self, vocabulary: int, size: int) -> None:
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, WIDTH)
        self.places = nn.Embedding(size, WIDTH)
        self.hidden = nn.Linear(WIDTH, WIDTH)
        self.back = nn.Linear(WIDTH, WIDTH)
        self.head = nn.Linear(WIDTH, vocabulary)
        self.register_buffer("earlier", torch.ones(size, size).tril())

    def forward(self, inputs: Tensor) -> Tensor:
        batch, size = inputs.shape
        x = self.tokens(inputs) + self.places(torch.arange(size).unsqueeze(0))
        earlier = self.get_buffer("earlier")[:size, :size]
        shares = torch.zeros(batch, size, size).masked_fill(earlier == 0, -math.inf).softmax(2)
        x = x + shares @ x
        return self.head(x + self.back(torch.tanh(self.hidden(x))))


class _WaveNet(nn.Module):
    """Makemore has none: torch's convolutions with the gates, residuals and skips of the paper."""

    def __init__(self, vocabulary: int, size: int) -> None:
        super().__init__()
        assert size <= 2 * DILATIONS[-1]
        self.tokens = nn.Embedding(vocabulary, WIDTH)
        self.pairs = nn.ModuleList(nn.Conv1d(WIDTH, 2 * WIDTH, 2, dilation=d) for d in DILATIONS)
        self.residuals = nn.ModuleList(nn.Conv1d(WIDTH, WIDTH, 1) for _ in DILATIONS)
        self.skips = nn.ModuleList(nn.Conv1d(WIDTH, WIDTH, 1) for _ in DILATIONS)
        self.skip = nn.Conv1d(WIDTH, WIDTH, 1)
        self.hidden = nn.Conv1d(WIDTH, WIDTH, 1)
        self.head = nn.Conv1d(WIDTH, vocabulary, 1)

    def forward(self, inputs: Tensor) -> Tensor:
        x = self.tokens(inputs).transpose(1, 2)
        skips = self.skip(x)
        layers = zip(DILATIONS, self.pairs, self.residuals, self.skips, strict=True)
        for dilation, pair, residual, skip in layers:
            a, b = pair(F.pad(x, (dilation, 0))).chunk(2, 1)
            gated = torch.tanh(a) * torch.sigmoid(b)
            x, skips = x + residual(gated), skips + skip(gated)
        return self.head(F.relu(self.hidden(F.relu(skips)))).transpose(1, 2)
