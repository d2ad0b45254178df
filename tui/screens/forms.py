"""Forms: a few labelled fields, checked as they are filled in."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label, Select, Static

from model.alphabet import normalise, visible
from model.corpus import Corpus
from model.draws import MOST_SEED, Draws
from model.errors import MakemoreError
from model.recipe import MOST_L2
from tui.screens.still import Still

Result = TypeVar("Result")
MOST_WORDS = 10_000  # more than anybody reads; the command line draws more
MOST_LENGTH = 10_000
SHOWN = r"[^\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]*"
"""What may be typed or pasted: nothing that the terminal would obey."""


@dataclass(frozen=True)
class Field:
    """One line of a form."""

    name: str
    label: str
    value: str
    parse: Callable[[str], Any] = str
    """From what is written to what is meant; raises ValueError with what would be right."""
    choices: tuple[str, ...] = ()
    """Where there are some, the field is a list to choose from."""


class Form(Still, ModalScreen[Result | None], Generic[Result]):
    """Fields and two buttons. `ctrl+s` accepts, as `enter` does in most; `escape` gives up.

    What is wrong is said beside the field at once, and nothing wrong is accepted.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss_form", "Cancel"),
        Binding("ctrl+s", "accept", "Accept"),
    ]
    CSS_PATH = "forms.tcss"

    def __init__(
        self, title: str, fields: list[Field], build: Callable[[dict[str, Any]], Result]
    ) -> None:
        """Make a form; `build` puts the fields' values together, or raises MakemoreError."""
        super().__init__()
        self._title = title
        self._fields = {field.name: field for field in fields}
        self._build = build

    def compose(self) -> ComposeResult:
        """One line a field, with its label before and its error behind."""
        with Vertical(id="form") as form:
            form.border_title = self._title
            form.border_subtitle = "tab: the next field"
            for field in self._fields.values():
                with Horizontal(classes="field", id=f"{field.name}-row"):
                    yield Label(field.label)
                    if field.choices:
                        yield Select(
                            [(choice, choice) for choice in field.choices],
                            value=field.value,
                            allow_blank=False,
                            compact=True,
                            id=field.name,
                        )
                    else:
                        yield Input(field.value, compact=True, restrict=SHOWN, id=field.name)
                yield Static(classes="error", id=f"{field.name}-error", markup=False)
            yield Static(classes="error", id="error", markup=False)
            with Horizontal(id="buttons"):
                yield Button("Accept (ctrl+s)", variant="primary", id="accept", compact=True)
                yield Button("Cancel (esc)", id="cancel", compact=True)

    @on(Input.Changed)
    @on(Select.Changed)
    def check(self) -> None:
        """Say what is wrong while it is."""
        self._result()

    @on(Input.Submitted)
    @on(Button.Pressed, "#accept")
    def action_accept(self) -> None:
        """Leave with the result, if there is one."""
        if (result := self._result()) is not None:
            self.dismiss(result)

    @on(Button.Pressed, "#cancel")
    def action_dismiss_form(self) -> None:
        """Leave without a result."""
        self.dismiss(None)

    def applies(self, name: str) -> bool:
        """Whether a field means anything beside the others; it is hidden where it does not."""
        return True

    def show_what_applies(self) -> None:
        """Hide the fields that do not."""
        for name in self._fields:
            applies = self.applies(name)
            self.query_one(f"#{name}-row").display = applies
            if not applies:
                self._say(f"{name}-error", "")

    def fill(self, values: dict[str, str]) -> None:
        """Write into fields."""
        for name, value in values.items():
            field = self.query_one(f"#{name}")
            if isinstance(field, Input | Select):
                field.value = value

    def _result(self) -> Result | None:
        values: dict[str, Any] = {}
        fields = [field for field in self._fields.values() if self.applies(field.name)]
        for field in fields:
            try:
                values[field.name] = field.parse(self._written(field.name))
                self._say(f"{field.name}-error", "")
            except (ValueError, MakemoreError) as error:
                self._say(f"{field.name}-error", str(error))
        if len(values) < len(fields):
            return None
        try:
            result = self._build(values)
        except MakemoreError as error:
            self._say("error", str(error))
            return None
        self._say("error", "")
        return result

    def _written(self, name: str) -> str:
        field = self.query_one(f"#{name}")
        return str(field.value) if isinstance(field, Input | Select) else ""

    def _say(self, place: str, message: str) -> None:
        error = self.query_one(f"#{place}", Static)
        error.update(message)
        error.display = bool(message)


def draws_form(draws: Draws, corpus: Corpus | None) -> Form[Draws]:
    """What words are drawn, and how."""

    def known(text: str) -> str:
        prefix = normalise(text)
        if corpus is not None:
            corpus.alphabet.encode(prefix)
        return prefix

    return Form(
        "Draws",
        [
            Field("count", "words", f"{draws.count}", whole(1, MOST_WORDS)),
            Field("seed", "seed", f"{draws.seed}", whole(0, MOST_SEED)),
            Field("temperature", "temperature", written(draws.temperature), positive),
            Field("top_k", "top-k (empty: all)", f"{draws.top_k or ''}", top_k),
            Field("prefix", "prefix", draws.prefix, known),
            Field("max_length", "cut after", f"{draws.max_length}", whole(1, MOST_LENGTH)),
        ],
        lambda values: Draws(**values),
    )


class Smoothing(NamedTuple):
    """How much is smoothed, and what it is judged by."""

    k: float
    """Of add-k, for the counts."""
    l2: float
    """The penalty on W, for the network."""
    seed: int
    """Of the split."""


def smoothing_form(smoothing: Smoothing) -> Form[Smoothing]:
    """How much is smoothed, by any number, and the seed of the split."""
    from model.counts import MOST_K

    return Form(
        "Smoothing",
        [
            Field("k", "k, for the counts", written(smoothing.k), zero_to(MOST_K)),
            Field("l2", "L2 penalty on W", written(smoothing.l2), zero_to(MOST_L2)),
            Field("seed", "seed of the split", f"{smoothing.seed}", whole(0, MOST_SEED)),
        ],
        lambda values: Smoothing(**values),
    )


def file_form(title: str) -> Form[Path]:
    """A file to write to."""
    fields = [Field("path", "file", "words.txt", new_file)]
    return Form(title, fields, lambda values: values["path"])


def written(value: float) -> str:
    """A number as one would write it, without loss."""
    return repr(value).removesuffix(".0")


def positive(text: str) -> float:
    """A number above 0."""
    value = _number(text)
    if not 0 < value < math.inf:
        raise ValueError("write a number above 0, such as 0.1")
    return value


def zero_to(high: float) -> Callable[[str], float]:
    """A number from 0 to `high`."""

    def parse(text: str) -> float:
        value = _number(text)
        if not 0 <= value <= high:
            raise ValueError(f"write a number from 0 to {high:,}, such as 0.1")
        return abs(value)  # -0 is 0

    return parse


def below_1(text: str) -> float:
    """A share that leaves something."""
    value = _number(text)
    if not 0 <= value < 1:
        raise ValueError("write a number from 0 to less than 1, such as 0.1")
    return abs(value)


def whole(low: int, high: int) -> Callable[[str], int]:
    """A whole number from `low` to `high`."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise ValueError(f"write a whole number from {low} to {high:,}")
        return value

    return parse


def top_k(text: str) -> int | None:
    """A whole number, or nothing."""
    return whole(1, MOST_LENGTH)(text) if text.strip() else None


def new_file(text: str) -> Path:
    """The path of a file that is not there yet."""
    if not text.strip():
        raise ValueError("write the name of a file")
    try:
        path = Path(text).expanduser()
        if path.exists():
            raise ValueError(f"{visible(text)} is there already; choose another name")
        if not path.parent.is_dir():
            raise ValueError(f"{visible(str(path.parent))} is not a directory")
    except (OSError, RuntimeError) as error:  # a name that is too long, a home that is not there
        raise ValueError(f"{visible(text)[:40]} cannot be written: {visible(str(error))}") from None
    return path


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
