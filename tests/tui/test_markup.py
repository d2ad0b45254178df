"""Words, names and messages that a terminal or Textual would obey are shown, and do nothing."""

import re
import unicodedata
from pathlib import Path

import pytest
from rich.cells import cell_len
from terminal import PROGRAM, SEQUENCE, terminal
from textual.events import Paste
from textual.widgets import DataTable, DirectoryTree
from workbench import QUICK, Bench, cells, remember, workbench

from model.alphabet import visible
from model.corpus import Corpus, parse
from tui.marked import marked
from tui.messages import CorpusCounted, CorpusLoaded, CorpusRefused, DrawingFailed, WordsDrawn
from tui.panes.explorer import ExplorerPane
from tui.panes.roads import RoadsPane
from tui.screens.forms import Form
from tui.screens.help import HelpScreen
from tui.screens.open_corpus import OpenCorpusScreen
from tui.screens.trace import TraceScreen
from tui.screens.where_from import WhereFromScreen
from tui.widgets.live_table import LiveTable

NASTY = (
    "\x1b[31mred",
    "[bold]x",
    "[/]",
    "[/bold]",
    "[red",
    "[@click=app.quit]q[/]",
    "[link=file:///]l",
    "\\[b]",
    "a.b",
    "$primary",
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
    "\u202dleft\u2067right",
    "heart\u2764\ufe0f",
    "join\u034fer",
    "fil\u3164ler",
    "blank\u2800",
    "variant\U000e0100",
    "\u0301alone",
    "\u20dd",
    "र\u093fया",
    "\u200b\u0301",
    "\u1161",
)
NAME = "[red]\x1b]0;title\x07\x9b[@click=app.quit]x[\u202e\u200b\u0301.txt"


# A mark with nothing to stand on but a frame or a blank.
MELTING = re.compile(r"[\s│┃▸](?=[\u0300-\u036f\u20d0-\u20f0\u093e-\u094d\u1161])")


def nasty_corpus(name: str = "nasty") -> Corpus:
    return parse("\n".join(NASTY).encode(), name)


def check_that_nothing_is_obeyed(bench: Bench) -> None:
    """No line of the screen holds what a terminal would obey, or not show, or show elsewhere."""
    for widget in bench.widgets():
        for strip in widget.render_lines(widget.outer_size.region):
            assert not any(segment.control for segment in strip)
            assert visible(strip.text) == strip.text, widget
            assert not MELTING.search(strip.text), f"{strip.text!r} of {widget}"
            assert cell_len(strip.text) == widget.outer_size.width, f"{strip.text!r} of {widget}"


async def told(bench: Bench, text: str) -> None:
    """Wait until the user has been told of `text`, and see that it was shown."""
    await bench.until(lambda: bench.notifications, "a notification")
    shown = "".join("".join(line.split()) for line in bench.shown().splitlines())
    assert "".join(visible(text).split()) in shown
    check_that_nothing_is_obeyed(bench)


def test_the_sample_is_nasty():
    categories = {unicodedata.category(one) for word in NASTY for one in word}
    assert {"Cc", "Cf", "Zl", "Mn", "Me", "Mc"} <= categories
    assert nasty_corpus().words == list(NASTY)


@pytest.mark.parametrize(("n", "size"), [(2, (200, 60)), (3, (100, 40)), (6, (80, 24))])
async def test_any_words_are_walked_through(n: int, size: tuple[int, int]):
    recipe = QUICK.with_(n=n, steps=3)
    async with workbench(corpus=nasty_corpus(NAME), recipe=recipe, size=size) as bench:
        await bench.train()
        for key in "1234567":
            await bench.press(key)
            await bench.workers()
            check_that_nothing_is_obeyed(bench)
            await bench.press("escape", "question_mark")
            await bench.screen(HelpScreen)
            check_that_nothing_is_obeyed(bench)
            await bench.press("escape")
        await walk_through_the_table(bench)
        await walk_through_the_roads(bench)


async def walk_through_the_table(bench: Bench) -> None:
    """Every view and many cells of the explorer, and the words behind them."""
    explorer = bench.app.query_one(ExplorerPane)
    await bench.press("4")
    assert explorer.counts is not None
    ngrams = explorer.counts.ngrams
    for code in ngrams.codes[:: max(1, len(ngrams.codes) // 6)].tolist():
        explorer.go_to(*divmod(code, len(ngrams.alphabet)))
        await bench.press("V", "enter")
        await bench.screen(WhereFromScreen)
        await bench.until(lambda: "time" in bench.shown("#sum"), "the words")
        check_that_nothing_is_obeyed(bench)
        await bench.press("escape")
        check_that_nothing_is_obeyed(bench)


async def walk_through_the_roads(bench: Bench) -> None:
    """Pairs of words, and how one of them was drawn."""
    roads = bench.app.query_one(RoadsPane)
    await bench.press("6")
    await bench.until(lambda: roads.comparison, "a comparison")
    pairs = roads.query_one("#pairs", LiveTable)
    pairs.focus()
    for row in range(0, 100, 25):
        pairs.move_to(row)
        await bench.press("enter")
        await bench.screen(TraceScreen)
        check_that_nothing_is_obeyed(bench)
        await bench.press("escape")
        check_that_nothing_is_obeyed(bench)


@pytest.mark.parametrize("hidden", ["\u200b", "\u200c", "\u2060", "\U000e0041"], ids=ascii)
async def test_characters_that_look_alike_are_told_apart(hidden: str):
    async with workbench(corpus=parse(f"a{hidden}b".encode(), "w")) as bench:
        await bench.press("5")
        await bench.until(lambda: "end" in bench.shown("#tokens"), "the tokens")
        assert f" {visible(hidden)} " in bench.shown("#tokens")


async def test_a_context_of_wide_characters_is_cut_at_its_beginning():
    word = "一二三四五六七八九十"
    async with workbench(corpus=parse(word.encode(), "w"), recipe=QUICK.with_(n=9)) as bench:
        await bench.press("5")
        await bench.until(lambda: "九" in bench.shown("#tokens"), "the tokens")
        last = bench.shown("#tokens").rstrip().splitlines()[-1]
        assert last.startswith("…")
        assert "九十" in last


async def test_words_whose_letters_are_marked_keep_their_marks():
    word = "हिन्दी"
    async with workbench(corpus=parse(word.encode(), "w"), size=(120, 40)) as bench:
        explorer = bench.app.query_one(ExplorerPane)
        await bench.press("4")
        assert explorer.counts is not None
        for outcome in range(len(explorer.counts.alphabet)):
            [context] = explorer.counts.ngrams.N[:, outcome].nonzero().flatten().tolist()
            explorer.go_to(context, outcome)
            await bench.press("enter")
            await bench.screen(WhereFromScreen)
            await bench.until(lambda: "time" in bench.shown("#sum"), "the word")
            assert f".{word}." in bench.shown("#found").replace("\u25cc", "")
            assert bench.shown("#found").count("\u25cc") <= 1  # under the cursor
            await bench.press("escape")


@pytest.mark.parametrize("place", range(6))
def test_a_word_marked_anywhere_keeps_its_marks(place: int):
    word = "हिन्दी"
    for width in (40, 5, 4):
        text = marked(word, place, width).plain
        assert cell_len(text) <= width
        assert text[0] != "…" or not unicodedata.category(text[1]).startswith("M")
        alone = unicodedata.category(word[place]).startswith("M")
        assert text.count("\u25cc") == alone
        if width == 40:
            assert text.replace("▸", "").replace("\u25cc", "") == word


def test_nothing_of_a_corpus_reaches_the_terminal_raw(tmp_path: Path):
    remember(QUICK.with_(steps=3))
    path = tmp_path / NAME
    path.write_bytes(nasty_corpus().text.encode())
    with terminal(*PROGRAM, str(path)) as one:
        one.until(r"floor +\d\.\d{4}")
        one.press("f ")
        one.until("finished")
        for key, seen in (("g", "NLL"), ("4", "row "), ("5", "uniform"), ("6", "part")):
            mark = one.mark()
            one.press(key)
            one.until(seen, mark)
        mark = one.mark()
        one.press("7")
        one.until("held-out", mark)
        one.press("q")
        assert one.ends() == 0
    assert visible("\x1b[31mred") in one.text
    for raw in ("\x1b[31mred", "\x1b]0;", "\x9b", "\x00", "\x08"):
        assert raw not in one.written
    texts = re.split(r"[\r\n\x07]", SEQUENCE.sub("\n", one.written))
    for text in texts:
        assert text.isprintable(), repr(text)
        assert not any(one in text for one in "\u034f\u3164\ufe0f\U000e0100")


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
        await bench.fill("#count", "400")
        await bench.press("enter", "c", "c")
        await bench.until(
            lambda: any(len(one.drawing.samples) == 2 for one in bench.posted(WordsDrawn)),
            "words of both",
        )
        await bench.workers()
        drawings = (one.drawing for one in bench.posted(WordsDrawn))
        drawing = next(one for one in drawings if len(one.samples) == 2)
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
        samples = list(bench.app.snapshot.reports)[-1].samples
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


@pytest.mark.parametrize("name", ["[bold]x.txt", "\x1b[31m\u202ex", "fil\u3164ler", "two\nlines"])
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
