"""Training, dev and test words: what a model learns from, is chosen by, and is judged by."""

import random
from dataclasses import dataclass

from model.corpus import Corpus

SEED = 42


@dataclass(frozen=True)
class Split:
    """A corpus in three parts, which share its alphabet; small corpora leave some of them empty."""

    train: Corpus
    dev: Corpus
    test: Corpus

    def unseen(self, part: Corpus) -> Corpus:
        """The words of a part, dev or test, that do not occur in train."""
        known = self.train.vocabulary
        return _part(part, "unseen", [word for word in part.words if word not in known])


def split(corpus: Corpus, seed: int = SEED) -> Split:
    """80, 10 and 10 percent of the words, shuffled: the lectures' split, with their seed.

    A word that the corpus repeats may stand in several parts.
    """
    words = list(corpus.words)
    random.Random(seed).shuffle(words)
    first, second = int(0.8 * len(words)), int(0.9 * len(words))
    return Split(
        _part(corpus, "train", words[:first]),
        _part(corpus, "dev", words[first:second]),
        _part(corpus, "test", words[second:]),
    )


def learnt(corpus: Corpus, data: str) -> Corpus:
    """What a run learns from: the words of a corpus that its recipe calls "all", or "train"."""
    return split(corpus).train if data == "train" else corpus


def _part(whole: Corpus, name: str, words: list[str]) -> Corpus:
    return Corpus(f"{whole.name}, {name}", "".join(f"{word}\n" for word in words), whole)
