"""What fixes a drawing of words."""

import math
from dataclasses import dataclass

from model.alphabet import visible
from model.errors import MakemoreError

MOST_WORDS = 1_000_000
MOST_SEED = 2**32 - 1  # torch's generator on the CPU looks at 32 bits


@dataclass(frozen=True)
class Draws:
    """What to draw.

    Raises:
        MakemoreError: a field has a value that cannot be drawn with.
    """

    count: int = 10
    seed: int = 0
    prefix: str = ""
    """What each word begins with."""
    temperature: float = 1.0
    """Divides the log-probabilities: below 1 for likelier words, above for more surprising ones."""
    top_k: int | None = None
    """How many of the likeliest tokens may be drawn; None for all."""
    max_length: int = 100
    """Characters after which a word is cut."""

    def __post_init__(self) -> None:
        if not 1 <= self.count <= MOST_WORDS:
            raise MakemoreError(f"count={self.count}: choose 1 to {MOST_WORDS:,}")
        if not 0 <= self.seed <= MOST_SEED:
            raise MakemoreError(f"seed={self.seed}: choose 0 to {MOST_SEED:,}")
        if not 0 < self.temperature < math.inf:
            raise MakemoreError(f"temperature {self.temperature}: choose a number above 0")
        if self.top_k is not None and self.top_k < 1:
            raise MakemoreError(f"top-k {self.top_k}: choose at least 1")
        if self.max_length <= len(self.prefix):
            raise MakemoreError(
                f"maximum length {self.max_length}: choose more than the "
                f"{len(self.prefix)} characters of '{visible(self.prefix)}'"
            )
