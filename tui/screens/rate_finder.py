"""The learning-rate finder: loss against rate, drawn while the rates are tried."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar, Literal

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static
from textual.worker import get_current_worker

from model.recipe import Recipe
from model.session import in_one_line
from tui.messages import RateFound, RateNotFound, RatesTried
from tui.screens.still import Still
from tui.widgets.chart import Chart, Line, Mark, Series
from tui.widgets.key_bar import KeyBar

if TYPE_CHECKING:
    from model.corpus import Corpus
    from model.rate_finder import Found

FRAME_SECONDS = 0.1
FIRST, HEADROOM = 10, 1.25
"""Losses above that much of the highest of the first are not drawn."""


class RateFinderScreen(Still, ModalScreen[float | None]):
    """A chart over one line; the result is the suggested rate, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "take", "Take the rate", tooltip="Into the recipe"),
        Binding("escape,q", "leave", "Leave", tooltip="Without it; the search ends at once"),
        Binding("question_mark", "help", "Help", key_display="?"),
    ]
    CSS_PATH = "rate_finder.tcss"
    HELP = """\
### A learning rate

One short run of another network, with the recipe of the form, whose rate rises from step to \
step: the range test of Smith 2017. While the rate is too low the **loss** stays where it is, then \
it falls into a valley, and where the rate is too high it climbs out again. The dots are the \
losses of the steps, the line is their average with their neighbours.

What is **suggested** is a tenth of the rate at the bottom of the valley, where each step still \
gains what the next one might lose. `enter` writes it into the recipe. A schedule takes it as its \
highest rate, so that there is no harm in trying two or three times as much. Where gradients are \
added up, each step is tried on its own.

A run that goes on meanwhile is not touched, but it shares the processor: both are slower.
"""

    def __init__(self, corpus: Corpus, recipe: Recipe) -> None:
        """Find a rate for what a recipe trains on a corpus."""
        super().__init__()
        self._corpus = corpus
        self._recipe = recipe
        self._suggested: float | None = None

    def compose(self) -> ComposeResult:
        """The chart over what it says."""
        with Vertical(id="rate-finder") as frame:
            frame.border_title = f"A learning rate for {self._recipe.model}"
            yield Chart(id="valley", empty="counting…", log_x=True)
            yield Static(id="found", markup=False)
        yield KeyBar()

    def on_mount(self) -> None:
        """Begin."""
        self._find()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There is nothing to take before the end."""
        return True if action != "take" or self._suggested is not None else None

    @work(thread=True, exclusive=True, group="rates", exit_on_error=False, description="find rate")
    def _find(self) -> None:
        worker, due = get_current_worker(), 0.0
        try:
            from model.rate_finder import Found, find_rate  # torch takes seconds to import

            found = Found()
            for found in find_rate(self._corpus, self._recipe):
                if worker.is_cancelled:
                    return
                if time.monotonic() >= due:
                    due = time.monotonic() + FRAME_SECONDS
                    self.post_message(RatesTried(found))
            self.post_message(RateFound(found))
        except Exception as error:  # whatever it was, the user is to know
            self.post_message(RateNotFound(in_one_line(error)))

    @on(RatesTried)
    def show_rates(self, message: RatesTried) -> None:
        """Draw as far as it has come."""
        found = message.found
        self._draw(found)
        self._say(f"rate {found.rates[-1]:.2g}, loss {found.smoothed[-1]:.4f}")

    @on(RateFound)
    def show_suggestion(self, message: RateFound) -> None:
        """Draw all, and mark the rate."""
        found = message.found
        self._suggested = found.suggested
        label = f"suggested {found.suggested:g}"
        self._draw(found, Mark(found.suggested, label))
        self._say(f"{label}: a tenth of {found.lowest:g}, where the loss is lowest")
        self.refresh_bindings()

    @on(RateNotFound)
    def show_failure(self, message: RateNotFound) -> None:
        """Say why there is none."""
        self.query_one("#valley", Chart).empty = "no rate was found"
        self._say(message.reason)

    def action_take(self) -> None:
        """Leave with the suggested rate."""
        self.dismiss(self._suggested)

    def action_leave(self) -> None:
        """Leave without one; the worker ends after its step."""
        self.dismiss(None)

    def action_help(self) -> None:
        """Explain the screen."""
        from tui.screens.help import HelpScreen

        self.app.push_screen(HelpScreen(self))

    def _draw(self, found: Found, *marks: Series) -> None:
        # What diverged would leave no height for the valley.
        ceiling = HEADROOM * max(found.smoothed[:FIRST])

        def line(losses: tuple[float, ...], label: str, style: Literal["line", "dots"]) -> Line:
            points = [p for p in zip(found.rates, losses, strict=True) if p[1] <= ceiling]
            return Line([x for x, _ in points], [y for _, y in points], label, style)

        self.query_one("#valley", Chart).show(
            line(found.losses, "each step", "dots"),
            line(found.smoothed, "smoothed", "line"),
            *marks,
        )

    def _say(self, text: str) -> None:
        self.query_one("#found", Static).update(text)
