"""The word lens: every character of a word in the eyes of both models."""

import json
import math
import re
from dataclasses import replace
from pathlib import Path
from threading import Semaphore, current_thread, main_thread

import pytest
from click.testing import CliRunner
from test_markup import NASTY, check_that_nothing_is_obeyed, nasty_corpus
from textual.events import Paste
from textual.widgets import Input
from torch import Tensor
from workbench import ENDLESS, Bench, is_seen, rows, settle, workbench

from model.cli import main
from model.language_model import LanguageModel
from model.recipe import RECIPES
from model.scoring import score
from model.session import Phase
from tui.messages import CellFollowed, WordFollowed
from tui.panes.lens import LensPane
from tui.screens.help import HelpScreen
from tui.widgets.live_table import LiveTable

CONVERGE = RECIPES["converge"].with_(device="cpu")
FIGURES = re.compile(r"([01]\.\d{4}|\de-\d\d) +(\d+) +(\d+\.\d{3})")
LENS = "#lens"


def tokens(bench: Bench) -> LiveTable:
    return bench.app.query_one("#tokens", LiveTable)


def lines(bench: Bench) -> list[str]:
    """What is shown of the tokens, without the head."""
    return [row for row in rows(tokens(bench))[2:] if row.strip()]


def totals(bench: Bench, name: str) -> list[str]:
    line = next(row for row in rows(bench.app.query_one("#totals")) if row.startswith(name))
    return line.split()[-4:]


async def scores(bench: Bench) -> None:
    """Wait until what there is now is scored."""
    await bench.until(
        lambda: all(one.is_finished for one in bench.app.workers if one.group == "scoring"),
        "the scores",
    )


async def look_at(bench: Bench, word: str) -> None:
    """Write a word into the lens."""
    await bench.press("escape", "5")
    await bench.fill("#word", word)
    await scores(bench)


def scored(word: str, source: Path, n: int, model: str) -> dict:
    """What `makemore score` says."""
    arguments = ["score", word, "--corpus", str(source), "-n", f"{n}", "--model", model, "--json"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout.splitlines()[-1])


def check_line(found: tuple[str, str, str] | None, token: dict) -> None:
    if not token["p"]:
        assert found is None
        return
    assert found is not None
    p, _, nats = found
    assert float(p) == pytest.approx(token["p"], abs=6e-5, rel=0.1 if "e" in p else None)
    assert float(nats) == pytest.approx(token["nll"], abs=6e-4)


@pytest.mark.parametrize("n", [2, 3])
async def test_the_figures_are_those_of_makemore_score(names_path: Path, n: int):
    words = ("emma", "andrejq", "zoë")
    async with workbench(names_path, recipe=CONVERGE.with_(n=n)) as bench:
        await bench.train()
        await bench.press("5")
        await bench.until(lambda: bench.app.look and bench.app.look.step == 501, "the last look")
        for word in words:
            await look_at(bench, word)
            by_model = [scored(word, names_path, n, name) for name in ("counts", "one-layer")]
            assert len(lines(bench)) == len(word) + 1
            for row, pair in zip(
                lines(bench), zip(*(each["tokens"] for each in by_model), strict=True), strict=True
            ):
                assert row.startswith(pair[0]["context"])
                assert row.split()[1] == pair[0]["outcome"]
                found = iter(FIGURES.findall(row))
                for token in pair:
                    check_line(next(found) if token["p"] else None, token)
                assert not list(found)
            for name, expected in zip(("counts", "network"), by_model, strict=True):
                nats, per_token, _, perplexity = totals(bench, name)
                if expected["nll"] is None:
                    assert (nats, per_token, perplexity) == ("∞", "∞", "∞")
                else:
                    assert float(nats) == pytest.approx(expected["nll"], abs=6e-4)
                    assert float(per_token) == pytest.approx(expected["nll_per_token"], abs=6e-4)
                    assert float(perplexity) == pytest.approx(
                        math.exp(expected["nll_per_token"]), rel=2e-3
                    )


async def test_emma_as_a_whole_is_seen_in_the_smallest_terminal(names_path: Path):
    async with workbench(names_path, recipe=CONVERGE) as bench:
        await bench.press("5")
        await scores(bench)
        assert bench.app.query_one("#word", Input).value == "emma"
        first = FIGURES.findall(lines(bench)[0])
        assert first == [("0.0478", "10", "3.041")]  # 1531 of 32033 words begin with e
        assert tokens(bench).max_scroll_y == 0
        assert totals(bench, "counts")[:2] == ["12.5690", "2.5138"]
        assert totals(bench, "uniform") == ["16.4792", "3.2958", "23.77", "27.00"]
        assert totals(bench, "network") == ["—"] * 4
        assert bench.app.query_one("#totals").region in bench.app.query_one(LENS).region
        assert "space starts one" in bench.shown("#scale")
        assert f"{math.log(27):.4f}" in bench.shown("#scale")


async def test_what_cannot_be_is_told_in_words(words_file: Path):
    async with workbench(words_file, recipe=CONVERGE.with_(n=3)) as bench:
        await look_at(bench, "zoë")
        shown = lines(bench)
        assert "not in the alphabet" in shown[2]
        assert "unknown context" in shown[3]
        await look_at(bench, "emz")
        shown = lines(bench)
        assert "impossible" in shown[2]
        assert "never seen" in shown[3]
        assert all("∞" in row for row in shown[2:4])
        assert totals(bench, "counts")[0] == "∞"
        bench.app.smooth(1.0)
        await settle(bench.pilot)
        await scores(bench)
        assert not re.search("impossible|never seen", "".join(lines(bench)))
        expected = score(bench.app.counts, "emz")
        assert totals(bench, "counts")[0] == f"{expected.nll:.4f}"


async def test_more_surprising_than_chance_has_another_shape(names_path: Path):
    async with workbench(names_path, recipe=CONVERGE) as bench:
        await look_at(bench, "emma")
        nats = [token.nll for token in score(bench.app.counts, "emma").tokens]
        for row, cost in zip(lines(bench), nats, strict=True):
            assert ("▓" in row) is (cost > math.log(27))
            assert "┃" in row


async def test_the_network_is_followed_live(words_file: Path):
    async with workbench(words_file, recipe=ENDLESS) as bench:
        await bench.press("5", "escape", "f", "space")
        await bench.until(lambda: "step" in bench.shown("#scale"), "the network")
        seen: set[int] = set()

        def shown() -> bool:
            look = bench.app.look
            if f"step {look.step:,} " not in bench.shown("#scale"):
                return False
            seen.add(look.step)
            found = [FIGURES.findall(row)[1][2] for row in lines(bench)]
            return found == [f"{token.nll:.3f}" for token in score(look.network, "emma").tokens]

        for looks in (1, 2, 3):
            await bench.until(lambda looks=looks: shown() and len(seen) >= looks, "a look")
        assert bench.app.session.snapshot.phase is Phase.RUNNING


class Held:
    """A network that says what it thinks when it is let go, each time anew."""

    def __init__(self, network: LanguageModel) -> None:
        self.alphabet, self.context_length = network.alphabet, network.context_length
        self._network = network
        self.asked, self.let_go = Semaphore(0), Semaphore(0)

    def log_probs(self, contexts: Tensor) -> Tensor:
        assert current_thread() is not main_thread(), "the keys would have to wait"
        self.asked.release()
        assert self.let_go.acquire(timeout=60)
        return self._network.log_probs(contexts)


async def test_while_a_word_is_scored_another_can_be_typed_whose_score_alone_is_shown(
    words_file: Path,
):
    async with workbench(words_file) as bench:
        await bench.train()
        await bench.press("5")
        await bench.looked()
        await look_at(bench, "mia")
        before = bench.shown("#tokens")
        held = Held(bench.app.look.network)
        bench.app.query_one(LensPane).look = replace(bench.app.look, network=held)
        await bench.until(lambda: held.asked.acquire(blocking=False), "a thread that scores")
        await bench.press("end", "ctrl+u", "z", "o", "e")
        held.let_go.release()
        await bench.until(lambda: held.asked.acquire(blocking=False), "the other word's turn")
        assert bench.shown("#tokens") == before
        held.let_go.release()
        await scores(bench)
        assert len(lines(bench)) == 4
        expected = score(bench.app.look.network, "zoe")
        assert totals(bench, "network")[0] == f"{expected.nll:.4f}"


async def test_why_a_word_cannot_be_scored_is_said_once(words_file: Path):
    class Failing(Held):
        def log_probs(self, contexts: Tensor) -> Tensor:
            self.asked.release()
            raise MemoryError("no room")

    async with workbench(words_file) as bench:
        await bench.train()
        await bench.press("5")
        await bench.looked()
        await scores(bench)
        failing = Failing(bench.app.look.network)
        for step in range(3):
            look = replace(bench.app.look, network=failing, step=step)
            bench.app.query_one(LensPane).look = look
            await bench.until(lambda: failing.asked.acquire(blocking=False), "another try")
            await bench.workers()
        told = [note.message for note in bench.notifications]
        assert told.count("MemoryError: no room") == 1


async def test_letters_are_typed_and_escape_gives_the_keys_back(words_file: Path):
    async with workbench(words_file) as bench:
        await bench.press("5")
        field = bench.app.query_one("#word", Input)
        assert bench.app.focused is field
        await bench.press("end", "ctrl+u", "s", "f", "q")
        assert bench.app.query_one(LensPane).word == "sfq"
        assert bench.app.session.snapshot.phase is Phase.IDLE
        await bench.press("]")
        assert bench.n == 3
        await bench.counted()
        await bench.press("6")
        assert not is_seen(bench.app.query_one(LENS))
        await bench.press("5", "?")
        await bench.screen(HelpScreen)
        await bench.press("escape")
        for key in ("escape", "enter", "down"):
            await bench.press(key)
            assert bench.app.focused is tokens(bench)
            await bench.press("slash")
            assert bench.app.focused is field
        await bench.press("escape", "s")
        await bench.steps(1)
        assert field.value == "sfq"


async def test_what_the_corpus_has_can_be_typed(tmp_path: Path):
    path = tmp_path / "rooms.txt"
    path.write_text("room 6\nroom 7?\n")
    async with workbench(path) as bench:
        await bench.press("5", "end", "ctrl+u", "6", "space", "?")
        assert bench.app.query_one(LensPane).word == "6 ?"
        assert bench.app.session.snapshot.phase is Phase.IDLE


async def test_enter_follows_a_token_into_the_table(words_file: Path):
    async with workbench(words_file) as bench:
        await look_at(bench, "emq")
        await bench.press("escape", "down", "enter")
        counts = bench.app.counts
        followed = (await bench.message(CellFollowed)).context
        assert counts.ngrams.context_labels([followed]) == ["e"]
        alphabet = counts.alphabet
        assert bench.posted(CellFollowed)[0].outcome == alphabet.encode("m")[0]
        await bench.press("5", "escape", "end", "up", "enter")
        await bench.notification()
        await bench.press("end", "enter")
        await bench.notification(2)
        assert len(bench.posted(CellFollowed)) == 1


async def test_a_word_that_was_followed_is_looked_at(words_file: Path):
    async with workbench(words_file) as bench:
        bench.app.post_message(WordFollowed("olivia"))
        await bench.until(lambda: len(lines(bench)) == 7, "its tokens")
        assert bench.app.query_one("#word", Input).value == "olivia"
        assert bench.app.pane == 4


async def test_a_long_word_scrolls_and_its_totals_stay(words_file: Path):
    async with workbench(words_file) as bench:
        await look_at(bench, "em" * 30)
        assert tokens(bench).max_scroll_y > 0
        await bench.press("escape", "end")
        assert "end" in lines(bench)[-1]
        assert bench.app.query_one("#totals").region in bench.app.query_one(LENS).region
        bench.app.query_one("#word").focus()
        await bench.press("end", "x")
        assert bench.app.query_one(LensPane).word == "em" * 30


async def test_what_is_typed_is_composed(tmp_path: Path):
    few = tmp_path / "few.txt"
    few.write_text("zoë\n", encoding="utf-8")
    async with workbench(few) as bench:
        await look_at(bench, "zoe\u0308")
        assert bench.app.query_one(LensPane).word == "zoë"
        assert len(lines(bench)) == 4
        assert totals(bench, "counts")[0] == "0.0000"


@pytest.mark.parametrize("word", ["", "[red]", "[/]", "漢字漢字", "a.b\\ c", "👩🚀", "\u200bz"])
async def test_any_word_is_shown_as_it_is(words_file: Path, word: str):
    async with workbench(words_file) as bench:
        await look_at(bench, word)
        assert len(lines(bench)) == len(word) + 1
        check_that_nothing_is_obeyed_but_typed(bench)
        await bench.press("escape", "down", "enter")


def check_that_nothing_is_obeyed_but_typed(bench: Bench) -> None:
    """Of what is typed, the field shows what any field does."""
    field = bench.app.query_one("#word")
    field.display = False
    check_that_nothing_is_obeyed(bench)
    field.display = True


async def test_what_is_pasted_is_not_obeyed(words_file: Path):
    async with workbench(words_file) as bench:
        await bench.press("5", "end", "ctrl+u")
        bench.app.post_message(Paste("\x1b[31m\u202e"))
        await bench.press("a")
        check_that_nothing_is_obeyed(bench)


async def test_words_of_any_corpus_are_looked_at():
    async with workbench(corpus=nasty_corpus(), size=(120, 40)) as bench:
        await bench.train()
        for word in NASTY:
            bench.app.post_message(WordFollowed(word))
            await bench.until(lambda word=word: bench.app.query_one(LensPane).word == word, word)
            await scores(bench)
            assert len(lines(bench)) == len(word) + 1
            check_that_nothing_is_obeyed(bench)


async def test_the_first_word_of_the_corpus_is_looked_at_until_there_is_another(
    words_file: Path, tmp_path: Path
):
    other = tmp_path / "other.txt"
    other.write_text("anna\nbob\n")
    async with workbench(words_file) as bench:
        await bench.press("5", "escape")
        assert bench.app.query_one(LensPane).word == "emma"
        bench.app.open_corpus(str(other))
        await bench.until(lambda: bench.app.query_one(LensPane).word == "anna", "its first word")
        await look_at(bench, "bob")
        await bench.press("escape")
        bench.app.open_corpus(str(words_file))
        await bench.until(lambda: len(bench.app.counts.alphabet) > 10, "the first corpus")
        await settle(bench.pilot)
        assert bench.app.query_one(LensPane).word == "bob"


async def test_another_order_is_shown_at_once(words_file: Path):
    async with workbench(words_file) as bench:
        await bench.train()
        await bench.press("5", "escape")
        await bench.until(lambda: "step" in bench.shown("#scale"), "the network")
        await bench.press("]")
        await bench.counted()
        await scores(bench)
        assert lines(bench)[0].startswith("..")
        assert totals(bench, "network") == ["—"] * 4
        expected = score(bench.app.counts, "emma")
        assert totals(bench, "counts")[0] == f"{expected.nll:.4f}"


async def test_without_a_corpus_it_says_what_to_do(tmp_path: Path):
    async with workbench(tmp_path / "nothing.txt", wait=False) as bench:
        await bench.until(lambda: bench.app.query(LensPane), "the panes")
        await bench.notification()
        await bench.press("5", "a", "escape", "enter", "down")
        assert "o opens one" in bench.shown("#scale")
