"""Words from any model, and the trace of how a word was drawn.

A word is drawn by inverting the cumulative distribution of each next token at a uniform number
u[word, position]. The numbers come from the seed alone, on the CPU: a seed gives the same words on
every device, for any number of words and any maximum length, and two models that are given the same
seed part exactly where their distributions make them part.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from model.alphabet import BOUNDARY
from model.draws import Draws
from model.language_model import IncrementalModel, LanguageModel
from model.ngrams import detokenise

BLOCK = 16  # positions whose uniforms are drawn at once
READ_AT_ONCE = 4096  # words whose beginnings a model remembers at a time: bounds the memory

# What closes a word in the place of a token, where the boundary is not drawn.
UNSEEN = -1
CUT = -2

Ending = Literal["boundary", "unseen", "length"]
"""Why a word ended: a drawn boundary, a context never seen, or the maximum length."""
_ENDINGS: dict[int, Ending] = {BOUNDARY: "boundary", UNSEEN: "unseen", CUT: "length"}


class SampledWord(NamedTuple):
    """A word, and what the model thinks of it at temperature 1 and without top-k."""

    word: str
    nll: float
    """In nats, the end included; infinite where the model has no opinion on the end."""
    ending: Ending


@dataclass(frozen=True)
class Sample:
    """Words as they were drawn: a sequence of `SampledWord`, kept in columns."""

    words: list[str]
    nlls: list[float]
    _closings: list[int]  # BOUNDARY, UNSEEN or CUT

    def __len__(self) -> int:
        return len(self.words)

    def __getitem__(self, index: int) -> SampledWord:
        ending = _ENDINGS[self._closings[index]]
        return SampledWord(self.words[index], self.nlls[index], ending)

    def __iter__(self) -> Iterator[SampledWord]:
        for word, nll, closing in zip(self.words, self.nlls, self._closings, strict=True):
            yield SampledWord(word, nll, _ENDINGS[closing])


class Draw(NamedTuple):
    """How one token of a word came about."""

    context: str
    """As shown, such as ".e"."""
    probs: list[float] | None
    """What was drawn from, after temperature and top-k (V,); None after an unseen context."""
    uniform: float | None
    """Where the cumulative distribution was inverted; None where the prefix decided."""
    choice: int | None
    """The token; None after an unseen context."""
    nll: float
    """Of the choice, at temperature 1 and without top-k."""


@torch.inference_mode()
def sample(model: LanguageModel, draws: Draws) -> Sample:
    """Words from a model, all drawn together, position by position.

    Raises:
        MakemoreError: a character of the prefix is not in the model's alphabet.
    """
    at_once = READ_AT_ONCE if isinstance(model, IncrementalModel) else draws.count
    steps = [
        (step.words, step.choices, step.nll)
        for part in torch.arange(draws.count).split(at_once)
        for step in _steps(model, draws, part)
    ]
    words, choices, nlls = (torch.cat(column) for column in zip(*steps, strict=True))
    nll = torch.zeros(draws.count, dtype=torch.float64).index_add_(0, words, nlls)
    # Sorted by word, and by position within each word: a stream of words, each closed once.
    stream = choices[words.int().argsort(stable=True)]  # 32-bit sorts in half the time
    closings: list[int] = stream[stream <= BOUNDARY].tolist()
    stream.clamp_(min=BOUNDARY)
    return Sample(detokenise(stream, model.alphabet), nll.tolist(), closings)


def trace(model: LanguageModel, draws: Draws, word: int) -> list[Draw]:
    """How word number `word` of `draws` is drawn, token by token.

    The NLLs sum to that of the sampled word.

    Raises:
        MakemoreError: a character of the prefix is not in the model's alphabet.
    """
    story: list[Draw] = []
    for step in _steps(model, draws, torch.tensor([word])):
        row, choice = int(step.rows), int(step.choices)
        if choice == CUT:
            break
        seen, forced = not step.table.unseen[row], len(story) < len(draws.prefix)
        context: list[int] = step.table.contexts[row].tolist()
        probs: list[float] = step.table.probs[row].tolist()
        story.append(
            Draw(
                context=model.alphabet.context_label(context),
                probs=probs if seen else None,
                uniform=float(step.uniforms) if seen and not forced else None,
                choice=choice if choice != UNSEEN else None,
                nll=float(step.nll),
            )
        )
    return story


def parting(first: str, second: str) -> int | None:
    """The index of the first draw at which two words part; None for the same word.

    The end of a word is a draw as well, so that "ann" and "anna" part at index 3.
    """
    if first == second:
        return None
    pairs = zip(first, second, strict=False)
    shorter = min(len(first), len(second))
    return next((index for index, (one, other) in enumerate(pairs) if one != other), shorter)


@dataclass(frozen=True)
class Turn:
    """What one model draws where it parts from another."""

    outcome: str | None
    """As shown; None after a context that the model never saw."""
    low: float
    high: float
    """The outcome's share of the cumulative distribution, [low, high), holds the uniform."""


@dataclass(frozen=True)
class Parting:
    """The draw at which the words of two models part, though context and uniform are the same."""

    place: int
    """The index of the draw in the word."""
    context: str
    """As shown, such as ".e"."""
    uniform: float
    turns: tuple[Turn, Turn]


@torch.inference_mode()
def partings(
    models: tuple[LanguageModel, LanguageModel], draws: Draws, samples: tuple[Sample, Sample]
) -> list[Parting | None]:
    """Where each pair of words that two models of one alphabet wrote on `draws` parts, and why.

    Returns:
        For each pair a parting, or None for the same word.
    """
    alphabet, length = models[0].alphabet, max(model.context_length for model in models)
    places = [parting(one, other) for one, other in zip(*(s.words for s in samples), strict=True)]
    apart = [index for index, place in enumerate(places) if place is not None]
    found: list[Parting | None] = [None] * len(places)
    if not apart:
        return found
    heads = [alphabet.encode(samples[0].words[index][: places[index]]) for index in apart]
    padded = [[BOUNDARY] * length + head for head in heads]
    contexts = torch.tensor([head[len(head) - length :] for head in padded]).view(-1, length)
    columns = torch.tensor([len(head) for head in heads])
    uniforms = torch.empty(len(apart), dtype=torch.float64)
    for block in (columns // BLOCK).unique().tolist():
        here = columns // BLOCK == block
        stream = _uniforms(draws.seed, block, apart[-1] + 1)
        uniforms[here] = stream[torch.tensor(apart)[here], columns[here] % BLOCK]
    turns = [
        _turns(_Distributions(model, draws), contexts[:, length - model.context_length :], uniforms)
        for model in models
    ]
    for row, (index, both) in enumerate(zip(apart, zip(*turns, strict=True), strict=True)):
        label = alphabet.context_label(contexts[row].tolist())
        found[index] = Parting(len(heads[row]), label, float(uniforms[row]), both)
    return found


def _turns(distributions: "_Distributions", contexts: Tensor, uniforms: Tensor) -> list[Turn]:
    table, rows = distributions.of(contexts)
    choices = _invert(table.cumulative[rows], uniforms)
    choices.clamp_(max=len(distributions.model.alphabet) - 1)  # past the end of an unseen row
    high = table.cumulative[rows, choices]
    low = high - table.probs[rows, choices]
    unseen, label = table.unseen[rows], distributions.model.alphabet.label
    columns = zip(*(each.tolist() for each in (choices, low, high, unseen)), strict=True)
    return [
        Turn(None, 0.0, 1.0) if never else Turn(label(choice), max(0.0, start), end)
        for choice, start, end, never in columns
    ]


class _Rows(NamedTuple):
    """What a model says after R distinct contexts."""

    contexts: Tensor  # (R, n-1)
    log_probs: Tensor  # (R, V) of the model itself
    probs: Tensor  # (R, V) after temperature and top-k
    cumulative: Tensor  # (R, V) sums of probs, the last of which is 1
    unseen: Tensor  # (R,)


class _Distributions:
    """The distributions that a model's words are drawn from.

    Words are often in the same contexts, so the model is asked once for each distinct one; where
    there are but few contexts, once for all of them.
    """

    FEW = 1000

    def __init__(self, model: LanguageModel, draws: Draws) -> None:
        self.model, self.draws = model, draws
        size = len(model.alphabet)
        possible = size**model.context_length
        # A context as a number; None where it would leave 64 bits.
        self.powers = (
            torch.tensor([size**power for power in range(model.context_length)])
            if possible < 2**63
            else None
        )
        self.all = (
            self._rows(self._contexts(torch.arange(possible))) if possible < self.FEW else None
        )

    def of(self, contexts: Tensor) -> tuple[_Rows, Tensor]:
        """The rows for `contexts` (B, n-1), and which of them is whose. (B,)"""
        if self.powers is None:
            return self._rows(contexts), torch.arange(len(contexts))
        codes = contexts @ self.powers
        if self.all is not None:
            return self.all, codes
        distinct, rows = codes.unique(return_inverse=True)
        return self._rows(self._contexts(distinct)), rows

    def after(self, contexts: Tensor, before: Tensor) -> tuple[_Rows, Tensor]:
        """The same for contexts that grew by a token.

        Args:
            contexts: of the words that go on. (B, n-1)
            before: which of the rows was theirs at the position before. (B,)
        """
        return self.of(contexts)

    def _contexts(self, codes: Tensor) -> Tensor:
        assert self.powers is not None
        return codes.unsqueeze(1) // self.powers % len(self.model.alphabet)

    def _rows(self, contexts: Tensor, log_probs: Tensor | None = None) -> _Rows:
        log_probs = self.model.log_probs(contexts) if log_probs is None else log_probs
        log_probs = log_probs.cpu().double()
        # The likeliest is 0 at any temperature, so that a low one cannot make all of them -inf.
        likeliest = log_probs.amax(1, keepdim=True)
        logits = (log_probs - likeliest) / self.draws.temperature
        if self.draws.top_k is not None and self.draws.top_k < logits.shape[1]:
            top = logits.topk(self.draws.top_k, dim=1)
            logits = torch.full_like(logits, -math.inf).scatter_(1, top.indices, top.values)
        probs = logits.softmax(1)
        unseen = ~(likeliest.squeeze(1) > -math.inf)  # NaN, too, is no opinion
        sums = probs.cumsum(1)
        return _Rows(contexts, log_probs, probs, sums / sums[:, -1:], unseen)


class _Readings(_Distributions):
    """The same of a model that reads each token once.

    Words that have begun alike share what the model remembers of their beginning. Beyond the length
    of the context there is nothing to remember, and the model is asked as any other.
    """

    def __init__(self, model: IncrementalModel, draws: Draws) -> None:
        super().__init__(model, draws)
        self.reader = model
        self.state = model.start(1)
        self.read = 0

    def after(self, contexts: Tensor, before: Tensor) -> tuple[_Rows, Tensor]:
        """The rows for contexts (B, n-1) that grew by a token, and which of them is whose. (B,)"""
        if self.all is not None or self.read == self.model.context_length:
            return self.of(contexts)
        size = len(self.model.alphabet)
        codes, rows = (before * size + contexts[:, -1]).unique(return_inverse=True)
        parents, tokens = codes // size, codes % size
        state = tuple(each.index_select(0, parents.to(each.device)) for each in self.state)
        log_probs, self.state = self.reader.read(tokens, state)
        self.read += 1
        distinct = contexts.new_empty(len(codes), contexts.shape[1]).index_copy_(0, rows, contexts)
        return self._rows(distinct, log_probs), rows


class _Step(NamedTuple):
    """One position of all the words that go on, B of them."""

    words: Tensor  # (B,) which words
    table: _Rows
    rows: Tensor  # (B,) which row of the table each word draws from
    uniforms: Tensor  # (B,)
    choices: Tensor  # (B,) tokens, UNSEEN or CUT
    nll: Tensor  # (B,)


def _steps(model: LanguageModel, draws: Draws, words: Tensor) -> Iterator[_Step]:
    """The positions of `words`, until all of them are closed."""
    prefix = model.alphabet.encode(draws.prefix)
    reads = isinstance(model, IncrementalModel)
    distributions = _Readings(model, draws) if reads else _Distributions(model, draws)
    contexts = torch.full((len(words), model.context_length), BOUNDARY)  # (B, n-1)
    rows = torch.zeros_like(words)
    block = torch.empty(0)
    for place in range(draws.max_length):
        if place % BLOCK == 0:
            block = _uniforms(draws.seed, place // BLOCK, int(words[-1]) + 1)
        uniforms = block[:, place % BLOCK].index_select(0, words)
        table, rows = distributions.after(contexts, rows)
        if place < len(prefix):
            choices = torch.full_like(rows, prefix[place])
        else:
            choices = _invert(table.cumulative.index_select(0, rows), uniforms)
            choices.masked_fill_(table.unseen.index_select(0, rows), UNSEEN)
        nll = 0.0 - table.log_probs[rows, choices]  # 0.0 where p is 1, not -0.0
        yield _Step(words, table, rows, uniforms, choices, nll)

        going = (choices > BOUNDARY).nonzero().squeeze(1)
        words, rows, choices = (each.index_select(0, going) for each in (words, rows, choices))
        if not len(words):
            return
        contexts = torch.cat([contexts[:, 1:].index_select(0, going), choices.unsqueeze(1)], 1)
    rest = torch.full_like(words, CUT)
    table, rows = distributions.after(contexts, rows)
    yield _Step(words, table, rows, rest.double(), rest, rest.double() * 0)


def _invert(cumulative: Tensor, uniforms: Tensor) -> Tensor:
    """The first outcome whose cumulative probability (B, V) exceeds the uniform (B,). (B,)

    The last sum is 1 exactly, so that rounding never selects an impossible outcome.
    """
    return torch.searchsorted(cumulative, uniforms.unsqueeze(1), right=True).squeeze(1)


def _uniforms(seed: int, block: int, count: int) -> Tensor:
    """u[word, position] of the first words, for the positions of a block. (count, BLOCK)"""
    generator = torch.Generator().manual_seed((seed + block * 0x9E3779B9) % 2**32)
    return torch.rand((count, BLOCK), generator=generator, dtype=torch.float64)
