"""Words, names and messages that a terminal or Textual would obey are shown, and do nothing."""

import unicodedata
from pathlib import Path

import pytest
from textual.events import Paste
from textual.widgets import DataTable, DirectoryTree
from workbench import Bench, cells, workbench

from model.alphabet import visible
from model.corpus import Corpus, parse
from tui.messages import CorpusCounted, CorpusLoaded, CorpusRefused, DrawingFailed, WordsDrawn
from tui.screens.forms import Form
from tui.screens.open_corpus import OpenCorpusScreen
from tui.screens.trace import TraceScreen

NASTY = (
    "[bold]x",
    "[/]",
    "[/bold]",
    "[red",
    "[@click=app.quit]q[/]",
    "[link=file:///]l",
    "\\[b]",
    "a.b",
    "$primary",
    "\x1b[31mred",
    "\x1b]0;title\x07t",
    "\x9b31mc1",
    "bell\x07",
    "back\x08space",
    "ze\x00ro",
    "de\x7fl",
    "\u202egnirts",
    "\u2066i\u2069",
    "zero\u200bwidth",
    "join\u200der",
    "so\xadft",
    "\ufeffbom",
    "ne\x85xt",
    "li\u2028ne",
    "tag\U000e0041",
    "nb\xa0sp",
    "wide漢字",
    "👩\u200d🚀",
)
OBEYED = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def nasty_corpus(name: str = "nasty") -> Corpus:
    return parse("\n".join(NASTY).encode(), name)


def check_that_nothing_is_obeyed(bench: Bench) -> None:
    """No cell of the screen holds a character that a terminal would obey, or not show."""
    for widget in bench.widgets():
        for strip in widget.render_lines(widget.outer_size.region):
            for segment in strip:
                assert not segment.control
                bad = [one for one in segment.text if unicodedata.category(one) in OBEYED]
                assert not bad, f"{bad} in {segment.text!r} of {widget}"


async def told(bench: Bench, text: str) -> None:
    """Wait until the user has been told of `text`, and see that it was shown."""
    await bench.until(lambda: bench.notifications, "a notification")
    shown = "".join("".join(line.split()) for line in bench.shown().splitlines())
    assert "".join(visible(text).split()) in shown
    check_that_nothing_is_obeyed(bench)


def test_the_sample_is_nasty():
    categories = {unicodedata.category(one) for word in NASTY for one in word}
    assert {"Cc", "Cf", "Zl"} <= categories


async def test_the_dataset_pane_shows_any_words():
    async with workbench(corpus=nasty_corpus(), size=(120, 60)) as bench:
        check_that_nothing_is_obeyed(bench)
        shown = bench.shown("#facts")
        assert "[bold]x" in shown
        labels = bench.shown("#alphabet")
        for character in ("[", "\u241b", "\\u202e", "\\u200b"):
            assert character in labels


async def test_any_words_are_drawn_and_traced():
    async with workbench(corpus=nasty_corpus("[bold]\x1b[31m"), size=(160, 50)) as bench:
        # At n=10 the counts know nothing but the words of the corpus.
        await bench.press(*["]"] * 8)
        await bench.counted()
        await bench.train()
        await bench.press("3", "e")
        await bench.screen(Form)
        await bench.fill("#count", "150")
        await bench.press("enter", "c", "c")
        await bench.until(
            lambda: any(len(one.drawing.samples) == 2 for one in bench.posted(WordsDrawn)),
            "words of both",
        )
        await bench.workers()
        drawing = bench.posted(WordsDrawn)[-1].drawing
        table = bench.app.query_one("#words", DataTable)
        drawn = drawing.samples["counts"].words
        assert set(drawn) == set(bench.app.corpus.words)
        for word, row in zip(drawn, cells(table), strict=True):
            assert row[1].replace("▸", "") in (visible(word), f"{visible(word)}.")
        check_that_nothing_is_obeyed(bench)

        await bench.press("enter")
        await bench.screen(TraceScreen)
        alphabet = bench.app.corpus.alphabet
        seen: set[str] = set()
        for word in drawn[:30]:
            if word not in seen:
                seen.add(word)
                steps = bench.app.screen.query_one("#steps", DataTable)
                choices = [alphabet.label(token) for token in alphabet.encode(word)]
                assert [row[1] for row in cells(steps)] == [*choices, "."]
                assert visible(word) in bench.shown("#trace")
                check_that_nothing_is_obeyed(bench)
            await bench.press("right")
        assert len(seen) > 10


async def test_the_log_shows_any_words():
    async with workbench(corpus=nasty_corpus(), size=(300, 40)) as bench:
        await bench.train()
        await bench.press("2", "z")
        samples = bench.app.snapshot.reports[-1].samples
        assert any(visible(word) != word for word in samples)
        for word in samples:
            assert visible(word) in bench.shown("#log")
        check_that_nothing_is_obeyed(bench)


async def test_names_that_are_refused_are_told_as_they_are(
    words_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    names = ("[bold]no", "[/]", "\x1b[31m.txt", "\u202etxt.no", "[@click=app.quit]q")
    async with workbench(words_file, size=(120, 40)) as bench:
        for number, name in enumerate(names, start=1):
            bench.app.open_corpus(name)
            await bench.message(CorpusRefused, number)
            await told(bench, name)


@pytest.mark.parametrize("name", ["[bold]x.txt", "\x1b[31m\u202ex"])
async def test_files_of_any_name_are_listed_and_opened(
    name: str, words_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    place = tmp_path / "work"
    place.mkdir()
    (place / name).write_text("word\n")
    monkeypatch.chdir(place)
    async with workbench(words_file, size=(120, 40)) as bench:
        await bench.press("s")
        await bench.steps(1)
        await bench.press("o")
        await bench.screen(OpenCorpusScreen)
        tree = bench.app.screen.query_one(DirectoryTree)
        await bench.until(lambda: tree.root.children, "the file")
        assert visible(name) in bench.shown("#files")
        check_that_nothing_is_obeyed(bench)
        await bench.press("tab", "tab", "down", "enter")
        await bench.message(CorpusLoaded, 2)
        await bench.message(CorpusCounted, 2)
        assert bench.app.corpus.name == name
        assert visible(name) in bench.shown("#facts")
        await told(bench, name)


async def test_a_prefix_of_any_characters_is_told_as_it_is(words_file: Path):
    async with workbench(words_file, size=(120, 40)) as bench:
        await bench.press("3", "e")
        await bench.screen(Form)
        for prefix in ("[bold]", "[/]", "[@click=app.quit]q"):
            await bench.fill("#prefix", prefix)
            assert visible(prefix) in "".join(bench.shown("#prefix-error").split())


async def test_what_is_pasted_into_a_field_is_not_obeyed(words_file: Path):
    async with workbench(words_file) as bench:
        await bench.press("3", "e")
        await bench.screen(Form)
        bench.app.screen.query_one("#prefix").focus()
        bench.app.post_message(Paste("\x1b[31m\u202e"))
        await bench.press("a")
        await bench.until(lambda: "a" in bench.shown("#prefix"), "what was typed last")
        check_that_nothing_is_obeyed(bench)


async def test_a_prefix_that_became_unknown_is_told_as_it_is(tmp_path: Path):
    nasty, plain = tmp_path / "nasty.txt", tmp_path / "plain.txt"
    nasty.write_bytes(nasty_corpus().text.encode())
    plain.write_text("word\n")
    async with workbench(nasty, size=(120, 40)) as bench:
        await bench.press("3", "e")
        await bench.screen(Form)
        await bench.fill("#prefix", "[red")
        await bench.press("enter")
        await bench.message(WordsDrawn)
        assert "[red" in bench.shown("#draws")
        bench.app.open_corpus(str(plain))
        await bench.message(CorpusCounted, 2)
        await bench.press("g")
        await bench.message(DrawingFailed)
        await told(bench, "[red")


async def test_a_file_of_any_name_is_written_and_told_as_it_is(words_file: Path, tmp_path: Path):
    async with workbench(words_file, size=(160, 40)) as bench:
        await bench.press("g")
        await bench.message(WordsDrawn)
        await bench.workers()
        await bench.press("w")
        await bench.screen(Form)
        path = tmp_path / "[bold]x[y.txt"
        await bench.fill("#path", str(path))
        await bench.press("enter")
        await told(bench, path.name)
        assert path.exists()
