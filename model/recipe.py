"""What fixes a run; learning-rate schedules."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Any

from model.draws import MOST_SEED
from model.errors import MakemoreError
from model.nets import NETWORKS
from model.order import check_order

MOST_STEPS = 10_000_000
MOST_L2 = 1_000_000


def _notebook(step: int, steps: int) -> float:
    """The notebook's five falls by ten, at steps that do not depend on how many there are."""
    falls = (1, 10, 25, 50, 250)
    return 10.0 ** -sum(step >= fall for fall in falls)


def _constant(step: int, steps: int) -> float:
    return 1.0


def _cosine(step: int, steps: int) -> float:
    """From 1 to almost 0 along half a cosine (Loshchilov and Hutter 2017, without restarts)."""
    return (1 + math.cos(math.pi * step / steps)) / 2


Schedule = Callable[[int, int], float]
"""From a step and the number of steps to a factor for the peak learning rate."""

SCHEDULES: MappingProxyType[str, Schedule] = MappingProxyType(
    {"notebook": _notebook, "cosine": _cosine, "constant": _constant}
)
DEVICES = ("auto", "cpu", "cuda", "mps")
OPTIMISERS = ("accumulate", "gradient descent", "adam")
ADJUSTABLE = ("learning_rate", "l2")
"""What may change while a run goes on."""
MOST_NAME = 200


@dataclass(frozen=True)
class Recipe:
    """Everything that fixes a training run.

    Raises:
        MakemoreError: a field has a value that no run can have.
    """

    name: str
    optimiser: str
    schedule: str
    learning_rate: float
    """The highest of the schedule, which it starts from."""
    steps: int = 501
    model: str = "one-layer"
    n: int = 2
    seed: int = 0
    device: str = "auto"
    l2: float = 0.0
    """Times the mean of W squared is added to what is minimised: the penalty of the lectures."""
    one_hot: bool = False
    """Whether to take the notebook's way through every example instead of the exact shortcut."""

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "Recipe":
        """The recipe that a file or a message holds, as `dataclasses.asdict` made it.

        Raises:
            MakemoreError: a field is missing, of another type, or one that no run can have.
        """
        values: dict[str, Any] = {}
        for field in fields(cls):
            value = stored.get(field.name, field.default)
            kind = type(getattr(RECIPES["notebook"], field.name))
            if kind is float and type(value) is int:
                value = float(value) if abs(value) < 1e18 else math.inf
            if type(value) is not kind:
                raise MakemoreError(f"the recipe has no usable {field.name}")
            values[field.name] = value
        return cls(**values)

    def __post_init__(self) -> None:
        if len(self.name) > MOST_NAME:
            raise MakemoreError(f"the recipe's name is longer than {MOST_NAME} characters")
        check_order(self.n)
        if self.optimiser not in OPTIMISERS:
            raise MakemoreError(f"no optimiser is called {self.optimiser!r}; {_one_of(OPTIMISERS)}")
        if self.schedule not in SCHEDULES:
            raise MakemoreError(f"no schedule is called {self.schedule!r}; {_one_of(SCHEDULES)}")
        if self.model not in NETWORKS:
            raise MakemoreError(f"no network is called {self.model!r}; {_one_of(NETWORKS)}")
        if self.device not in DEVICES:
            raise MakemoreError(f"no device is called {self.device!r}; {_one_of(DEVICES)}")
        if not 1 <= self.steps <= MOST_STEPS:
            raise MakemoreError(f"steps={self.steps}: choose 1 to {MOST_STEPS:,}")
        if not 0 < self.learning_rate < math.inf:
            raise MakemoreError(f"learning rate {self.learning_rate:g}: choose a number above 0")
        if not 0 <= self.l2 <= MOST_L2:
            raise MakemoreError(f"L2 penalty {self.l2}: choose 0 to {MOST_L2:,}")
        if not 0 <= self.seed <= MOST_SEED:
            raise MakemoreError(f"seed={self.seed}: choose 0 to {MOST_SEED:,}")

    @property
    def title(self) -> str:
        """The name, and whether this learns in another way than the recipe of that name."""
        preset = RECIPES.get(self.name)
        if preset and _way(self) == _way(preset):
            return self.name
        return f"{self.name}, edited"

    def adjusted_to(self, other: "Recipe", fields: Iterable[str] = ADJUSTABLE) -> "Recipe":
        """This recipe with some of what may change while a run goes on taken from another."""
        return replace(self, **{name: getattr(other, name) for name in fields})

    def lr(self, step: int) -> float:
        """The learning rate of a step."""
        return self.learning_rate * SCHEDULES[self.schedule](step, self.steps)

    def with_(self, **changes: object) -> "Recipe":
        """The same recipe but for some fields."""
        return replace(self, **changes)  # pyright: ignore[reportArgumentType]


RECIPES = MappingProxyType(
    {
        # The notebook never clears its gradients; its losses are only had by adding them up.
        "notebook": Recipe("notebook", "accumulate", "notebook", learning_rate=100.0),
        # In W the loss is convex (a sum of log-sum-exp minus linear terms), so there is one
        # minimum, the floor, and no start or path that misses it. Adam's steps have the same
        # length for rare and for frequent contexts, and the cosine brings them to rest.
        "converge": Recipe("converge", "adam", "cosine", learning_rate=1.0),
    }
)


def _one_of(names: Iterable[str]) -> str:
    return f"choose one of {', '.join(names)}"


def _way(recipe: Recipe) -> tuple[object, ...]:
    """What makes a recipe learn as it does."""
    return recipe.optimiser, recipe.schedule, recipe.learning_rate, recipe.l2
