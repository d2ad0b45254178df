"""The count model: the notebook's N and P, smoothing, and the floor that no network can cross."""

from dataclasses import dataclass
from functools import cached_property

from torch import Tensor

from model.alphabet import Alphabet
from model.errors import MakemoreError
from model.ngrams import Ngrams

MOST_K = 1_000_000


@dataclass(frozen=True, eq=False)
class CountModel:
    """Probabilities that are frequencies, `P = (N + k) / row sums`. A `LanguageModel`.

    Add-k smoothing (Lidstone; k = 1 is Laplace's rule) adds k to every count. With k = 0 what never
    occurs is impossible, and a context that never occurs has no row; with any other k nothing is
    impossible, and the row of such a context is uniform.

    Raises:
        MakemoreError: k is negative, or so large that nothing would be left of the counts.
    """

    ngrams: Ngrams
    k: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.k <= MOST_K:
            raise MakemoreError(f"k={self.k}: choose 0 to {MOST_K:,}")

    @property
    def alphabet(self) -> Alphabet:
        """The characters of the corpus that was counted."""
        return self.ngrams.alphabet

    @property
    def context_length(self) -> int:
        """n - 1."""
        return self.ngrams.n - 1

    @cached_property
    def P(self) -> Tensor:  # noqa: N802
        """The notebook's table of probabilities, 64-bit; each row sums to 1. (contexts, V)"""
        return _shares(self.ngrams.N, self.k)

    def log_probs(self, contexts: Tensor) -> Tensor:
        """The logarithms of the rows of P for `contexts` (B, n-1). (B, V)"""
        rows = self.ngrams.rows(self.ngrams.contexts.ids(contexts))
        return _shares(rows, self.k).nan_to_num_(nan=0.0).log_()

    @property
    def floor(self) -> float:
        """The NLL, without smoothing, on the corpus that was counted, in nats per token.

        By Gibbs' inequality no model that sees the same contexts reaches less on this corpus.
        """
        return self.ngrams.floor


def _shares(counts: Tensor, k: float) -> Tensor:
    """Each count's share in its row (B, V), all of them raised by k; NaN in an empty row. (B, V)"""
    raised = counts.double().add_(k)
    return raised / raised.sum(1, keepdim=True)
