"""The screen that opens a corpus: search, gallery, files, a typed path."""

from pathlib import Path

import pytest
from textual.widgets import DirectoryTree, Input, OptionList
from workbench import Bench, workbench

from model.corpus import GALLERY
from tui.messages import CorpusCounted, CorpusLoaded, CorpusRefused
from tui.screens.open_corpus import OpenCorpusScreen


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with two corpora and one below."""
    place = tmp_path / "lists"
    (place / "below").mkdir(parents=True)
    for name in ("alpha.txt", "beta.txt", "below/gamma.txt"):
        (place / name).write_text(f"{Path(name).stem}\nword\n")
    monkeypatch.chdir(place)
    return place


async def ask(bench: Bench) -> None:
    await bench.press("o")
    await bench.screen(OpenCorpusScreen)
    await bench.until(lambda: files(bench), "the files")


def gallery(bench: Bench) -> OptionList:
    return bench.app.screen.query_one("#gallery", OptionList)


def offered(bench: Bench) -> list[str]:
    return [str(option.prompt) for option in gallery(bench).options]


def files(bench: Bench) -> list[str]:
    tree = bench.app.screen.query_one(DirectoryTree)
    return [str(node.label) for node in tree.root.children]


async def opened(bench: Bench) -> str:
    """The name of the corpus that is opened next."""
    message = await bench.message(CorpusLoaded, 2)
    await bench.message(CorpusCounted, 2)
    assert not isinstance(bench.app.screen, OpenCorpusScreen)
    assert bench.app.corpus is message.corpus
    return message.corpus.name


async def test_everything_is_offered(words_file: Path, directory: Path):
    async with workbench(words_file) as bench:
        await ask(bench)
        assert offered(bench) == list(GALLERY)
        assert files(bench) == ["below", "alpha.txt", "beta.txt"]
        assert isinstance(bench.app.focused, Input)
        await bench.press("enter")
        assert bench.app.focused is gallery(bench)
        await bench.press("shift+tab", *"gqz")
        assert bench.app.screen.query_one(Input).value == "gqz"
        assert bench.app.return_code is None


async def test_the_search_narrows_both_lists_and_enter_takes_the_first(
    words_file: Path, directory: Path
):
    async with workbench(words_file) as bench:
        await ask(bench)
        await bench.press(*"GERMAN")
        assert offered(bench) == ["german-first-names", "german-last-names"]
        await bench.until(lambda: files(bench) == ["below"], "no file")
        await bench.press("enter")
        assert await opened(bench) == "german-first-names"


async def test_a_built_in_corpus_is_chosen_in_the_gallery(words_file: Path, directory: Path):
    async with workbench(words_file) as bench:
        await ask(bench)
        await bench.press(*"danish", "tab", "down", "enter")
        assert await opened(bench) == "danish-last-names"


async def test_a_file_is_chosen_in_the_tree(words_file: Path, directory: Path):
    async with workbench(words_file) as bench:
        await ask(bench)
        await bench.press("tab", "tab")
        assert isinstance(bench.app.focused, DirectoryTree)
        await bench.press("down", "down", "down", "enter")
        assert await opened(bench) == "beta.txt"


async def test_the_search_finds_files_and_backspace_goes_up(words_file: Path, directory: Path):
    async with workbench(words_file) as bench:
        await ask(bench)
        await bench.press(*"beta")
        await bench.until(lambda: files(bench) == ["below", "beta.txt"], "the file")
        assert offered(bench) == []
        await bench.fill("Input", "lists")
        await bench.press("tab", "tab", "backspace")
        await bench.until(lambda: "lists" in files(bench), "the directory above")


@pytest.mark.parametrize("path", ["below/gamma.txt", "../lists/./alpha.txt", "~/beta.txt"])
async def test_a_typed_path_is_opened(
    path: str, words_file: Path, directory: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HOME", str(directory))
    async with workbench(words_file) as bench:
        await ask(bench)
        await bench.fill("Input", path)
        await bench.press("enter")
        assert await opened(bench) == Path(path).name


async def test_what_is_not_there_is_not_taken(words_file: Path, directory: Path):
    async with workbench(words_file) as bench:
        await ask(bench)
        frame = bench.app.screen.query_one("#open")
        for typed in (
            "no-such-file.txt",
            "~no-such-user/words.txt",
            "x" * 300,
            "[bold",
        ):
            await bench.fill("Input", typed)
            assert not frame.border_subtitle
            await bench.press("enter")
            assert isinstance(bench.app.screen, OpenCorpusScreen)
            assert frame.border_subtitle
        await bench.fill("Input", "/dev/null")
        await bench.press("enter")
        assert "/dev/null" in (await bench.message(CorpusRefused)).reason
        assert len(bench.posted(CorpusLoaded)) == 1


async def test_a_typed_directory_is_looked_into(words_file: Path, directory: Path):
    async with workbench(words_file) as bench:
        await ask(bench)
        await bench.fill("Input", "below")
        await bench.press("enter")
        await bench.until(lambda: files(bench) == ["gamma.txt"], "the directory")
        await bench.press("down", "enter")
        assert await opened(bench) == "gamma.txt"


async def test_escape_leaves_what_was_open(words_file: Path, directory: Path):
    async with workbench(words_file) as bench:
        before = bench.app.corpus, bench.app.counts
        await ask(bench)
        await bench.press(*"german", "escape")
        await bench.until(lambda: not isinstance(bench.app.screen, OpenCorpusScreen), "closing")
        await bench.workers()
        assert (bench.app.corpus, bench.app.counts) == before
        assert len(bench.posted(CorpusLoaded)) == 1
