"""What the tests of the generator do with it."""

from textual.widgets import DataTable
from workbench import Bench

from tui.messages import WordsDrawn
from tui.panes.generator import SOURCES, GeneratorPane
from tui.screens.forms import Form


def pane(bench: Bench) -> GeneratorPane:
    return bench.app.query_one(GeneratorPane)


def table(bench: Bench) -> DataTable:
    return bench.app.query_one("#words", DataTable)


async def draw(bench: Bench, key: str = "g") -> WordsDrawn:
    """Press a key that draws, and wait for the words."""
    number = len(bench.posted(WordsDrawn)) + 1
    await bench.press("3", key)
    message = await bench.message(WordsDrawn, number)
    await bench.until(lambda: pane(bench).drawing is message.drawing, "the words")
    return message


async def source(bench: Bench, name: str) -> None:
    """Choose a source."""
    await bench.press("3", *["c"] * list(SOURCES).index(name))
    assert pane(bench).source == name
    await bench.workers()
    drawing = pane(bench).drawing
    assert drawing is not None
    assert tuple(drawing.samples) == SOURCES[name]


async def edit(bench: Bench) -> None:
    """Open the form of what is drawn."""
    await bench.press("3", "e")
    await bench.screen(Form)
