"""The app as a whole: what is open, the order, the panes, the keys, the way out."""

import gc
import os
from itertools import cycle
from pathlib import Path

import pytest
from textual.keys import format_key
from textual.widgets import Tabs
from workbench import ENDLESS, QUICK, Bench, keys_shown, rows, workbench

import tui.workbench
from model.corpus import Corpus
from model.counts import CountModel
from model.ngrams import count
from model.order import ORDERS
from model.session import Phase
from tui import settings
from tui.keys import KEYS, bindings_of
from tui.messages import CorpusCounted, CorpusLoaded, CorpusRefused
from tui.panes.every import PANES
from tui.screens.help import HelpScreen
from tui.screens.open_corpus import OpenCorpusScreen
from tui.screens.recipe_form import RecipeForm
from tui.widgets.key_bar import KeyBar
from tui.workbench import COLLECTION_DUE, COLLECTION_SECONDS

WIDE, NARROW = (120, 40), (80, 24)


def panes_seen(bench: Bench) -> list[str]:
    return [pane.id or "" for pane in bench.widgets() if isinstance(pane, PANES)]


# The corpus


async def test_a_corpus_is_loaded_then_counted(words_file: Path, corpus: Corpus):
    async with workbench(words_file) as bench:
        facts = [type(message) for message in bench.handled]
        facts = [kind for kind in facts if kind in (CorpusLoaded, CorpusCounted, CorpusRefused)]
        assert facts == [CorpusLoaded, CorpusCounted]
        assert bench.app.corpus == corpus
        shown = bench.shown("#facts")
        floor = CountModel(count(corpus, 2)).floor
        for figure in ("words.txt", "40", f"{corpus.examples}", f"{floor:.4f}"):
            assert figure in shown
        assert not bench.notifications


async def test_a_built_in_corpus_opens():
    async with workbench("danish-last-names") as bench:
        assert bench.app.corpus is not None
        assert bench.app.corpus.name == "danish-last-names"


async def test_makemores_names_have_the_notebooks_floor(names_path: Path):
    async with workbench(names_path) as bench:
        assert "2.4540" in bench.shown("#facts")


def bad_files(tmp_path: Path) -> list[Path]:
    """A file that is missing, one that is not UTF-8, one without words, and a directory."""
    latin, empty = tmp_path / "latin.txt", tmp_path / "empty.txt"
    latin.write_bytes(b"anna\nzo\xeb\n")
    empty.write_bytes(b"\n \n")
    return [tmp_path / "missing.txt", latin, empty, tmp_path]


async def test_a_bad_file_leaves_what_was_open(words_file: Path, tmp_path: Path):
    async with workbench(words_file) as bench:
        before = bench.app.corpus, bench.app.counts
        for number, bad in enumerate(bad_files(tmp_path), start=1):
            bench.app.open_corpus(str(bad))
            refusal = await bench.message(CorpusRefused, number)
            note = await bench.notification(number)
            assert note.severity == "error"
            assert note.message == refusal.reason
            assert "\n" not in refusal.reason
            assert bad.name in refusal.reason
            assert (bench.app.corpus, bench.app.counts) == before
            assert bench.app.activity == ""
        assert len(bench.posted(CorpusLoaded)) == 1


async def test_a_start_with_a_bad_file_waits_for_another(words_file: Path, tmp_path: Path):
    async with workbench(tmp_path / "missing.txt", wait=False) as bench:
        await bench.message(CorpusRefused)
        await bench.press("space", "s", "r", "x", "g", "d", "]", "[", "l", "f")
        assert bench.app.corpus is None
        assert bench.app.session.snapshot.phase is Phase.IDLE
        bench.app.open_corpus(str(words_file))
        await bench.counted()
        await bench.press("1")
        assert "words.txt" in bench.shown("#facts")


async def test_a_home_that_nobody_has_is_refused(words_file: Path):
    async with workbench(words_file) as bench:
        bench.app.open_corpus("~no-such-user/words.txt")
        assert "no-such-user" in (await bench.message(CorpusRefused)).reason
        assert bench.app.activity == ""


async def test_another_corpus_ends_the_run(words_file: Path, tmp_path: Path):
    other = tmp_path / "other.txt"
    other.write_text("one\ntwo\n")
    async with workbench(words_file, recipe=ENDLESS) as bench:
        await bench.press("space")
        await bench.steps(1)
        bench.app.open_corpus(str(other))
        await bench.message(CorpusCounted, 2)
        await bench.phase(Phase.IDLE)
        assert bench.app.corpus is not None
        assert bench.app.corpus.words == ["one", "two"]
        assert any("other.txt" in note.message for note in bench.notifications)


async def test_the_last_of_two_corpora_stays(words_file: Path, tmp_path: Path):
    files = [tmp_path / f"{number}.txt" for number in range(5)]
    for file in files:
        file.write_text(f"{file.stem}\n")
    async with workbench(words_file) as bench:
        for file in files:
            bench.app.open_corpus(str(file))
        await bench.workers()
        await bench.counted()
        assert bench.app.corpus is not None
        assert bench.app.corpus.name == "4.txt"
        assert bench.app.counts is not None
        assert bench.app.counts.ngrams.alphabet.characters == "4"


# The order


async def test_brackets_change_n_within_its_bounds(words_file: Path, corpus: Corpus):
    async with workbench(words_file) as bench:
        app = bench.app
        await bench.press("[")
        assert bench.n == ORDERS[0] == 2
        floors = [app.counts.floor]
        for n in ORDERS[1:6]:
            await bench.press("]")
            await bench.counted()
            assert bench.n == app.counts.ngrams.n == n
            assert app.counts.floor == CountModel(count(corpus, n)).floor
            assert f"{app.counts.floor:.4f}" in bench.shown("#facts")
            floors.append(app.counts.floor)
        assert floors == sorted(floors, reverse=True)


async def test_the_highest_order_is_the_end(words_file: Path):
    async with workbench(words_file, recipe=QUICK.with_(n=ORDERS[-1])) as bench:
        await bench.press("]")
        assert bench.n == ORDERS[-1] == 64
        await bench.press("[")
        await bench.counted()
        assert bench.app.counts.ngrams.n == 63


async def test_the_order_is_remembered(words_file: Path):
    async with workbench(words_file) as bench:
        await bench.press("]")
        await bench.workers()
    async with workbench(words_file, recipe=None) as bench:
        assert bench.n == bench.app.counts.ngrams.n == 3


async def test_of_several_quick_changes_the_last_is_counted(words_file: Path):
    async with workbench(words_file) as bench:
        await bench.press("]", "]", "]", "[", "]", "]")
        await bench.counted()
        await bench.workers()
        assert bench.n == bench.app.counts.ngrams.n == 6


async def test_another_n_ends_the_run_and_says_so(words_file: Path):
    async with workbench(words_file, recipe=ENDLESS) as bench:
        await bench.press("s", "s")
        await bench.steps(2)
        for by in (1, -1, 1):  # before the thread has left the run
            bench.app.action_change_order(by)
        await bench.phase(Phase.IDLE)
        assert len(bench.notifications) == 1
        await bench.press("s")
        await bench.steps(1)
        assert bench.app.session.snapshot.recipe == ENDLESS.with_(n=3)


# The panes


async def test_a_narrow_screen_shows_one_pane_under_tabs(words_file: Path):
    async with workbench(words_file, size=NARROW) as bench:
        assert panes_seen(bench) == ["dataset"]
        for key, pane in (("2", "training"), ("3", "generator"), ("1", "dataset")):
            await bench.press(key)
            assert panes_seen(bench) == [pane]
            assert bench.app.query_one(Tabs).active == pane
            assert bench.app.focused is not None
            assert bench.app.query_one(f"#{pane}") in bench.app.focused.ancestors


async def test_a_click_on_a_tab_goes_to_its_pane(words_file: Path):
    async with workbench(words_file, size=NARROW) as bench:
        for pane in ("generator", "dataset", "training"):
            assert await bench.pilot.click(f"Tab#{pane}")
            await bench.until(lambda pane=pane: panes_seen(bench) == [pane], pane)
            assert bench.app.focused is not None
            assert bench.app.query_one(f"Pane#{pane}") in bench.app.focused.ancestors


async def test_a_wide_screen_shows_three_panes_together_and_the_others_alone(words_file: Path):
    together = ["dataset", "training", "generator"]
    async with workbench(words_file, size=WIDE) as bench:
        assert panes_seen(bench) == together
        for pane in together:
            assert bench.app.query_one(f"Pane#{pane}").region in bench.app.screen.region
        for number, name in enumerate(("explorer", "lens", "roads", "smoothing"), 4):
            await bench.press(f"{number}")
            assert panes_seen(bench) == [name]
        await bench.press("2")
        assert panes_seen(bench) == together


async def test_zoom_gives_a_pane_the_screen_and_the_others_theirs_back(words_file: Path):
    async with workbench(words_file, size=WIDE) as bench:
        await bench.press("3", "z")
        assert panes_seen(bench) == ["generator"]
        assert bench.app.query_one("#generator").outer_size.width == WIDE[0]
        await bench.press("2")
        assert panes_seen(bench) == ["training"]
        await bench.press("z")
        assert panes_seen(bench) == ["dataset", "training", "generator"]


async def test_the_pane_follows_the_focus(words_file: Path):
    async with workbench(words_file, size=WIDE) as bench:
        assert await bench.pilot.click("#log")
        await bench.until(lambda: bench.app.pane == 1, "the clicked pane")
        await bench.press("tab")
        await bench.until(lambda: bench.app.pane == 2, "the next pane")
        await bench.press("shift+tab", "z")
        assert panes_seen(bench) == ["training"]


# Keys, help, palette


async def test_help_lists_every_key_of_the_pane_and_of_the_app(words_file: Path):
    async with workbench(words_file, size=(120, 60)) as bench:
        for pane, close in zip(PANES, cycle(("escape", "?", "q")), strict=False):
            await bench.press(f"{pane.NUMBER}", "?")
            await bench.screen(HelpScreen)
            shown = bench.shown("#keys Static").splitlines()
            own = bindings_of(bench.app.query_one(pane))
            taken = {binding.key for binding in own}
            for binding in [*own, *(one for one in bindings_of(bench.app) if one.key not in taken)]:
                [line] = [row for row in shown if binding.description in row]
                assert binding.tooltip.split()[0] in line
                key = binding.key_display or format_key(binding.key.split(",")[0])
                assert key in line.split()
            await bench.press(close)
            assert not isinstance(bench.app.screen, HelpScreen)
            assert bench.app.pane == PANES.index(pane)
            assert bench.app.return_code is None


async def test_help_fits_a_small_screen(words_file: Path):
    async with workbench(words_file, size=NARROW) as bench:
        await bench.press("?")
        await bench.screen(HelpScreen)
        frame = bench.app.screen.query_one("#help")
        assert frame.region in bench.app.screen.region
        last = bindings_of(bench.app)[-1].description
        await bench.press("end")
        await bench.until(lambda: frame.scroll_y == frame.max_scroll_y, "the end of the help")
        keys = bench.app.screen.query_one("#keys Static")
        assert keys.region.bottom <= frame.region.bottom
        assert last in bench.shown("#keys Static")


async def test_every_key_has_a_tooltip_and_a_command(words_file: Path):
    async with workbench(words_file) as bench:
        listed = list(bench.app.get_system_commands(bench.app.screen))
        commands = {one.title: one.help for one in listed}
        assert len(commands) == len(listed)
        for owner in (bench.app, *bench.app.query("Pane")):
            for binding in bindings_of(owner):
                assert binding.tooltip
                assert binding.tooltip in commands[binding.description]


async def test_a_command_of_the_palette_runs(words_file: Path):
    async with workbench(words_file) as bench:
        await bench.press("ctrl+p", *"raise n")
        await bench.until(lambda: "Raise n" in bench.shown(), "the command")
        await bench.press("down", "enter")
        await bench.until(lambda: bench.n == 3, "n=3")


@pytest.mark.parametrize("size", [(40, 24), (60, 20), NARROW, WIDE])
async def test_the_footer_has_seven_keys_or_those_there_is_room_for(
    size: tuple[int, int], words_file: Path
):
    every = [f"{one.key_display or one.key} {one.description}" for one in KEYS if one.show]
    async with workbench(words_file, size=size) as bench:
        for number in "123":
            await bench.press(number)
            shown = keys_shown(bench)
            assert shown == [*every[: len(shown) - 2], *every[-2:]]
            assert (shown == every) is (size[0] >= NARROW[0])
            assert len(every) == 7


async def test_a_click_on_a_key_of_the_footer_presses_it(words_file: Path):
    async with workbench(words_file, size=WIDE) as bench:
        [row] = rows(bench.app.screen.query_one(KeyBar))
        await bench.pilot.click(KeyBar, offset=(row.index("Help"), 0))
        await bench.screen(HelpScreen)


# The way out


async def test_quitting_while_a_corpus_is_loaded(tmp_path: Path):
    silent = tmp_path / "pipe"
    os.mkfifo(silent)
    async with workbench(silent, wait=False) as bench:
        await bench.until(lambda: bench.app.activity, "the loading")
        await bench.press("q")
        assert bench.app.return_code == 0
    os.close(os.open(silent, os.O_WRONLY))  # nothing reads for ever


@pytest.mark.parametrize("speed", ["a pace", "full speed"])
async def test_quitting_while_training(speed: str, words_file: Path):
    async with workbench(words_file, recipe=ENDLESS) as bench:
        if speed == "full speed":
            await bench.press("f")
        await bench.press("space")
        await bench.steps(1)
        await bench.press("q")
        assert bench.app.return_code == 0


@pytest.mark.parametrize(
    ("key", "screen"), [("e", RecipeForm), ("o", OpenCorpusScreen), ("?", HelpScreen)]
)
async def test_quitting_from_a_modal(key: str, screen: type, words_file: Path):
    async with workbench(words_file, recipe=ENDLESS) as bench:
        await bench.press("space", key)
        await bench.screen(screen)
        await bench.press("ctrl+q")
        assert bench.app.return_code == 0


# The screen


async def test_resizing_while_training(words_file: Path):
    async with workbench(words_file, recipe=ENDLESS, size=NARROW) as bench:
        await bench.press("f", "g", "2", "space")
        for size in (WIDE, (40, 12), (300, 100), (1, 1), NARROW):
            await bench.pilot.resize_terminal(*size)
            await bench.steps(bench.app.session.snapshot.step + 1)
            pulled = bench.app.snapshot.step
            await bench.until(lambda pulled=pulled: bench.app.snapshot.step > pulled, "a pull")
            assert tuple(bench.app.size) == size
            for pane in bench.app.query("Pane"):
                rows(pane)
        assert bench.app.session.snapshot.phase is Phase.RUNNING


async def test_garbage_waits_until_nobody_types(words_file: Path, monkeypatch: pytest.MonkeyPatch):
    whole: list[str] = []
    looks: list[int] = []

    def note(phase: str, about: dict[str, int]) -> None:
        if about["generation"] == 2:
            whole.append(phase)

    monkeypatch.setattr(tui.workbench, "QUIET_SECONDS", 1000)
    async with workbench(words_file) as bench:
        await bench.press("2", "4")
        gc.callbacks.append(note)
        try:
            while gc.get_count()[2] <= COLLECTION_DUE:  # as any program would take it to be
                garbage: list[object] = []
                garbage.append(garbage)
            bench.app.set_interval(COLLECTION_SECONDS, lambda: looks.append(1))
            await bench.until(lambda: len(looks) > 2, "looks")
            assert not whole
            monkeypatch.setattr(tui.workbench, "QUIET_SECONDS", 0)
            await bench.until(lambda: whole, "a collection of all garbage")
        finally:
            gc.callbacks.remove(note)


async def test_the_theme_is_remembered(words_file: Path):
    async with workbench(words_file, recipe=QUICK) as bench:
        bench.app.theme = "nord"
        await bench.until(lambda: settings.load()[0].theme == "nord", "the theme on disk")
    async with workbench(words_file, recipe=None) as bench:
        assert bench.app.theme == "nord"
        assert bench.app.recipe == QUICK


async def test_an_unknown_theme_is_ignored(words_file: Path):
    settings.save(settings.Settings("no-such-theme", QUICK))
    async with workbench(words_file, recipe=None) as bench:
        assert bench.app.theme in bench.app.available_themes


async def test_no_color_gives_the_terminals_own_colours(
    words_file: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("NO_COLOR", "1")
    settings.save(settings.Settings("nord", QUICK))
    async with workbench(words_file, recipe=None) as bench:
        assert bench.app.current_theme.name.startswith("ansi")
        bench.app.theme = "textual-light"
        await bench.workers()
    assert settings.load()[0].theme == "nord"
