"""What the networks have in common.

Shapes: B contexts, E examples, n - 1 tokens of context, V tokens in the alphabet, R rows of T
tokens of which K are not filled up, C channels.
"""

from __future__ import annotations

import copy
import math
from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar, Self

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from model.alphabet import BOUNDARY, Alphabet
from model.batches import Batch, Rows, Spread
from model.language_model import State

if TYPE_CHECKING:
    from model.ngrams import Ngrams
    from model.recipe import Recipe


class Network(nn.Module):
    """Weights, a context, and a loss. A `LanguageModel`.

    Args:
        alphabet: of V tokens.
        context_length: n - 1.
        dropout: the share of activations that a step of training drops.
    """

    SIZES: ClassVar[tuple[str, ...]] = ()
    """The fields of a recipe that say how large this network is."""
    UNCHANGED: ClassVar[tuple[str, ...]] = ("alphabet",)
    """What training leaves as it is."""

    def __init__(self, alphabet: Alphabet, context_length: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.alphabet = alphabet
        self.context_length = context_length
        self.dropout = Dropout(dropout)

    @classmethod
    def of(cls, ngrams: Ngrams, recipe: Recipe) -> Self:
        """The network that a recipe asks for, with the weights that its seed draws, on the CPU."""
        made = cls._made(ngrams, recipe)
        made.initialise(recipe.seed)
        return made

    @classmethod
    def count_weights(cls, ngrams: Ngrams, recipe: Recipe) -> int:
        """How many weights the network that a recipe asks for would have."""
        with torch.device("meta"):  # shapes alone
            return cls._made(ngrams, recipe).size

    @classmethod
    def _made(cls, ngrams: Ngrams, recipe: Recipe) -> Self:
        sizes = {name: getattr(recipe, name) for name in cls.SIZES}
        return cls(ngrams.alphabet, recipe.n - 1, dropout=recipe.dropout, **sizes)

    def initialise(self, seed: int) -> None:
        """Draw the weights as torch's layers do, but from a seed of their own."""
        generator = torch.Generator().manual_seed(seed)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                bound = 1 / math.sqrt(module.in_features)
                for weights in module.parameters():
                    nn.init.uniform_(weights, -bound, bound, generator=generator)
            elif isinstance(module, nn.Embedding):
                nn.init.normal_(module.weight, generator=generator)

    @abstractmethod
    def logits(self, batch: Batch | Spread) -> Tensor:
        """What follows the context of each example. (E, V)"""

    @abstractmethod
    def scores(self, contexts: Tensor) -> Tensor:
        """The logits of what follows each of `contexts` (B, n-1). (B, V)"""

    @torch.no_grad()
    def log_probs(self, contexts: Tensor) -> Tensor:
        """The logarithm of each outcome's probability after each of `contexts` (B, n-1). (B, V)"""
        return self.scores(contexts).log_softmax(1)

    @abstractmethod
    def cells(self, lengths: Tensor) -> Tensor:
        """How many rows of activations words with so many examples (B,) take. (B,)"""

    def loss(self, batch: Batch | Spread) -> Tensor:
        """The mean NLL of a batch's examples, in nats. ()"""
        return F.cross_entropy(self.logits(batch), batch.outcomes)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.parameters()).device

    @property
    def size(self) -> int:
        """The number of weights."""
        return sum(weights.numel() for weights in self.parameters())

    def frozen(self) -> Self:
        """A copy on the CPU that further training does not change, and that drops nothing."""
        # What training does not change is shared, and a generator cannot be copied.
        kept = {id(each): each for each in map(self.__getattribute__, self.UNCHANGED)}
        kept[id(self.dropout.generator)] = None
        return copy.deepcopy(self, kept).cpu().requires_grad_(False).eval()

    def flatten(self) -> tuple[Tensor, Tensor]:
        """Make the weights parts of one vector, and their gradients parts of another.

        An optimiser then changes them all with a few operations, however many layers there are.

        Returns:
            The weights and their gradient, which backpropagation adds to. (P,) x 2
        """
        self.requires_grad_()
        weights = torch.cat([each.detach().flatten() for each in self.parameters()])
        gradient = torch.zeros_like(weights)
        sizes = [each.numel() for each in self.parameters()]
        parts = zip(weights.split(sizes), gradient.split(sizes), strict=True)
        for each, (values, slopes) in zip(self.parameters(), parts, strict=True):
            each.data, each.grad = values.view_as(each), slopes.view_as(each)
        return weights, gradient


class Window(Network):
    """A network that is given all tokens of a context at once."""

    @abstractmethod
    def forward(self, contexts: Tensor) -> Tensor:
        """From contexts (E, n-1) to logits (E, V)."""

    def logits(self, batch: Batch | Spread) -> Tensor:
        """What follows the context of each example. (E, V)"""
        return self(batch.contexts(self.context_length))

    def cells(self, lengths: Tensor) -> Tensor:
        """How many rows of activations words with so many examples (B,) take. (B,)"""
        return lengths

    @torch.no_grad()
    def scores(self, contexts: Tensor) -> Tensor:
        """The logits of what follows each of `contexts` (B, n-1). (B, V)"""
        return self(contexts.to(self.device))


class Reader(Network):
    """A network that reads a word from left to right, from the boundary before it on.

    An `IncrementalModel`.
    """

    @abstractmethod
    def forward(self, tokens: Tensor, own: Tensor) -> Tensor:
        """Logits after each of the K `own` cells (K,) of rows of tokens (R, T). (K, V)"""

    @abstractmethod
    def start(self, count: int) -> State:
        """What is remembered of `count` contexts of which nothing is read yet."""

    @abstractmethod
    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Logits after one more token (B,) of each context (B, V), and the new state.

        At most n - 1 tokens can be read.
        """

    @torch.no_grad()
    def read(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Read one more token (B,) of each context: log-probabilities (B, V), and the new state."""
        logits, state = self.step(tokens.to(self.device), state)
        return logits.log_softmax(1), state

    def logits(self, batch: Batch | Spread) -> Tensor:
        """What follows the context of each example. (E, V)"""
        return self._ends(batch.rows(self.context_length))

    def cells(self, lengths: Tensor) -> Tensor:
        """How many rows of activations words with so many examples (B,) take. (B,)"""
        most = self.context_length
        return lengths.clamp(max=most) + (lengths - most).clamp(min=0) * most

    @torch.no_grad()
    def scores(self, contexts: Tensor) -> Tensor:
        """The logits of what follows each of `contexts` (B, n-1). (B, V)"""
        # In front of a word stands one boundary; the others only fill up. They go behind.
        filled = (contexts[:, :-1] == BOUNDARY) & (contexts[:, 1:] == BOUNDARY)
        skipped = filled.cumprod(1).sum(1)
        lengths = self.context_length - skipped
        columns = torch.arange(int(lengths.max()) if len(lengths) else 1)
        inside = columns < lengths.unsqueeze(1)
        places = (columns + skipped.unsqueeze(1)).clamp_(max=self.context_length - 1)
        own = inside.flatten().nonzero().squeeze(1)
        tokens = contexts.gather(1, places).to(self.device)
        rows = Rows(tokens, own.to(self.device), lengths.cumsum(0) - 1)
        return self._ends(rows)

    def _ends(self, rows: Rows) -> Tensor:
        logits = self(rows.tokens, rows.own)
        return logits if rows.ends is None else logits[rows.ends]


class Embedding(nn.Embedding):
    """A vector for each token, which `Network.initialise` draws.

    torch draws one of its own when it makes the layer; where the shapes alone are wanted, this draw
    would import half of torch for a second and a half.
    """

    def reset_parameters(self) -> None:
        """Leave the weights as they are."""


class Dropout(nn.Module):
    """Dropout (Srivastava et al. 2014), with a generator that a run can keep and restore.

    Where several processes share a batch, each draws for all of it and takes what is for its own
    words. So the same is dropped, and the generators stay together, whoever has which words. It is
    exact and simple; the price is that this part of a step, a fifth for an MLP, is not shared.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p
        self.generator: torch.Generator | None = None
        """What draws; torch's own where there is none."""
        self.share: tuple[int, int] | None = None
        """Where the rows of this process begin among those of the whole batch, and how many these
        are; None where they are all its own."""

    def forward(self, x: Tensor, *, of_weights: bool = False) -> Tensor:
        """While training, set a share p of x to zero, and raise the rest in its place.

        Args:
            x: a row for each cell of a batch's words.
            of_weights: whether they are rows of something that all words have in common.
        """
        if not self.training or not self.p:
            return x
        kept = 1 - self.p
        if self.share is None or of_weights:
            return x * torch.empty_like(x).bernoulli_(kept, generator=self.generator).div_(kept)
        before, count = self.share
        drawn = x.new_empty(count, *x.shape[1:]).bernoulli_(kept, generator=self.generator)
        return x * drawn[before : before + len(x)].div_(kept)
