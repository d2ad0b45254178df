"""What is remembered from one start to the next, and what happens when it cannot be."""

import json
from dataclasses import MISSING, asdict, astuple, fields, replace
from pathlib import Path
from threading import Event

import pytest
from hypothesis import given
from hypothesis import strategies as st
from workbench import QUICK, remember, workbench

from model.recipe import MOST_L2, MOST_SEED, RECIPES, Recipe
from tui import settings
from tui.screens.recipe_form import RecipeForm
from tui.settings import Settings

KEPT = "settings.broken.json"

recipes = st.builds(
    Recipe,
    name=st.sampled_from(list(RECIPES)),
    optimiser=st.sampled_from(["accumulate", "gradient descent", "adam"]),
    schedule=st.sampled_from(["notebook", "cosine", "constant"]),
    learning_rate=st.floats(min_value=1e-300, allow_infinity=False),
    steps=st.integers(1, 10_000_000),
    n=st.integers(2, 10),
    seed=st.integers(0, MOST_SEED),
    l2=st.floats(0, MOST_L2),
    one_hot=st.booleans(),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


def write(data: bytes) -> Path:
    path = settings.path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def check_that_defaults_are_used_and_the_file_is_kept(data: bytes) -> None:
    path = write(data)
    loaded, problem = settings.load()
    assert loaded == Settings()
    assert problem
    assert problem.isprintable()  # one line, and nothing that a terminal would obey
    assert not path.exists()
    assert path.with_name(KEPT).read_bytes() == data


def test_without_a_file_the_defaults_are_used_in_silence():
    assert settings.load() == (Settings(), "")
    assert not settings.path().exists()


@given(recipes, st.text())
def test_what_is_saved_is_loaded(recipe: Recipe, theme: str):
    settings.save(Settings(theme, recipe))
    assert settings.load() == (Settings(theme, recipe), "")


@given(st.binary())
def test_no_bytes_stop_the_start(data: bytes):
    check_that_defaults_are_used_and_the_file_is_kept(data)


@given(json_values)
def test_no_json_stops_the_start(value: object):
    check_that_defaults_are_used_and_the_file_is_kept(json.dumps(value).encode())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("optimiser", "none"),
        ("schedule", {}),
        ("learning_rate", -1),
        ("learning_rate", 1e999),
        ("learning_rate", "nan"),
        ("steps", 0),
        ("steps", 10**9),
        ("steps", 1e999),
        ("steps", "many"),
        ("seed", -1),
        ("seed", 2**63),
        ("model", "no-such-model"),
        ("n", 99),
        ("n", None),
        ("l2", -1),
        ("l2", 1e999),
        ("l2", None),
        ("device", "tpu"),
    ],
)
def test_a_recipe_that_no_run_can_have_is_refused(field: str, value: object):
    stored = asdict(Settings())
    stored["recipe"][field] = value
    check_that_defaults_are_used_and_the_file_is_kept(json.dumps(stored).encode())


def test_a_file_from_before_the_penalty_has_none():
    recipe = QUICK.with_(n=4, seed=3)
    stored = asdict(Settings("nord", recipe))
    del stored["recipe"]["l2"]
    write(json.dumps(stored).encode())
    assert settings.load() == (Settings("nord", recipe), "")


@pytest.mark.parametrize("name", [one.name for one in fields(Recipe) if one.default is MISSING])
def test_what_has_no_default_must_be_there(name: str):
    stored = asdict(Settings())
    del stored["recipe"][name]
    check_that_defaults_are_used_and_the_file_is_kept(json.dumps(stored).encode())


@given(st.sampled_from([field.name for field in fields(Recipe)]), json_values)
def test_a_stored_recipe_is_refused_or_has_the_right_types(name: str, value: object):
    stored = asdict(Settings())
    stored["recipe"][name] = value
    write(json.dumps(stored).encode())
    loaded, problem = settings.load()
    if problem:
        assert loaded == Settings()
    for kind, other in zip(astuple(Settings().recipe), astuple(loaded.recipe), strict=True):
        assert type(other) is type(kind)


def test_deep_nesting_is_refused():
    check_that_defaults_are_used_and_the_file_is_kept(b"[" * 100_000)


def test_a_save_leaves_one_file():
    remember()
    remember(replace(QUICK, seed=1))
    assert [path.name for path in settings.path().parent.iterdir()] == [settings.path().name]


def test_a_directory_in_the_place_of_the_file_is_told():
    settings.path().mkdir(parents=True)
    loaded, problem = settings.load()
    assert loaded == Settings()
    assert str(settings.path()) in problem


async def test_a_broken_file_is_told_once(words_file: Path):
    write(b"{broken [red]")
    async with workbench(words_file, recipe=None) as bench:
        assert bench.app.recipe == Settings().recipe
        assert [note.severity for note in bench.notifications] == ["warning"]
        assert KEPT in bench.notifications[0].message
    async with workbench(words_file, recipe=None) as bench:
        assert not bench.notifications


async def test_of_changes_that_are_saved_at_once_the_last_is_remembered(
    words_file: Path, monkeypatch: pytest.MonkeyPatch
):
    save, began, seen, log = settings.save, Event(), Event(), list[str]()

    def slowly(wanted: Settings) -> None:
        log.append("begin")
        began.set()
        assert seen.wait(60)
        save(wanted)
        log.append("end")

    async with workbench(words_file) as bench:
        monkeypatch.setattr(settings, "save", slowly)
        await bench.press("]")
        await bench.until(began.is_set, "the first")
        await bench.press("]")
        threads = (each for each in bench.app.workers if each.group == "settings")
        assert len(list(threads)) == 2
        seen.set()
        await bench.workers()
        assert settings.load()[0].recipe.n == bench.n == 4
    assert log == ["begin", "end"] * 2  # or else the first may come last


async def test_a_place_that_cannot_be_written_is_told(words_file: Path):
    settings.path().parent.parent.mkdir(parents=True, exist_ok=True)
    settings.path().parent.write_text("a file where the directory would be")
    async with workbench(words_file, recipe=None) as bench:
        told = len(bench.notifications)
        bench.app.theme = "nord"
        note = await bench.notification(told + 1)
        assert note.severity == "warning"
        assert str(settings.path()) in note.message
        assert bench.app.theme == "nord"
        await bench.press("]")
        assert bench.n == 3


async def test_the_form_opens_whatever_recipe_was_stored(words_file: Path):
    stored = asdict(Settings())
    stored["recipe"]["name"] = "mine"
    write(json.dumps(stored).encode())
    async with workbench(words_file, recipe=None) as bench:
        await bench.press("e")
        await bench.screen(RecipeForm)
        await bench.press("enter")
        assert bench.app.return_code is None
