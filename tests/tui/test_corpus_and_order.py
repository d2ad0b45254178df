"""What is open: the corpus, and the order that it is counted at."""

from pathlib import Path
from threading import Event

import pytest
from workbench import ENDLESS, QUICK, workbench

from model import ngrams
from model.corpus import Corpus
from model.counts import CountModel
from model.ngrams import Ngrams, count
from model.order import ORDERS
from model.session import Phase
from tui.messages import CorpusCounted, CorpusLoaded, CorpusRefused

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


async def test_an_order_that_cannot_be_counted_holds_up_no_other(
    words_file: Path, monkeypatch: pytest.MonkeyPatch
):
    began, seen = Event(), Event()

    def fails_at_3(corpus: Corpus, n: int) -> Ngrams:
        if n == 3:
            began.set()
            assert seen.wait(60)
            raise RuntimeError("can't allocate memory")
        return count(corpus, n)

    async with workbench(words_file) as bench:
        monkeypatch.setattr(ngrams, "count", fails_at_3)
        await bench.press("]")
        await bench.until(began.is_set)
        await bench.press("]")
        seen.set()
        assert "allocate" in (await bench.notification()).message
        await bench.counted()
        assert bench.n == bench.app.counts.ngrams.n == 4


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
