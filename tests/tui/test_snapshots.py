"""Pictures of the screens.

After a wanted change: `pytest -n 0 tests/tui/test_snapshots.py --snapshot-update`, then look at
what has changed in `__snapshots__`.

The app pulls no snapshot of the run by itself here, so that the speed, which differs from run to
run, can be given: the figures of a picture are the same on every machine.
"""

import math
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from contrast import ENOUGH, faint
from looks import NOW, PICTURES, RECIPE, RUNS, Look, View, compare, held
from textual.pilot import Pilot
from textual.widgets import Input
from workbench import Bench, remember

import tui.app
from tui.app import MakemoreApp
from tui.screens import rate_finder as rate_finder_screen
from tui.widgets import run_table


@pytest.fixture
def still_app(
    words_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Look], MakemoreApp]:
    """An app for a look, whose screen changes by what is done alone."""
    place = tmp_path / "corpora"
    place.mkdir()
    for name in ("names.txt", "places.txt", "plants.txt"):
        (place / name).write_text("word\n")
    monkeypatch.chdir(place)
    monkeypatch.setattr(tui.app, "FRAMES_PER_SECOND", 0.001)
    monkeypatch.setattr(rate_finder_screen, "FRAME_SECONDS", math.inf)
    monkeypatch.setattr(run_table, "now", lambda: datetime.fromisoformat(NOW))

    def make(look: Look) -> MakemoreApp:
        for name, value in look.environment:
            monkeypatch.setenv(name, value)
        remember(RECIPE, look.theme)
        return MakemoreApp(str(words_file), runs=RUNS)

    return make


CASES = [
    pytest.param(view, look, id=f"{view.__name__}-{look.name}")
    for look, views in PICTURES
    for view in views
]


@pytest.mark.parametrize(("view", "look"), CASES)
def test_looks(
    view: View,
    look: Look,
    still_app: Callable[[Look], MakemoreApp],
    snap_compare: Callable[..., bool],
):
    app = still_app(look)

    async def prepare(pilot: Pilot) -> None:
        bench = Bench(app)
        bench.pilot = pilot
        await bench.counted()
        await view(bench)
        await bench.workers()
        for field in app.screen.query(Input):
            field.cursor_blink = False
        app.clear_notifications()
        if look.size == (120, 40):
            # What is the same in all runs that are compared is dimmed by Textual, a little more.
            least = 4.0 if view is compare else ENOUGH
            assert not {text for text, ratio in faint(app).items() if ratio < least}

    try:
        assert snap_compare(app, terminal_size=look.size, run_before=prepare)
    finally:
        app.local.close()
        app.local.join()
        while held:
            held.pop().close()
