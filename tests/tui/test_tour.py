"""The guided tour: what starts it, where its stops lead, and whether what they say holds."""

import re
import textwrap
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner
from explorer import place
from textual.widgets import Input
from touring import NUMBERS, holds, panel
from workbench import (
    QUICK,
    workbench,
)

from model.corpus import parse
from model.recipe import RECIPES
from model.session import Phase
from tui import settings
from tui.__main__ import main
from tui.app import MakemoreApp
from tui.tour import STOPS

NOTEBOOK, CONVERGE = (RECIPES[name].with_(device="cpu") for name in ("notebook", "converge"))
# Starting, leaving, moving


async def test_ctrl_t_starts_it_leaves_it_and_takes_it_up_again(words_file: Path):
    async with workbench(words_file) as bench:
        assert not panel(bench)
        await bench.press("ctrl+t")
        assert f"Tour 1/{len(STOPS)} · {STOPS[0].title}" in panel(bench)
        await bench.press(">", ">", ">")
        await holds(bench, 4)
        await bench.press("ctrl+t")
        assert not panel(bench)
        assert "ctrl+t" in (await bench.notification()).message
        await bench.press("escape", "1", "]")
        await bench.counted()
        await bench.press("ctrl+t")
        await holds(bench, 4)
        await bench.workers()
    async with workbench(words_file, recipe=None) as bench:
        assert not panel(bench)
        assert bench.n == 3  # what the user chose, not what the tour did
        await bench.press("ctrl+t")
        await holds(bench, 4)


async def test_it_can_be_asked_for_at_the_start(words_file: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("workbench.MakemoreApp", partial(MakemoreApp, tour=True))
    async with workbench(words_file, recipe=QUICK.with_(n=4)) as bench:
        await holds(bench, 1)
        assert "Tour 1/" in panel(bench)
        await bench.press(">")
        await holds(bench, 2)


async def test_the_palette_starts_it(words_file: Path):
    async with workbench(words_file) as bench:
        await bench.press("ctrl+p", *"guided tour")
        await bench.until(lambda: "Take it up" in bench.shown(), "the command")
        await bench.press("down", "enter")
        await bench.until(lambda: panel(bench), "the tour")
        await bench.press("ctrl+p", *"tour 4")
        await bench.until(lambda: STOPS[3].title in bench.shown(), "the command")
        await bench.press("down", "enter")
        await bench.until(lambda: "Tour 4/" in panel(bench), "stop 4")
        await holds(bench, 4)


def test_the_help_of_the_program_names_it():
    shown = CliRunner().invoke(main, ["--help"]).output
    assert re.search(r"--tour\s+\w+", shown)


async def test_the_whole_tour_there_and_back(words_file: Path):
    async with workbench(words_file, size=(120, 40)) as bench:
        await bench.press("ctrl+t", "<")
        for number in NUMBERS:
            assert f"Tour {number}/{len(STOPS)} · {STOPS[number - 1].title}" in panel(bench)
            assert ("> next" in panel(bench)) is (number < len(STOPS))
            assert ("< back" in panel(bench)) is (number > 1)
            await holds(bench, number)
            await bench.press(">")
        for number in NUMBERS[:7:-1]:
            assert f"Tour {number}/{len(STOPS)}" in panel(bench)
            await holds(bench, number)
            await bench.press("<")
        assert "Tour 8/" in panel(bench)


async def test_its_keys_are_ordinary_ones_without_it():
    corpus = parse(b"a<b>\n<>\na", "angles")
    async with workbench(corpus=corpus) as bench:
        await bench.press(">", "<")
        assert not panel(bench)
        await bench.press("4", "a", "<")
        assert place(bench)[0] == "<"
        await bench.press(">", "/", ">", "<")
        assert bench.app.query_one("#find", Input).value == "><"
        await bench.press("enter", "ctrl+t")
        assert "Tour 1/" in panel(bench)
        await bench.press(">")
        assert "Tour 2/" in panel(bench)
        await bench.press("ctrl+t", "4", ">", "<")
        assert place(bench)[0] == "<"
        assert not panel(bench)


# The texts


def test_the_texts_are_short():
    for stop in STOPS:
        sentences = re.findall(r"[^.]\.(?= |$)", stop.text)
        assert 2 <= len(sentences) <= 4, stop.title
        assert len(textwrap.wrap(stop.text, 76)) <= 4, stop.title


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
async def test_the_texts_are_shown_in_full(size: tuple[int, int], words_file: Path):
    async with workbench(words_file, size=size) as bench:
        await bench.press("ctrl+t")
        for stop in STOPS:
            shown = " ".join(panel(bench).split())
            assert stop.text in shown
            assert stop.title in shown
            await bench.press(">")


@pytest.mark.parametrize("words", ["a", "漢\n字 字"])
async def test_a_list_of_a_few_words_can_be_toured(words: str):
    async with workbench(corpus=parse(words.encode(), "few")) as bench:
        await bench.press("ctrl+t")
        for number in NUMBERS:
            assert f"Tour {number}/" in panel(bench)
            await bench.press(">")
        await bench.phase(Phase.FINISHED)
        await bench.workers()
        assert settings.load()[0].tour == 0
