"""What sampling, scoring and the screens ask of a model."""

from typing import Protocol

from torch import Tensor

from model.alphabet import Alphabet


class LanguageModel(Protocol):
    """Anything that says how likely each token is after a context."""

    @property
    def alphabet(self) -> Alphabet:
        """The characters that the model knows. Its size is V."""
        ...

    @property
    def context_length(self) -> int:
        """How many tokens the model looks at: n - 1 for a model of order n."""
        ...

    def log_probs(self, contexts: Tensor) -> Tensor:
        """The natural logarithm of each outcome's probability after each context.

        Args:
            contexts: tokens, the oldest first, filled up with boundaries in front. (B, n-1)

        Returns:
            A row for each context, -inf for an impossible outcome. A row of nothing but -inf says
            that the context was never seen, so that the model has no opinion. (B, V)
        """
        ...
