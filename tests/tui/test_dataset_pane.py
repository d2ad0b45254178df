"""What is in the list, as the app shows it."""

from functools import cached_property
from pathlib import Path
from threading import current_thread, main_thread

import pytest
from workbench import WORDS, workbench

from model.corpus import Corpus
from model.ngrams import Ngrams


@pytest.fixture
def worked_out(monkeypatch: pytest.MonkeyPatch) -> dict[str, bool]:
    """What was worked out once of corpora and their n-grams, and whether the keys waited for it."""
    found: dict[str, bool] = {}

    def noted(one: cached_property) -> cached_property:
        def work_out(owner: object) -> object:
            found[one.func.__qualname__] = current_thread() is main_thread()
            return one.func(owner)

        again = cached_property(work_out)
        again.__set_name__(type(one), one.attrname)
        return again

    for kind in (Corpus, Ngrams):
        for name, one in list(vars(kind).items()):
            if isinstance(one, cached_property):
                monkeypatch.setattr(kind, name, noted(one))
    return found


async def test_what_is_shown_of_a_list_is_worked_out_by_threads(
    worked_out: dict[str, bool], words_file: Path
):
    async with workbench(words_file, size=(80, 40)) as bench:
        assert f"{len(WORDS)}" in bench.shown("#facts")
        assert {"Corpus.word_count", "Ngrams.floor", "Ngrams.column_sums"} <= worked_out.keys()
        assert not [name for name, waited in worked_out.items() if waited]


async def test_the_alphabet_is_listed_with_how_often_each_character_occurs(words_file: Path):
    async with workbench(words_file, size=(80, 60)) as bench:
        lines = [line.split()[:2] for line in bench.shown("#alphabet").splitlines()]
        for character in "alz":
            assert [character, f"{''.join(WORDS).count(character)}"] in lines
        assert [".", f"{len(WORDS)}"] in lines
