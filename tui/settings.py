"""What the app remembers from one start to the next."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import platformdirs

from model.alphabet import visible
from model.errors import MakemoreError
from model.files import UNREADABLE, read_file, replace_file
from model.recipe import RECIPES, Recipe

DEFAULT_THEME = "textual-dark"


@dataclass(frozen=True)
class Settings:
    """The remembered choices, as they are at the first start."""

    theme: str = DEFAULT_THEME
    recipe: Recipe = RECIPES["notebook"]
    """The last one; its order and device go with it."""
    tour: int = 0
    """The stop at which the tour was left."""
    ascii: bool | None = None
    """Whether ASCII alone is shown; None for what suits the terminal."""
    low_bandwidth: bool | None = None
    """Whether little is sent to the terminal; None for what suits it."""


def path() -> Path:
    """Where the settings are kept."""
    # Where a link leads to, as those who keep their settings elsewhere have one.
    return (platformdirs.user_config_path("makemore-tui") / "settings.json").resolve()


def load() -> tuple[Settings, str]:
    """The settings, and a line for the user where their file could not be used.

    A broken file is kept under another name, so that nothing in it is lost.
    """
    place = path()
    name = visible(str(place))
    try:
        stored: Any = json.loads(read_file(place))
        recipe = Recipe.of(stored["recipe"])
        if recipe.name not in RECIPES:
            raise ValueError(f"no recipe is called {recipe.name}")
        tour = int(stored.get("tour", 0))
        wishes: dict[str, Any] = {each: stored.get(each) for each in ("ascii", "low_bandwidth")}
        for each, wish in wishes.items():
            if not isinstance(wish, bool | None):
                raise ValueError(f"{each} is neither true nor false")
        return Settings(str(stored["theme"]), recipe, tour, **wishes), ""
    except FileNotFoundError:
        return Settings(), ""
    except OSError as error:
        return Settings(), f"{name} cannot be read ({error.strerror}); the defaults are used"
    except (*UNREADABLE, ArithmeticError, MakemoreError) as error:
        missing = isinstance(error, KeyError)
        reason = f"no {error}" if missing else visible(" ".join(str(error).split()))
        return Settings(), f"{name} is broken ({reason}); the defaults are used{_set_aside(place)}"


def save(settings: Settings) -> None:
    """Write the settings, in one piece or not at all.

    Raises:
        OSError: the place cannot be written to.
    """
    place = path()
    place.parent.mkdir(parents=True, exist_ok=True)
    replace_file(place, (json.dumps(asdict(settings), indent=2) + "\n").encode())


def _set_aside(place: Path) -> str:
    kept = place.with_suffix(".broken.json")
    try:
        place.replace(kept)
    except OSError:
        return ""
    return f", the file is now {kept.name}"
