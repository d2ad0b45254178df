"""The generator pane: words from both models on the same draws."""

from dataclasses import replace
from pathlib import Path

import pytest
from generating import draw, edit, pane, source, table
from rich.text import Text
from workbench import ENDLESS, cells, workbench

from model.corpus import Corpus
from model.counts import CountModel
from model.draws import Draws
from model.ngrams import count
from model.sampling import parting, sample, trace
from model.session import Phase
from tui.messages import DrawingFailed, WordsDrawn
from tui.panes.generator import MOST_ROWS, SOURCES
from tui.screens.forms import Form
from tui.screens.trace import TraceScreen

# Drawing


async def test_g_draws_from_the_counts(words_file: Path, corpus: Corpus):
    async with workbench(words_file) as bench:
        assert table(bench).row_count == 0
        await bench.press("3", "enter", "y", "w", "n", "n", "]")
        await bench.counted()
        assert bench.app.clipboard == ""
        assert not isinstance(bench.app.screen, Form | TraceScreen)
        drawing = (await draw(bench)).drawing
        expected = sample(CountModel(count(corpus, 3)), pane(bench).draws)
        assert list(drawing.samples["counts"]) == list(expected)
        assert [row[1] for row in cells(table(bench))] == expected.words
        assert [row[2] for row in cells(table(bench))] == [f"{nll:.2f}" for nll in expected.nlls]
        assert bench.app.pane == 2
        assert bench.app.focused is table(bench)


async def test_without_a_network_there_is_nothing_to_draw_from_it(words_file: Path):
    async with workbench(words_file) as bench:
        await draw(bench)
        await bench.press("c")
        failure = await bench.message(DrawingFailed)
        note = await bench.notification()
        assert (note.message, note.severity) == (failure.reason, "error")


async def test_each_source_draws_from_its_models(words_file: Path):
    async with workbench(words_file) as bench:
        await bench.train()
        for name in ("network", "both", "counts"):
            drawing = (await draw(bench, "c")).drawing
            assert pane(bench).source == name
            assert tuple(drawing.samples) == SOURCES[name]
            network = bench.app.session.trained().result(timeout=60).network
            for one, words in drawing.samples.items():
                model = bench.app.counts if one == "counts" else network
                assert words.words == sample(model, pane(bench).draws).words


async def test_both_draw_alike_and_where_they_part_is_marked(words_file: Path):
    async with workbench(words_file) as bench:
        await bench.press("s")
        await bench.steps(1)
        await source(bench, "both")
        drawing = (await draw(bench)).drawing
        columns = {
            column.label.plain: list(table(bench).get_column(key))
            for key, column in table(bench).columns.items()
        }
        parted = 0
        for index in range(table(bench).row_count):
            row = [columns[name][index] for name in ("counts", "network")]
            words = [drawing.samples[name].words[index] for name in ("counts", "network")]
            place = parting(*words)
            for cell, word in zip(row, words, strict=True):
                assert isinstance(cell, Text)
                marks = [span.start for span in cell.spans if "reverse" in str(span.style)]
                assert marks == ([] if place is None else [place])
                assert cell.plain.startswith(word[: len(word) if place is None else place])
            if place is not None:
                parted += 1
                traces = [trace(model, drawing.draws, index) for model in drawing.models.values()]
                first, second = ([one.uniform for one in story] for story in traces)
                assert first[: place + 1] == second[: place + 1]
                assert [one.choice for one in traces[0][:place]] == [
                    one.choice for one in traces[1][:place]
                ]
                assert traces[0][place].choice != traces[1][place].choice
        assert parted


async def test_a_network_is_sampled_while_it_trains(words_file: Path):
    async with workbench(words_file, recipe=ENDLESS) as bench:
        await bench.press("f", "space")
        await bench.steps(1)
        drawing = (await draw(bench, "c")).drawing
        step = bench.app.session.snapshot.step
        words = list(drawing.samples["network"])
        await bench.steps(step + 100)
        assert bench.app.session.snapshot.phase is Phase.RUNNING
        assert list(sample(drawing.models["network"], drawing.draws)) == words


async def test_the_last_of_several_drawings_stays(words_file: Path):
    async with workbench(words_file) as bench:
        # Until this is counted, the session has no network to give.
        busy = Corpus("large", "".join(f"{number:x}\n" for number in range(1_000_000)))
        bench.app.session.start(busy, ENDLESS, paused=True)
        await bench.press("3", "c", "c", "c")
        assert pane(bench).source == "counts"
        await bench.workers()
        await bench.until(lambda: len(bench.posted(WordsDrawn)) >= 1, "words")
        assert tuple(pane(bench).drawing.samples) == SOURCES["counts"]


async def test_d_draws_with_the_next_seed(words_file: Path):
    async with workbench(words_file) as bench:
        before = (await draw(bench)).drawing
        after = (await draw(bench, "d")).drawing
        assert after.draws == replace(before.draws, seed=before.draws.seed + 1)
        assert after.samples["counts"].words != before.samples["counts"].words
        assert f"{after.draws.seed}" in bench.shown("#draws")


async def test_new_words_are_told_and_shown_and_copied_alone(
    words_file: Path, words: tuple[str, ...]
):
    async with workbench(words_file) as bench:
        await bench.press("]", "]")
        await bench.counted()
        drawn = (await draw(bench)).drawing.samples["counts"].words
        new = [word for word in drawn if word not in words]
        assert 0 < len(new) < len(drawn)
        notes: dict[bool, set[str]] = {True: set(), False: set()}
        for row in cells(table(bench)):
            notes[row[1] in words].add(row[-1])
        assert len(notes[True]) == len(notes[False]) == 1
        assert notes[True] != notes[False]
        for shown in (new, drawn):
            await bench.press("n")
            assert [row[1] for row in cells(table(bench))] == shown
            await bench.press("y")
            assert bench.app.clipboard == "\n".join(shown)
        assert not any("copied" in note.message.lower() for note in bench.notifications)
        assert len(bench.notifications) == 2


# The form


async def test_the_form_changes_what_is_drawn(words_file: Path):
    async with workbench(words_file) as bench:
        await edit(bench)
        changes = {
            "count": "7",
            "seed": "3",
            "temperature": "0.5",
            "top_k": "4",
            "prefix": "el",
            "max_length": "6",
        }
        for name, value in changes.items():
            await bench.fill(f"#{name}", value)
        await bench.press("enter")
        drawing = (await bench.message(WordsDrawn)).drawing
        draws = Draws(count=7, seed=3, temperature=0.5, top_k=4, prefix="el", max_length=6)
        assert drawing.draws == draws == pane(bench).draws
        assert drawing.samples["counts"].words == sample(bench.app.counts, draws).words
        assert all(word.startswith("el") for word in drawing.samples["counts"].words)
        await edit(bench)
        await bench.fill("#top_k", "")
        await bench.press("enter")
        assert (await bench.message(WordsDrawn, 2)).drawing.draws == replace(draws, top_k=None)


async def test_what_cannot_be_drawn_is_not_accepted(words_file: Path):
    wrong = [
        ("count", "0"),
        ("count", "ten"),
        ("count", f"{10**15}"),
        ("seed", "-1"),
        ("seed", f"{2**63}"),
        ("temperature", "0"),
        ("temperature", "nan"),
        ("temperature", "warm"),
        ("top_k", "0"),
        ("top_k", "some"),
        ("prefix", "Ω"),
        ("prefix", "em ma"),
        ("max_length", "0"),
    ]
    async with workbench(words_file, size=(80, 24)) as bench:
        before = pane(bench).draws
        await edit(bench)
        for field, value in wrong:
            await bench.fill(f"#{field}", value)
            names = f"{field}-error", "error"
            assert any(bench.app.screen.query_one(f"#{name}").display for name in names)
            await bench.press("enter")
            assert isinstance(bench.app.screen, Form)
            await bench.fill(f"#{field}", "" if field == "prefix" else "1")
        await bench.press("escape")
        assert pane(bench).draws == before
        assert not bench.posted(WordsDrawn)


async def test_a_prefix_that_the_new_corpus_does_not_know_is_told(words_file: Path, tmp_path: Path):
    other = tmp_path / "other.txt"
    other.write_text("xxx\n")
    async with workbench(words_file) as bench:
        await edit(bench)
        await bench.fill("#prefix", "em")
        await bench.press("enter")
        await bench.message(WordsDrawn)
        bench.app.open_corpus(str(other))
        await bench.until(lambda: bench.app.corpus.name == "other.txt", "the other corpus")
        await bench.counted()
        assert table(bench).row_count == 0
        await bench.press("enter")
        assert not isinstance(bench.app.screen, TraceScreen)
        await bench.press("g")
        failure = await bench.message(DrawingFailed)
        assert "em" in failure.reason


async def test_many_words_are_drawn_and_the_first_are_shown(words_file: Path):
    async with workbench(words_file) as bench:
        await edit(bench)
        await bench.fill("#count", f"{MOST_ROWS + 1}")
        await bench.press("enter")
        drawing = (await bench.message(WordsDrawn)).drawing
        await bench.until(lambda: table(bench).row_count, "the words")
        assert len(drawing.samples["counts"]) == MOST_ROWS + 1
        assert table(bench).row_count == MOST_ROWS


# Out of the app


async def test_w_writes_the_words_to_a_new_file(words_file: Path, tmp_path: Path):
    async with workbench(words_file) as bench:
        drawn = (await draw(bench)).drawing.samples["counts"].words
        await bench.press("w")
        await bench.screen(Form)
        path = tmp_path / "drawn.txt"
        await bench.fill("#path", str(path))
        await bench.press("enter")
        note = await bench.notification()
        assert path.read_text(encoding="utf-8") == "".join(f"{word}\n" for word in drawn)
        assert note.severity == "information"
        assert str(path) in note.message


async def test_what_cannot_be_a_new_file_is_not_accepted(words_file: Path, tmp_path: Path):
    before = words_file.read_bytes()
    nowhere = tmp_path / "no" / "directory.txt"
    wrong = [words_file, tmp_path, nowhere, "", "~no-such-user/words.txt", "x" * 300]
    async with workbench(words_file) as bench:
        await draw(bench)
        await bench.press("w")
        await bench.screen(Form)
        for path in wrong:
            await bench.fill("#path", str(path))
            await bench.press("enter")
            assert isinstance(bench.app.screen, Form)
            assert bench.app.screen.query_one("#path-error").display
        await bench.press("escape")
        await bench.workers()
        assert not bench.notifications
    assert words_file.read_bytes() == before


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a file system without files")
async def test_a_file_that_cannot_be_written_is_told(words_file: Path):
    async with workbench(words_file) as bench:
        await draw(bench)
        await bench.press("w")
        await bench.screen(Form)
        await bench.fill("#path", "/proc/words.txt")
        await bench.press("enter")
        note = await bench.notification()
        assert note.severity == "error"
        assert "/proc/words.txt" in note.message
