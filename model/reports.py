"""The log of a run: the notebook's lines, of which a long run keeps the last in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

MOST_KEPT = 20_000


@dataclass(frozen=True)
class Report:
    """A line of the notebook's log."""

    step: int
    lr: float
    loss: float
    """Before the step changed the weights, in nats per token."""
    samples: tuple[str, ...]
    """Words that the network writes after the step, always from the same draws."""
    train: float | None = None
    """The NLL on all words that are learnt from, after the step; None where it was not computed."""
    dev: float | None = None
    """The NLL on the words that are held out to choose by."""
    unseen: float | None = None
    """The NLL on those of them that do not occur among the words that are learnt from."""

    @property
    def judged(self) -> bool:
        """Whether the NLL on all words was computed."""
        return self.train is not None or self.dev is not None


class Reports:
    """The reports of a run, numbered from 0; one thread appends, others may read.

    The oldest are forgotten, so that a long run needs no more memory than a short one.
    """

    def __init__(
        self, reports: Iterable[Report] = (), first: int = 0, judged: Iterable[Report] = ()
    ) -> None:
        """Begin with some, the first of which has the number `first`.

        Args:
            reports: that are kept.
            first: how many there were before them, which are forgotten.
            judged: those of the forgotten ones with the NLL on all words.
        """
        kept = list(reports)
        self._state = first, kept  # replaced as one, so that readers see both or neither
        self.judged = [*judged, *(report for report in kept if report.judged)]
        """Those with the NLL on all words, none of which is forgotten: a run has but a few."""

    def __len__(self) -> int:
        """How many there have been."""
        first, kept = self._state
        return first + len(kept)

    def __iter__(self) -> Iterator[Report]:
        return iter(self.since(0)[1])

    def __getitem__(self, number: int) -> Report | None:
        """The report of that number; None where it is forgotten."""
        first, kept = self._state
        return kept[number - first] if number >= first else None

    def since(self, number: int) -> tuple[int, list[Report]]:
        """Those from that number on which are kept, after the number of the first of them."""
        first, kept = self._state
        start = max(number, first)
        return start, kept[start - first :]

    def append(self, report: Report) -> None:
        """Add the next one."""
        first, kept = self._state
        kept.append(report)
        if report.judged:
            self.judged.append(report)
        if len(kept) > MOST_KEPT:
            dropped = len(kept) // 2
            self._state = first + dropped, kept[dropped:]
