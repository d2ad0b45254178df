"""What fixes a run; learning-rate schedules."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import astuple, dataclass, fields, replace
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


def _step(step: int, steps: int) -> float:
    """A tenth from halfway on, as in the lectures."""
    return 1.0 if 2 * step < steps else 0.1


def _rising(step: int, steps: int) -> float:
    """From a millionth to 1, each step by the same factor: the range test of Smith 2017."""
    return 10.0 ** (-6 * (1 - step / max(1, steps - 1)))


Schedule = Callable[[int, int], float]
"""From a step and the number of steps to a factor for the peak learning rate."""

SCHEDULES: MappingProxyType[str, Schedule] = MappingProxyType(
    {
        "notebook": _notebook,
        "cosine": _cosine,
        "constant": _constant,
        "step": _step,
        "rising": _rising,
    }
)
DEVICES = ("auto", "cpu", "cuda", "mps")
OPTIMISERS = ("accumulate", "gradient descent", "sgd", "adam", "adamw")
DATA = ("all", "train")
SIZES = ("width", "hidden", "layers", "heads")
ADJUSTABLE = ("learning_rate", "schedule", "batch_size", "l2")
"""What may change while a run goes on."""
LABELS = MappingProxyType(
    {"learning_rate": "lr", "schedule": "schedule", "batch_size": "batch", "l2": "L2"}
)
"""What it is called where there is little room."""
Change = tuple[int, str]
"""Something was changed after so many steps: what is said of it."""
MOST_NAME = 200
MOST_BATCH = 1 << 20
MOST_SIZE = MappingProxyType({"width": 4096, "hidden": 4096, "layers": 64, "heads": 64})
ONE_LAYER = "one-layer"


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
    data: str = "all"
    """What is learnt from: all words, or the part of them that is for training, so that what is
    held out can judge."""
    batch_size: int = 0
    """Words in a step; 0 for all of them, which only the one-layer network is quick enough for."""
    warmup: int = 0
    """Steps in which the learning rate rises to the schedule's (Goyal et al. 2017)."""
    weight_decay: float = 0.0
    """By which share of itself, times the learning rate, a weight shrinks with each step."""
    clip: float = 0.0
    """The longest gradient; a longer one is scaled down (Pascanu et al. 2013). 0 for any."""
    dropout: float = 0.0
    """The share of activations that a step drops."""
    width: int = 64
    """Of an embedding, and of what stands on it."""
    hidden: int = 64
    """Of a hidden layer or state."""
    layers: int = 4
    heads: int = 4

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
        if self.data not in DATA:
            raise MakemoreError(f"no part of the words is called {self.data!r}; {_one_of(DATA)}")
        self._check_batches()
        self._check_sizes()

    def _check_batches(self) -> None:
        if not 0 <= self.batch_size <= MOST_BATCH:
            raise MakemoreError(f"batch size {self.batch_size}: choose 1 to {MOST_BATCH:,}")
        if not self.batch_size and self.model != ONE_LAYER:
            raise MakemoreError(f"{self.model} learns from batches: choose a batch size above 0")
        if self.one_hot and self.batch_size:
            raise MakemoreError("the notebook's one-hot way takes all examples: batch size 0")
        if not 0 <= self.warmup <= MOST_STEPS:
            raise MakemoreError(f"warm-up {self.warmup}: choose 0 to {MOST_STEPS:,} steps")
        if not 0 <= self.weight_decay <= 1:
            raise MakemoreError(f"weight decay {self.weight_decay:g}: choose 0 to 1")
        if not 0 <= self.clip < math.inf:
            raise MakemoreError(f"clipping at {self.clip:g}: choose 0 for none, or more")

    def _check_sizes(self) -> None:
        if not 0 <= self.dropout < 1:
            raise MakemoreError(f"dropout {self.dropout:g}: choose 0 to less than 1")
        for name in SIZES:
            if not 1 <= getattr(self, name) <= MOST_SIZE[name]:
                raise MakemoreError(
                    f"{name} {getattr(self, name)}: choose 1 to {MOST_SIZE[name]:,}"
                )
        if self.model == "transformer" and self.width % self.heads:
            raise MakemoreError(f"width {self.width} cannot be shared by {self.heads} heads")

    def changes(self, other: "Recipe") -> str:
        """In which of what may change while a run goes on another recipe differs, and how."""
        values = {name: getattr(other, name) for name in ADJUSTABLE}
        texts = {
            LABELS[name]: value if isinstance(value, str) else f"{value:g}"
            for name, value in values.items()
            if value != getattr(self, name)
        }
        return ", ".join(f"{label} {text}" for label, text in texts.items())

    @property
    def title(self) -> str:
        """The name, and whether this learns in another way than the recipe of that name."""
        preset = RECIPES.get(self.name)
        if preset and _way(self) == _way(preset):
            return self.name
        return f"{self.name}, edited"

    def adjusted_to(self, other: "Recipe", fields: Iterable[str] = ADJUSTABLE) -> "Recipe":
        """This recipe with some of what may change while a run goes on taken from another.

        Whether it learns from batches, or from all words at once, is no matter of their size.
        """
        changes = {name: getattr(other, name) for name in fields}
        if not (self.batch_size and other.batch_size):
            changes.pop("batch_size", None)
        return replace(self, **changes)

    def lr(self, step: int) -> float:
        """The learning rate of a step."""
        warm = min(1.0, (step + 1) / (self.warmup + 1))
        return self.learning_rate * warm * SCHEDULES[self.schedule](step, self.steps)

    def with_(self, **changes: object) -> "Recipe":
        """The same recipe but for some fields."""
        return replace(self, **changes)  # pyright: ignore[reportArgumentType]


_ZOO = Recipe(
    "zoo",
    "adamw",
    "cosine",
    learning_rate=5e-3,
    steps=8000,
    model="mlp",
    n=17,
    data="train",
    batch_size=128,
    warmup=200,
    weight_decay=0.1,
    clip=1.0,
)
"""What the recipes of the networks have in common: one pass over names.txt is 200 steps."""

RECIPES = MappingProxyType(
    {
        # The notebook never clears its gradients; its losses are only had by adding them up.
        "notebook": Recipe("notebook", "accumulate", "notebook", learning_rate=100.0),
        # In W the loss is convex (a sum of log-sum-exp minus linear terms), so there is one
        # minimum, the floor, and no start or path that misses it. Adam's steps have the same
        # length for rare and for frequent contexts, and the cosine brings them to rest.
        "converge": Recipe("converge", "adam", "cosine", learning_rate=1.0),
        "bag-of-words": replace(_ZOO, name="bag-of-words", model="bag-of-words"),
        "mlp": replace(_ZOO, name="mlp", width=32, hidden=256, dropout=0.2, n=9),
        "rnn": replace(_ZOO, name="rnn", model="rnn", width=32, hidden=128, learning_rate=2e-3),
        "gru": replace(_ZOO, name="gru", model="gru", width=32, hidden=128, dropout=0.3),
        "lstm": replace(_ZOO, name="lstm", model="lstm", width=48, hidden=192, dropout=0.4),
        "wavenet": replace(_ZOO, name="wavenet", model="wavenet", dropout=0.1),
        "transformer": replace(_ZOO, name="transformer", model="transformer", dropout=0.1),
        # The settings of makemore.py, but for its steps, which have no end.
        "makemore": Recipe(
            "makemore",
            "adamw",
            "constant",
            learning_rate=5e-4,
            steps=20_000,
            model="transformer",
            n=17,
            data="train",
            batch_size=32,
            weight_decay=0.01,
        ),
    }
)


def recipe_for(model: str) -> Recipe:
    """What a network is trained with if nothing else is asked for."""
    return RECIPES["notebook" if model == ONE_LAYER else model]


def _one_of(names: Iterable[str]) -> str:
    return f"choose one of {', '.join(names)}"


def _way(recipe: Recipe) -> tuple[object, ...]:
    """What makes a recipe learn as it does."""
    return astuple(recipe.with_(name="", n=2, seed=0, device="auto", steps=1, one_hot=False))
