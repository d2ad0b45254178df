"""Where a count comes from: the words that hold a context followed by an outcome."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from model.alphabet import BOUNDARY
from model.corpus import Corpus


@dataclass(frozen=True)
class Occurrence:
    """A distinct word that holds an n-gram."""

    word: str
    times: int
    """How often the word stands in the corpus."""
    places: tuple[int, ...]
    """The index of the outcome in the word wherever it is one; the word's length for its end."""


def occurrences(corpus: Corpus, context: Sequence[int], outcome: int) -> list[Occurrence]:
    """The words that hold the tokens `context` followed by `outcome`, the most frequent first.

    Times the number of places, summed over the words, is the n-gram's count. Words of the same
    frequency are in alphabetical order.
    """
    # Each word is closed by a line feed, so that the boundaries around it are line feeds as well,
    # of which one before the word stands for all.
    text = "\n" + corpus.text
    inner = corpus.alphabet.decode(token for token in context if token != BOUNDARY)
    start = "\n" if BOUNDARY in context else ""
    end = corpus.alphabet.decode([outcome]) if outcome != BOUNDARY else "\n"
    pattern = start + inner + end

    times: Counter[str] = Counter()
    places: dict[str, tuple[int, ...]] = {}
    last, found = -1, list[int]()
    for place in _places(text, pattern):
        first = place if start else text.rfind("\n", 0, place)  # of the line feed before the word
        if first != last:
            last, found = first, []
        found.append(place + len(pattern) - 2 - first)
        word = text[first + 1 : text.find("\n", first + 1)]
        times[word] += len(found) == 1
        places[word] = tuple(found)
    ranked = sorted(times.items(), key=lambda item: (-item[1], item[0]))
    return [Occurrence(word, number, places[word]) for word, number in ranked]


def _places(text: str, pattern: str) -> Iterator[int]:
    """The index of every occurrence of a pattern, those that overlap included."""
    place = text.find(pattern)
    while place >= 0:
        yield place
        place = text.find(pattern, place + 1)
