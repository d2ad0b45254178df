"""The learning-rate finder: one short run whose rate rises from step to step.

That is the range test of Smith 2017, "Cyclical learning rates for training neural networks", and
what the lectures plot: learning rates as powers of ten, one step each, loss against rate. While
the rate is too low the loss stays where it is, then it falls into a valley, and where the rate is
too high it climbs out again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from model.corpus import Corpus
from model.errors import MakemoreError
from model.recipe import ONE_LAYER, Recipe
from model.splits import split
from model.training import Trainer

STEPS = 200
"""Over the six decades of the schedule "rising"."""
FIRST = 10
"""Steps whose rates are too low to matter: their loss is what the run starts from."""
LOST = 2
"""How many times that loss says that there is no way back."""
HALF_WINDOW = 5
"""Steps on either side that a loss is averaged with: batches differ."""
BELOW = 10
"""The suggested rate is that much below the one at the bottom of the valley.

There each step still gains what the next one might lose. It is the rule of Gugger 2018, "How do
you find a good learning rate", and of fastai's lr_find.
"""


@dataclass(frozen=True)
class Found:
    """The rates that were tried so far, in rising order, and what came of them."""

    rates: tuple[float, ...] = ()
    losses: tuple[float, ...] = ()
    """Of the step at each rate, before its update."""

    @cached_property
    def smoothed(self) -> tuple[float, ...]:
        """Each loss averaged with its neighbours."""
        places = range(len(self.losses))
        windows = [self.losses[max(0, i - HALF_WINDOW) : i + HALF_WINDOW + 1] for i in places]
        return tuple(sum(window) / len(window) for window in windows)

    @property
    def diverged(self) -> bool:
        """Whether the last rates lost far more than the others had gained."""
        first = self.losses[:FIRST]
        return len(first) == FIRST and self.smoothed[-1] > LOST * sum(first) / FIRST

    @property
    def lowest(self) -> float:
        """The rate at the bottom of the valley."""
        return _rounded(self.rates[self.smoothed.index(min(self.smoothed))])

    @property
    def suggested(self) -> float:
        """The rate to train with."""
        return _rounded(self.lowest / BELOW)


def find_rate(corpus: Corpus, recipe: Recipe) -> Iterator[Found]:
    """Try one rate a step until the loss diverges, or all are tried.

    A run that goes on meanwhile is not touched: this is another network, with random numbers of
    its own. The same recipe finds the same rate.

    Yields:
        what is known after each step; the last one is the answer.

    Raises:
        MakemoreError: there is no such device, no room, or no step whose loss is a number.
    """
    learnt = split(corpus).train if recipe.data == "train" else corpus
    trainer = Trainer(learnt, _rising(recipe))
    found = Found()
    while not (trainer.finished or found.diverged):
        rate = trainer.recipe.lr(trainer.step)
        try:
            trainer.advance(1)
        except MakemoreError:
            if not found.rates:
                raise
            return  # no longer a number: this rate was too high by far
        loss = float(trainer.losses[trainer.step - 1])
        found = Found((*found.rates, rate), (*found.losses, loss))
        yield found


def _rising(recipe: Recipe) -> Recipe:
    # Where gradients add up, a step says nothing of its rate: all before it have their part.
    alone = "gradient descent" if recipe.optimiser == "accumulate" else recipe.optimiser
    return recipe.with_(
        schedule="rising",
        learning_rate=_highest(recipe),
        steps=STEPS,
        warmup=0,
        optimiser=alone,
        data="all",  # of what is learnt from: nothing is judged here
    )


def _highest(recipe: Recipe) -> float:
    """The rate to end with, at which nothing learns any more."""
    if recipe.optimiser in ("adam", "adamw"):
        return 10.0  # about what each step then adds to each weight
    # Each row of W has its share of the examples as a factor in its gradient, hence the high rates.
    return 10_000.0 if recipe.model == ONE_LAYER else 100.0


def _rounded(rate: float) -> float:
    """To two digits: more would say more than one run can know."""
    return float(f"{rate:.1e}")
