"""What sampling, scoring and the screens ask of a model."""

from typing import Protocol, runtime_checkable

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


State = tuple[Tensor, ...]
"""What a model remembers of B contexts that it has read, which are the first index of each."""


@runtime_checkable
class IncrementalModel(LanguageModel, Protocol):
    """One that can also read a context token by token, and need not read a word's beginning again.

    What is read begins with one boundary and has at most n - 1 tokens.
    """

    def start(self, count: int) -> State:
        """What is remembered of `count` contexts of which nothing is read yet."""
        ...

    def read(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Read one more token of each context.

        Args:
            tokens: one for each context. (B,)
            state: what is remembered of them; left as it is.

        Returns:
            The logarithm of each outcome's probability after each context (B, V), and what is to be
            remembered with the new token.
        """
        ...
