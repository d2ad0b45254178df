"""The probability of every character of a word."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from model.alphabet import BOUNDARY, MOST_FILLED, label
from model.language_model import LanguageModel

UNKNOWN = -1  # in the place of a token: the character is not in the alphabet


@dataclass(frozen=True)
class TokenScore:
    """What a model thinks of one token of a word."""

    context: str
    """As shown, such as ".e"."""
    outcome: str
    """As shown, "." for the word's end."""
    p: float
    """0 where the model holds the outcome for impossible."""
    rank: int | None
    """1 for the likeliest outcome of the context; None for an impossible one."""

    @property
    def nll(self) -> float:
        """-log p in nats; infinite for an impossible outcome."""
        return 0.0 - math.log(self.p) if self.p else math.inf


@dataclass(frozen=True)
class WordScore:
    """What a model thinks of a word."""

    word: str
    tokens: tuple[TokenScore, ...]
    """Of each character, and of the word's end."""

    @property
    def nll(self) -> float:
        """In nats, the word's end included; infinite for an impossible word."""
        return sum(token.nll for token in self.tokens)

    @property
    def nll_per_token(self) -> float:
        """In nats per predicted token."""
        return self.nll / len(self.tokens)

    @property
    def perplexity(self) -> float:
        """exp(NLL per token): among how many equally likely outcomes this is like choosing."""
        return math.exp(self.nll_per_token) if self.nll_per_token < 700 else math.inf


def score(model: LanguageModel, word: str) -> WordScore:
    """The probability of each character of `word`, and of its end, under a model.

    A character outside the alphabet is impossible, and so is whatever comes while it is in the
    context.
    """
    alphabet, length = model.alphabet, model.context_length
    outcomes = [alphabet.encode(char)[0] if char in alphabet else UNKNOWN for char in word]
    outcomes.append(BOUNDARY)
    stream = torch.tensor([BOUNDARY] * length + outcomes)
    contexts = stream[:-1].unfold(0, length, 1)  # (tokens, n-1)
    known = (contexts != UNKNOWN).all(1)
    log_probs = torch.full((len(outcomes), len(alphabet)), -math.inf, dtype=torch.float64)
    log_probs[known] = model.log_probs(contexts[known]).cpu().double()

    shown = length if length <= MOST_FILLED else 1  # of the boundaries in front
    labels = ["."] * shown + [label(character) for character in word] + ["."]
    return WordScore(
        word,
        tuple(
            TokenScore(
                context="".join(labels[max(0, place + shown - length) : place + shown]),
                outcome=labels[place + shown],
                p=0.0 if token == UNKNOWN else float(row[token].exp()),
                rank=None if token == UNKNOWN else rank(row, token),
            )
            for place, (token, row) in enumerate(zip(outcomes, log_probs, strict=True))
        ),
    )


def rank(log_probs: Tensor, token: int) -> int | None:
    """1 for the likeliest outcome of a row (V,); None for an impossible one."""
    likelier = int((log_probs > log_probs[token]).sum())
    return 1 + likelier if log_probs[token] > -math.inf else None
