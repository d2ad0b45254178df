"""What every test stands on: isolated user files, corpora for hypothesis, the notebook's names."""

import csv
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import platformdirs
import pytest
import torch
from hypothesis import settings
from hypothesis import strategies as st

from model.alphabet import Alphabet, normalise
from model.corpus import Corpus, parse
from model.ngrams import ContextIndex, Ngrams

FIXTURES = Path(__file__).parent / "fixtures"

# Found before any test is cut off from the user's own cache.
NAMES_CACHE = platformdirs.user_cache_path("makemore-tui") / "names.txt"

# The same examples at every run, unless `--hypothesis-profile long` asks for many others: pytest
# reads that option after this file.
settings.register_profile("stable", deadline=None, derandomize=True, max_examples=50)
settings.register_profile("long", deadline=None, max_examples=10_000)
settings.load_profile("stable")

# A suite that was started with nohup, or in the background of a script, hands down to the programs
# it starts that they ignore these. It is the tests' business to say so where they want it.
for _ignored in (signal.SIGHUP, signal.SIGQUIT):
    signal.signal(_ignored, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)

# Few characters for words that share contexts, with all that sorts below "." or means something to
# a terminal; and any character at all.
_few = st.sampled_from("ab.'- \t\\[\x1b\U0001f600")
_characters = _few | st.characters(codec="utf-8", exclude_characters="\n")
_words = st.text(_characters, min_size=1, max_size=12).map(normalise).map(str.strip).filter(bool)
st.register_type_strategy(
    Corpus,
    st.lists(_words, min_size=1, max_size=20).map(
        lambda words: Corpus("any words", "".join(f"{word}\n" for word in words))
    ),
)


@pytest.fixture(autouse=True)
def _isolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep tests away from the user's files, and from each other's number of torch threads.

    It is one: with more, a busy machine stalls each of the thousands of tiny operations.
    """
    for kind in ("CACHE", "CONFIG", "DATA"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind.lower()))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def names_path() -> Path:
    """Where the names.txt of makemore is; it is not ours to keep in the repository."""
    path = Path(os.environ.get("MAKEMORE_NAMES", NAMES_CACHE))
    if not path.is_file():
        pytest.skip("needs makemore's names.txt: set MAKEMORE_NAMES, or run `makemore stats "
                    "makemore-names` once")  # fmt: skip
    return path


@pytest.fixture(scope="session")
def names(names_path: Path) -> Corpus:
    """The corpus of the notebook."""
    return parse(names_path.read_bytes(), "names.txt")


@pytest.fixture(scope="session")
def names_bigrams() -> Ngrams:
    """The bigram counts of names.txt, which every machine has."""
    with (FIXTURES / "names_bigrams.csv").open(newline="") as file:
        counts = torch.tensor([[int(cell) for cell in row] for row in csv.reader(file)]).flatten()
    pairs = counts.nonzero().squeeze(1)
    alphabet = Alphabet.of("abcdefghijklmnopqrstuvwxyz")
    return Ngrams(2, alphabet, ContextIndex(27, (torch.arange(27),)), pairs, counts[pairs])


@pytest.fixture
def vowels() -> Corpus:
    """Ten words over seven characters."""
    words = "emma olivia ava mia ella leo emil aoi lea mila"
    return parse("\n".join(words.split()).encode(), "vowels")
