"""Past-tense facts that workers and screens post; the handlers own the state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from textual.message import Message

from model.corpus import Corpus
from tui.look import Look

if TYPE_CHECKING:
    from model.attached_session import AttachedSession
    from model.counts import CountModel
    from model.draws import Draws
    from model.language_model import LanguageModel
    from model.rate_finder import Found
    from model.runs import Run
    from model.sampling import Sample
    from model.yardstick import Yardstick


@dataclass
class CorpusLoaded(Message):
    """A corpus was read; its words are known, its n-grams not yet."""

    corpus: Corpus
    request: int


@dataclass
class CorpusCounted(Message):
    """The n-grams of a corpus were counted."""

    corpus: Corpus
    counts: CountModel


@dataclass
class WeightsCounted(Message):
    """It is known how large the network of a recipe would be."""

    text: str


@dataclass
class RatesTried(Message):
    """Some learning rates were tried, and there are more."""

    found: Found


@dataclass
class RateFound(Message):
    """All learning rates were tried that are worth it."""

    found: Found


@dataclass
class RateNotFound(Message):
    """No learning rate could be tried."""

    reason: str


@dataclass
class YardstickFound(Message):
    """It is known how good the best counts of a corpus are."""

    corpus: Corpus
    yardstick: Yardstick | None


@dataclass
class CorpusRefused(Message):
    """A corpus could not be read; what was open stays."""

    reason: str
    request: int


@dataclass
class RunOpened(Message):
    """The words of a run on disk are known, and who trains it."""

    run: Run
    corpus: Corpus
    session: AttachedSession | None
    """Of the process that trains it; None where none does."""
    request: int
    device: str = ""
    """To go on with here, where it is another one than the run's."""
    paused: bool = True
    """Whether it waits, if it is to go on here."""
    note: str = ""
    """What the user is told."""
    again: bool = False
    """Whether another process took it when it was opened before."""
    changes: Mapping[str, float] = field(default_factory=dict[str, float])
    """What it goes on with here, of what may change while it goes on."""


@dataclass
class RunRefused(Message):
    """A run could not be opened, or not be detached."""

    reason: str
    request: int
    title: str = "Not opened"
    left: Run | None = None
    """One that was let go of, and is to be taken back."""
    paused: bool = True
    """Whether it waits then."""


@dataclass
class RunRestored(Message):
    """A run is at its last checkpoint, or another process was faster."""

    opened: RunOpened
    taken: bool


@dataclass
class LookTaken(Message):
    """The network of the run was looked at."""

    look: Look | None
    """None where there is nothing to see."""
    seconds: float
    """That it took."""


@dataclass
class LookWeighed(Message):
    """The gaps of a look were computed."""

    look: Look
    """With them, where they are numbers."""
    seconds: float
    """That it took."""


COUNTS, NETWORK = "counts", "network"  # how the two models are called


@dataclass(frozen=True, eq=False)
class Drawing:
    """Words that models wrote from the same draws, and the models as they were then."""

    draws: Draws
    models: dict[str, LanguageModel]
    """By name, "counts" before "network"."""
    samples: dict[str, Sample]
    corpus: Corpus
    n: int


@dataclass
class DrawsChanged(Message):
    """What is to be drawn was changed."""


@dataclass
class CellFollowed(Message):
    """A number was followed to its place in the table."""

    context: int
    """The id of the context."""
    outcome: int | None = None
    """The token; None for any."""


@dataclass
class WordFollowed(Message):
    """A word was followed to the lens."""

    word: str


@dataclass
class KChosen(Message):
    """Another k for add-k smoothing was chosen."""

    k: float


@dataclass
class L2Chosen(Message):
    """Another penalty on W was chosen."""

    l2: float


@dataclass
class WordsDrawn(Message):
    """Words were drawn."""

    drawing: Drawing
    request: int


@dataclass
class DrawingFailed(Message):
    """No words could be drawn."""

    reason: str
    request: int
