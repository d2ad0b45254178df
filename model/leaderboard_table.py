"""What the leaderboard says of each model, and that as text, in the order of any figure."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, astuple, dataclass, fields
from typing import Any

from model.alphabet import visible

UNKNOWN, IMPOSSIBLE = "—", "∞"
MARKDOWN = re.compile(r"([\\`*_{}\[\]<>()#~|!&])")
"""What is more than a character to some reader of Markdown."""


@dataclass(frozen=True)
class Entry:
    """One model. NLLs are in nats per token, infinite where what occurs is held for impossible."""

    name: str
    """Of a run its own, of a count model that of its smoothing."""
    kind: str
    """"counts", the name of a network, or "mixture"."""
    n: int
    parameters: int | None = None
    """Weights of a network; of a count model the numbers that it stores, which are a probability
    for each n-gram that occurs, and of a back-off model a weight for each context as well; of a
    mixture those of both models, and the share."""
    train: float | None = None
    dev: float | None = None
    test: float | None = None
    unseen: float | None = None
    """On those of the test words, or of dev where test was not asked for, that are not in train."""
    seconds: float | None = None
    """That training took, or counting; of a mixture those of both models."""
    words_per_second: float | None = None
    """When sampling."""
    note: str = ""
    """What else is to be known; why figures are missing."""
    run: str = ""
    """The id of a run: several may have the same name."""


def _text(value: str) -> str:
    return visible(value)


def _nats(value: float) -> str:
    return f"{value:.4f}" if math.isfinite(value) else IMPOSSIBLE


@dataclass(frozen=True)
class Field:
    """One figure of every entry."""

    name: str
    """Of the entry's attribute."""
    head: str
    write: Callable[[Any], str] = _nats
    right: bool = True
    """Whether its column stands at its right."""
    highest_first: bool = False
    """Whether more is better."""

    def of(self, entry: Entry) -> str:
        """The figure as it is shown."""
        value = getattr(entry, self.name)
        return UNKNOWN if value is None else self.write(value)


FIELDS = {
    field.name: field
    for field in (
        Field("name", "model", _text, right=False),
        Field("kind", "kind", _text, right=False),
        Field("n", "n", str),
        Field("parameters", "parameters", "{:,}".format),
        Field("train", "train"),
        Field("dev", "dev"),
        Field("test", "test"),
        Field("unseen", "unseen"),
        Field("seconds", "seconds", "{:,.2f}".format),
        Field("words_per_second", "words/s", "{:,.0f}".format, highest_first=True),
        Field("note", "note", _text, right=False),
    )
}
"""In the order of the columns."""


def in_order(entries: Iterable[Entry], field: str, *, reverse: bool = False) -> list[Entry]:
    """The entries in the order of a figure, the best first; those without it last.

    Args:
        entries: which keep their order where they are alike.
        field: a name of `FIELDS`.
        reverse: whether the best is to be the last of those that have the figure.
    """
    entries = list(entries)
    known = [entry for entry in entries if getattr(entry, field) is not None]
    missing = [entry for entry in entries if getattr(entry, field) is None]

    def rank(entry: Entry) -> Any:
        value = getattr(entry, field)
        return value.casefold() if isinstance(value, str) else value

    return sorted(known, key=rank, reverse=FIELDS[field].highest_first is not reverse) + missing


def to_table(entries: Sequence[Entry]) -> str:
    """Columns of text, under their heads."""
    columns = list(FIELDS.values())
    lines = [[field.head for field in columns], *_rows(entries)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    padded = (
        (
            text.rjust(width) if field.right else text.ljust(width)
            for text, width, field in zip(line, widths, columns, strict=True)
        )
        for line in lines
    )
    return "".join("  ".join(line).rstrip() + "\n" for line in padded)


def to_markdown(entries: Sequence[Entry]) -> str:
    """A table of GitHub's Markdown, whatever is in the names."""
    columns = list(FIELDS.values())
    rules = ["---:" if field.right else "---" for field in columns]
    cells = [[MARKDOWN.sub(r"\\\1", text) for text in row] for row in _rows(entries)]
    lines = [[field.head for field in columns], rules, *cells]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def to_csv(entries: Sequence[Entry]) -> str:
    """Comma-separated values with all their digits: empty for what is not known, "inf" for ∞."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(field.name for field in fields(Entry))
    for entry in entries:
        writer.writerow(visible(each) if isinstance(each, str) else each for each in astuple(entry))
    return file.getvalue()


def to_json(entries: Sequence[Entry]) -> str:
    """An object a line, with all digits; null for what is not known, and for ∞."""
    return "".join(f"{json.dumps(_finite(asdict(entry)))}\n" for entry in entries)


FORMATS: dict[str, Callable[[Sequence[Entry]], str]] = {
    "table": to_table,
    "csv": to_csv,
    "markdown": to_markdown,
    "json": to_json,
}


def _finite(figures: dict[str, Any]) -> dict[str, Any]:
    infinite = [name for name, value in figures.items() if value == math.inf]
    return figures | dict.fromkeys(infinite)


def _rows(entries: Iterable[Entry]) -> list[list[str]]:
    return [[field.of(entry) for field in FIELDS.values()] for entry in entries]
