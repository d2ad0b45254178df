"""A mixture: two models that write one distribution, each with its share.

    p(w | h) = share * p1(w | h) + (1 - share) * p2(w | h)

Models that are wrong in different places are together better than either: counts know by heart what
occurs often, and a network has an opinion on what never occurred.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from model.alphabet import Alphabet
from model.errors import MakemoreError
from model.language_model import LanguageModel

HALVINGS = 40


@dataclass(frozen=True, eq=False)
class Mixture:
    """Two models of one alphabet. A `LanguageModel`.

    A context on which one of them has no opinion keeps the other's share of probability only.

    Args:
        first: the model with the share.
        second: the model with the rest.
        share: from 0 to 1.

    Raises:
        MakemoreError: the models know different characters.
    """

    first: LanguageModel
    second: LanguageModel
    share: float

    def __post_init__(self) -> None:
        if self.first.alphabet != self.second.alphabet:
            raise MakemoreError("models of different alphabets cannot be mixed; take one corpus")

    @property
    def alphabet(self) -> Alphabet:
        """The characters that both models know."""
        return self.first.alphabet

    @property
    def context_length(self) -> int:
        """That of the model that looks further back."""
        return max(self.first.context_length, self.second.context_length)

    def log_probs(self, contexts: Tensor) -> Tensor:
        """The logarithm of each outcome's probability after `contexts` (B, n-1). (B, V)"""
        both = (self.first, self.second)
        log_ps = (m.log_probs(contexts[:, contexts.shape[1] - m.context_length :]) for m in both)
        return self.mixed(*log_ps)

    def mixed(self, first: Tensor, second: Tensor) -> Tensor:
        """The logarithms of the mixed probabilities, from those of each model's. 64-bit."""
        shares = torch.tensor([self.share, 1 - self.share], dtype=torch.float64).log()
        return torch.logaddexp(first.cpu().double() + shares[0], second.cpu().double() + shares[1])


def best_share(first: Tensor, second: Tensor) -> float:
    """The share of the first model with which the mixture has the lowest NLL on some tokens.

    The NLL is convex in the share: it is the mean of -log p, and p = p2 + share * (p1 - p2) is
    affine in it (Boyd and Vandenberghe, Convex Optimization, 2004, section 3.2.2). Its slope, the
    mean of (p2 - p1) / p, therefore changes sign at most once, and halving finds where.

    Args:
        first: the log probability that one model gives to each token. (E,)
        second: that of the other. (E,)
    """
    p1, p2 = first.double().exp(), second.double().exp()
    gain = p1 - p2
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        share = (low + high) / 2
        # What both hold for impossible, 0 / 0, no share changes.
        rise = (gain / (p2 + share * gain)).nan_to_num(nan=0.0).sum()
        low, high = (share, high) if rise > 0 else (low, share)
    return 1.0 if high == 1 else 0.0 if low == 0 else (low + high) / 2
