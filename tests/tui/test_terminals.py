"""What the real program writes to terminals of few characters and few colours."""

import json
import os
import re
from pathlib import Path

import pytest
from terminal import PROGRAM, Terminal, terminal
from workbench import QUICK, remember, settle, workbench

from tui import settings
from tui.display import encoding, lacks_characters

SGR = re.compile(r"\x1b\[([\d;]*)m")
OF_16 = {str(first + place) for first in (30, 40, 90, 100) for place in range(8)}
PLAIN = {"", *map(str, range(10)), *map(str, range(21, 30)), "39", "49"}
FROM_C = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def walk(one: Terminal) -> None:
    """See a run, and what of it is in other panes."""
    one.until(r"floor +\d\.\d{4}")
    mark = one.mark()
    one.press("2f ")
    one.until("finished", mark)
    for key, seen in (("4", "rank"), ("6", "identical|part"), ("R", "Runs in")):
        mark = one.mark()
        one.press(key)
        one.until(seen, mark)
    one.until_still()
    one.press("\x11")
    assert one.ends() == 0
    one.check_that_it_is_as_before()


def codes(one: Terminal) -> set[str]:
    """What styles were asked for: single ones, and whole sequences of extended colours."""
    found = set()
    for sequence in SGR.findall(one.written):
        found |= set(re.findall(r"[34]8;(?:2;\d+;\d+;\d+|5;\d+)", sequence))
        found |= set(re.sub(r"[34]8;(?:2;\d+;\d+;\d+|5;\d+)", "", sequence).split(";"))
    return found


@pytest.mark.parametrize("term", ["xterm", "xterm-16color", "linux", "screen"])
def test_a_terminal_of_16_colours_is_sent_no_other(term: str, words_file: Path):
    remember(QUICK)
    with terminal(*PROGRAM, str(words_file), TERM=term) as one:
        walk(one)
        assert codes(one) <= PLAIN | OF_16
        assert codes(one) & OF_16


@pytest.mark.parametrize("term", ["xterm-256color", "tmux-256color", "screen-256color"])
def test_a_terminal_of_256_colours_is_sent_no_other(term: str, words_file: Path):
    remember(QUICK)
    with terminal(*PROGRAM, str(words_file), TERM=term) as one:
        walk(one)
        assert any(code.startswith("38;5;") for code in codes(one))
        assert not any(code[1:].startswith("8;2;") for code in codes(one))


def test_gnu_screen_is_not_believed_to_have_the_colours_around_it(words_file: Path):
    remember(QUICK)
    with terminal(
        *PROGRAM, str(words_file), TERM="screen.xterm-256color", COLORTERM="truecolor"
    ) as one:
        walk(one)
        assert not any(code[1:].startswith("8;2;") for code in codes(one))


def test_without_colour_none_is_sent(words_file: Path):
    remember(QUICK)
    with terminal(*PROGRAM, str(words_file), NO_COLOR="1", COLORTERM="truecolor") as one:
        walk(one)
        assert codes(one) <= PLAIN


@pytest.mark.parametrize(
    "environment",
    [
        {"LC_ALL": "C"},
        FROM_C,
        {"PYTHONIOENCODING": "ascii"},
        {"TERM": "linux"},
        {"TERM": "vt220"},
        {"LC_ALL": "de_DE.ISO-8859-1"},
    ],
    ids=str,
)
def test_ascii_alone_is_sent_where_there_is_no_more(environment: dict[str, str], words_file: Path):
    remember(QUICK)
    with terminal(*PROGRAM, str(words_file), **environment) as one:
        walk(one)
        assert one.written.isascii()


@pytest.mark.parametrize("environment", [{}, {"TERM": "vte-256color"}, {"LC_ALL": "C"}], ids=str)
def test_all_characters_are_sent_where_they_can_be_shown_or_are_wished_for(
    environment: dict[str, str], words_file: Path
):
    remember(QUICK)
    with terminal(*PROGRAM, "--no-ascii", str(words_file), **environment) as one:
        walk(one)
        assert "╭" in one.written
        assert re.search("[\u2801-\u28ff]", one.written), "no braille"


def test_words_are_spelled_out_where_the_encoding_lacks_their_characters(tmp_path: Path):
    (tmp_path / "words").write_text("zoë\nnaïve\n日本\n", encoding="utf-8")
    remember(QUICK)
    for environment, seen in ((FROM_C, r"zo\\xeb"), ({"TERM": "linux"}, "zoë")):
        with terminal(*PROGRAM, str(tmp_path / "words"), **environment) as one:
            one.until(seen)
            one.until(r"\\u65e5" if environment is FROM_C else "日")
            one.press("q")
            assert one.ends() == 0


@pytest.mark.parametrize(("key", "part"), [("2", "#gaps"), ("4", "#table"), ("6", "#cells")])
async def test_what_is_shown_is_spelled_out_while_ascii_is_wished_for(
    key: str, part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "words").write_text("zoë\n", encoding="utf-8")
    monkeypatch.setenv("LC_ALL", "C")
    async with workbench(tmp_path / "words") as bench:
        await bench.train()
        await bench.press(key)
        for _ in range(2):
            await bench.until(lambda: r"\xeb" in bench.shown(part), "its spelling")
            bench.app.action_characters()
            await bench.until(lambda: "ë" in bench.shown(part), "the character")
            assert r"\xeb" not in bench.shown(part)
            bench.app.action_characters()
            await settle(bench.pilot)
            assert bench.shown(part).isascii()


@pytest.mark.parametrize("environment", [{}, {"LC_ALL": "de_DE.ISO-8859-1"}, FROM_C], ids=str)
def test_a_key_that_is_no_utf_8_is_survived(environment: dict[str, str], words_file: Path):
    remember(QUICK)
    with terminal(*PROGRAM, str(words_file), **environment) as one:
        one.until(r"floor +\d\.\d{4}")
        one.press("5")
        one.until("chance")
        os.write(one.keys, b"\xfc\xff\xc3")
        one.until_still()
        one.press("\x11")
        assert one.ends() == 0
        one.check_that_it_is_as_before()


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({}, "utf-8"),
        ({"LC_ALL": "C"}, "ascii"),
        ({"LC_ALL": "POSIX"}, "ascii"),
        ({"LC_CTYPE": "UTF-8"}, "utf-8"),
        ({"LC_CTYPE": "de_DE.ISO-8859-15@euro"}, "iso8859-15"),
        ({"LANG": ""}, "utf-8"),
        ({"LANG": "en_GB.nonsense"}, "ascii"),
        ({"LC_ALL": "en_GB.utf8", "LANG": "C"}, "utf-8"),
    ],
    ids=str,
)
def test_the_encoding_is_the_locales(
    environment: dict[str, str], name: str, monkeypatch: pytest.MonkeyPatch
):
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    assert encoding() == name
    assert lacks_characters() is (name != "utf-8")


async def test_ascii_is_remembered_where_it_is_wished_for(words_file: Path):
    async with workbench(words_file) as bench:
        assert "╭" in bench.shown()
        bench.app.action_characters()
        await bench.until(lambda: bench.shown().isascii(), "ASCII")
        await bench.until(lambda: settings.load()[0].ascii is True, "the wish on disk")
    async with workbench(words_file, recipe=None) as bench:
        assert bench.shown().isascii()
        bench.app.action_characters()
        await bench.until(lambda: settings.load()[0].ascii is None, "no wish")
        assert "╭" in bench.shown()


async def test_a_theme_of_the_terminals_own_is_not_remembered(
    words_file: Path, monkeypatch: pytest.MonkeyPatch
):
    remember(QUICK, "textual-light")
    monkeypatch.setenv("TERM", "xterm-16color")
    async with workbench(words_file, recipe=None) as bench:
        assert bench.app.theme == "ansi-light"
        bench.app.theme = "nord"
        await bench.until(lambda: settings.load()[0].theme == "nord", "the theme on disk")
    async with workbench(words_file, recipe=None) as bench:
        assert bench.app.theme == "ansi-dark"
        assert settings.load()[0].theme == "nord"


@pytest.mark.parametrize("wish", ["ascii", "low_bandwidth"])
@pytest.mark.parametrize("value", ["yes", 1, 0])
def test_what_is_no_wish_is_not_taken_for_one(wish: str, value: object):
    remember(QUICK)
    stored = json.loads(settings.path().read_text())
    settings.path().write_text(json.dumps(stored | {wish: value}))
    found, problem = settings.load()
    assert found == settings.Settings()
    assert problem.startswith(f"{settings.path()} is broken ({wish} is neither true nor false)")
