"""The plain way: the notebook's steps told again, one example and one draw at a time.

It is written as one writes it to understand it, and its cost is that of the notebook: strings cut
in Python loops, one count at a time, a one-hot row for every example, a round trip for every draw.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

DOT = "."


@dataclass(frozen=True)
class Tables:
    """What the notebook keeps of a list of names."""

    n: int
    names: list[str]
    context_ids: dict[str, int]
    outcome_ids: dict[str, int]
    outcomes: dict[int, str]
    N: Tensor  # (contexts, outcomes) int32


def example(n: int, name: str, place: int) -> tuple[str, str]:
    """The context and the outcome at one place of a name."""
    padded = DOT * (n - 1) + name + DOT * (n - 1)
    return padded[place : place + n - 1], padded[place + n - 1]


def ngrams(n: int, name: str) -> dict[str, str]:
    """An outcome for each context of a name."""
    return dict(example(n, name, place) for place in range(len(name) + 1))


def numbered(strings: Iterable[str]) -> dict[str, int]:
    """A number for each distinct string, in sorted order."""
    return {string: number for number, string in enumerate(sorted(set(strings)))}


def count(data: bytes, n: int) -> Tables:
    """From the content of a file to its counts."""
    names = data.decode().splitlines()
    all_ngrams = [ngrams(n, name) for name in names]
    context_ids = numbered(context for pairs in all_ngrams for context in pairs)
    outcome_ids = numbered(outcome for pairs in all_ngrams for outcome in pairs.values())
    outcomes = {number: outcome for outcome, number in outcome_ids.items()}
    N = torch.zeros((len(context_ids), len(outcome_ids)), dtype=torch.int32)
    for name in names:
        for place in range(len(name) + 1):
            context, outcome = example(n, name, place)
            N[context_ids[context], outcome_ids[outcome]] += 1
    return Tables(n, names, context_ids, outcome_ids, outcomes, N)


def training_set(tables: Tables) -> tuple[Tensor, Tensor]:
    """The number of the context and of the outcome of every example. (examples,) x 2"""
    xs: list[int] = []
    ys: list[int] = []
    for name in tables.names:
        for place in range(len(name) + 1):
            context, outcome = example(tables.n, name, place)
            xs.append(tables.context_ids[context])
            ys.append(tables.outcome_ids[outcome])
    return torch.tensor(xs), torch.tensor(ys)


def forward(W: Tensor, xs: Tensor) -> Tensor:
    """The probabilities of the outcomes after each context. (examples, outcomes)"""
    xs_enc = F.one_hot(xs, num_classes=len(W)).float().to(W.device)  # (examples, contexts)
    return (xs_enc @ W).softmax(1)


def train(W: Tensor, xs: Tensor, ys: Tensor, rate: Callable[[int], float]) -> Iterator[float]:
    """Train W without end, and yield the loss of each step. Gradients are never cleared."""
    W.grad = None
    step = 0
    while True:
        loss = -forward(W, xs)[torch.arange(len(xs)), ys].log().mean()
        loss.backward()
        value = loss.item()
        W.data += -rate(step) * W.grad
        yield value
        step += 1


def sample_counts(tables: Tables, P: Tensor, words: int) -> list[str]:
    """Words from the table of probabilities P."""
    return [_word(tables, lambda context: P[context]) for _ in range(words)]


def sample_network(tables: Tables, W: Tensor, words: int) -> list[str]:
    """Words from the network: a forward pass for each character."""
    return [
        _word(tables, lambda context: forward(W, torch.tensor([context]))) for _ in range(words)
    ]


def _word(tables: Tables, probabilities: Callable[[int], Tensor]) -> str:
    word = DOT * (tables.n - 1)
    context = 0
    while True:
        outcome = torch.multinomial(probabilities(context), 1, replacement=True).item()
        if outcome == 0:
            break
        word += tables.outcomes[outcome]
        last = word[1 - tables.n :]
        if last not in tables.context_ids:
            break
        context = tables.context_ids[last]
    return word[tables.n - 1 :]
