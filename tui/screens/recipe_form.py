"""The form of a recipe: what the next run follows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Select, Static

from model.draws import MOST_SEED
from model.nets import count_weights, sizes
from model.order import ORDERS
from model.recipe import (
    DATA,
    DEVICES,
    MOST_BATCH,
    MOST_L2,
    MOST_SIZE,
    MOST_STEPS,
    ONE_LAYER,
    OPTIMISERS,
    RECIPES,
    SCHEDULES,
    SIZES,
    Recipe,
)
from tui.messages import WeightsCounted
from tui.screens.forms import Field, Form, below_1, positive, whole, written, zero_to

if TYPE_CHECKING:
    from model.corpus import Corpus
    from model.ngrams import Ngrams

OF_BATCHES = frozenset({"batch_size", "warmup", "weight_decay", "clip", "dropout"})
"""What only a network has that learns from batches."""
FIELDS = (
    Field("name", "recipe", "", choices=tuple(RECIPES)),
    Field("n", "order n", "", whole(ORDERS.start, ORDERS.stop - 1)),
    Field("data", "learns from", "", choices=DATA),
    Field("optimiser", "optimiser", "", choices=OPTIMISERS),
    Field("schedule", "schedule", "", choices=tuple(SCHEDULES)),
    Field("learning_rate", "learning rate", "", positive),
    Field("warmup", "warm-up steps", "", whole(0, MOST_STEPS)),
    Field("batch_size", "words in a batch", "", whole(1, MOST_BATCH)),
    Field("steps", "steps", "", whole(1, MOST_STEPS)),
    Field("weight_decay", "weight decay", "", zero_to(1)),
    Field("clip", "clip (0: none)", "", zero_to(1e9)),
    Field("dropout", "dropout", "", below_1),
    *(Field(name, name, "", whole(1, MOST_SIZE[name])) for name in SIZES),
    Field("l2", "L2 penalty", "", zero_to(MOST_L2)),
    Field("seed", "seed", "", whole(0, MOST_SEED)),
    Field("device", "device", "", choices=DEVICES),
)


class RecipeForm(Form[Recipe]):
    """What the next run follows; which fields there are depends on the network."""

    BINDINGS: ClassVar[list[BindingType]] = [
        # Before an input, which would delete a word.
        Binding("ctrl+f", "find_rate", "Find a rate", priority=True),
    ]

    def __init__(
        self, recipe: Recipe, ngrams: Ngrams | None = None, corpus: Corpus | None = None
    ) -> None:
        """Begin with a recipe.

        Args:
            recipe: what the fields hold at first.
            ngrams: for whose alphabet the weights are counted.
            corpus: on which a learning rate can be looked for.
        """
        self._recipe = self._base = recipe
        self._ngrams = ngrams
        self._corpus = corpus
        texts = _texts(recipe)
        fields = [replace(field, value=texts[field.name]) for field in FIELDS]
        super().__init__("Recipe", fields, lambda values: replace(self._base, **values))

    def on_mount(self) -> None:
        """Show the fields of the network."""
        self.query_one("#form", Vertical).mount(
            Static(id="weights", markup=False), before="#buttons"
        )
        if self._corpus is not None:
            find = Button("Find a rate (ctrl+f)", id="find-rate", compact=True)
            self.query_one("#buttons", Horizontal).mount(find, before="#accept")
        self.show_what_applies()

    def applies(self, name: str) -> bool:
        """Whether the network has such a thing."""
        if name in SIZES:
            return name in sizes(self._base.model)
        return name not in OF_BATCHES or self._base.model != ONE_LAYER

    @on(Select.Changed, "#name")
    def take_preset(self, message: Select.Changed) -> None:
        """Fill the fields in as the recipe of that name has them."""
        preset = RECIPES[str(message.value)]
        before, self._base = self._base, preset
        if preset.name == self._recipe.name:
            self._base = self._recipe
        if before is not self._base:
            kept = {"name", "seed", "device"}
            if before.model == self._base.model:
                kept.add("n")
            texts = _texts(self._base).items()
            self.fill({name: text for name, text in texts if name not in kept})
        self.show_what_applies()

    @on(Button.Pressed, "#find-rate")
    def action_find_rate(self) -> None:
        """Look for a learning rate for what the fields say now."""
        from tui.screens.rate_finder import RateFinderScreen

        def take(rate: float | None) -> None:
            if rate is not None:
                self.fill({"learning_rate": written(rate)})
                self.query_one("#learning_rate").focus()

        recipe = self._result()
        if recipe is not None and self._corpus is not None:
            self.app.push_screen(RateFinderScreen(self._corpus, recipe), take)

    def _result(self) -> Recipe | None:
        recipe = super()._result()
        if self._ngrams is not None and self.is_mounted:
            self._count(recipe, self._ngrams)
        return recipe

    @work(thread=True, exclusive=True, group="sizes", exit_on_error=False, description="size")
    def _count(self, recipe: Recipe | None, ngrams: Ngrams) -> None:
        text = ""
        if recipe is not None and (recipe.n == ngrams.n or recipe.model != ONE_LAYER):
            text = f"{count_weights(recipe, ngrams):,} weights"
        self.post_message(WeightsCounted(text))

    @on(WeightsCounted)
    def show_weights(self, message: WeightsCounted) -> None:
        """Say how large the network would be."""
        self.query_one("#weights", Static).update(message.text)


def _texts(recipe: Recipe) -> dict[str, str]:
    """The fields of a recipe as one would write them."""
    values = {field.name: getattr(recipe, field.name) for field in FIELDS}
    return {
        name: written(value) if isinstance(value, float) else str(value)
        for name, value in values.items()
    }
