"""Whatever stands in the settings file, the app starts: with it, or with the defaults.

`pytest --hypothesis-profile long` tries 10,000 files of each kind.
"""

import json
from dataclasses import asdict
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tui import settings
from tui.settings import Settings

STORED: dict[str, Any] = asdict(Settings())

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.sampled_from([10**400, -(10**400), "\ud800", "\x1b[31m\u202e", "1e999", "NaN", "\u0661"])
)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5
)


@st.composite
def almost_right(draw: st.DrawFn) -> dict[str, Any]:
    """The settings with a few fields that hold something else, or are not there."""
    stored = {**STORED, "recipe": {**STORED["recipe"]}}
    for _ in range(draw(st.integers(0, 3))):
        fields = draw(st.sampled_from([stored, stored["recipe"]]))
        if not isinstance(fields, dict) or not fields:
            break
        field = draw(st.sampled_from(sorted(fields)))
        if draw(st.booleans()):
            fields[field] = draw(anything)
        else:
            del fields[field]
        if "recipe" not in stored:
            break
    return stored


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode()


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A file of settings that something was cut out of, or written into."""
    data = encoded(draw(almost_right()))
    start, end = sorted(draw(st.tuples(st.integers(0, len(data)), st.integers(0, len(data)))))
    return data[:start] + draw(st.binary(max_size=8)) + data[end:]


nested = st.builds(
    lambda opening, depth: opening * depth,
    st.sampled_from([b"[", b'{"a":']),
    st.integers(0, 20_000),
)


@given(st.binary() | anything.map(encoded) | almost_right().map(encoded) | damaged() | nested)
def test_any_file_gives_settings_or_the_defaults_and_is_kept(data: bytes):
    path = settings.path()
    path.parent.mkdir(parents=True, exist_ok=True)
    for old in path.parent.iterdir():
        old.unlink()
    path.write_bytes(data)

    loaded, problem = settings.load()

    if problem:
        assert loaded == Settings()
        assert problem.isprintable()
        assert data in [kept.read_bytes() for kept in path.parent.iterdir()]
        assert settings.load() == (Settings(), ""), "it is told again at the next start"
    else:
        settings.save(loaded)
        assert settings.load() == (loaded, "")
