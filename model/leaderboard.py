"""The leaderboard: count models and runs, judged by the same held-out words.

Count models are counted from the words of `splits.split` that are for training, and runs that can
be compared with them have learnt from the same ones. A run that has learnt from all words has seen
those held out as well: it stands in the table, but no held-out figure of it could be believed.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import torch

from model.backoff import BackoffModel
from model.batches import AT_ONCE
from model.corpus import Corpus
from model.counts import CountModel
from model.devices import fit_threads, is_out_of_memory
from model.draws import Draws
from model.errors import MakemoreError
from model.evaluation import add_k_nlls
from model.judging import Judged, Part, mean, weighted_on
from model.language_model import LanguageModel
from model.leaderboard_table import Entry
from model.mixture import Mixture
from model.nets.network import Network
from model.ngrams import count
from model.runs import Run, fingerprint
from model.sampling import sample
from model.smoothing import SMOOTHINGS, smooth
from model.splits import split
from model.trained import trained

ORDERS = range(2, 7)
"""Of the count models."""
DRAWS = Draws(count=500)
"""The words, drawn together, by which a model's speed is told."""
KS = tuple(round(10 ** (step / 10), 5) for step in range(-40, 11))
"""From which add-k smoothing chooses on dev."""
COUNTS, MIXTURE = "counts", "mixture"
TRAIN, DEV, TEST, UNSEEN = "train", "dev", "test", "unseen"
SEEN = "learnt from all words: none are held out that could judge it"


class Progress(NamedTuple):
    """How far the judging has come."""

    share: float
    """Of all examples."""
    entry: Entry | None = None
    """One that is complete now."""


def judged(
    corpus: Corpus, runs: Iterable[Run] = (), orders: Iterable[int] = ORDERS, *, test: bool = False
) -> Iterator[Progress]:
    """Judge the count models, the runs, and a mixture of the best of both; one after the other.

    Args:
        corpus: whose runs take part.
        runs: those there are, of whatever corpus.
        orders: of the count models.
        test: whether to look at the test words.

    Raises:
        MakemoreError: there are too few words to hold any out.
    """
    fit_threads(AT_ONCE * len(corpus.alphabet))
    jury = _Jury(corpus, test=test)
    digest = fingerprint(corpus)
    candidates = [each for n in orders for each in jury.count_models(n)]
    candidates += [jury.run(run) for run in runs if run.corpus.sha256 == digest]
    total = jury.examples * (len(candidates) + 1)
    for place, candidate in enumerate(jury.and_mixture(candidates), 1):
        done = jury.examples * (place - 1)
        for each in jury.judge(candidate):
            if isinstance(each, Entry):
                yield Progress(jury.examples * place / total, each)
            else:
                done += each.examples
                yield Progress(done / total)


class _Candidate(NamedTuple):
    """A model that is yet to be made."""

    entry: Entry
    make: Callable[[], tuple[LanguageModel, str]]
    """Makes it, and says what else is to be known; raises MakemoreError where it cannot be made."""
    held_out: bool = True
    """Whether there are words that it has never seen."""


class _Jury:
    """The parts of a corpus, and the best models so far."""

    def __init__(self, corpus: Corpus, *, test: bool) -> None:
        parts = split(corpus)
        if not parts.train.text or not parts.dev.text:
            raise MakemoreError(f"{corpus.word_count} words are too few to hold any out; take more")
        last = parts.test if test else parts.dev
        corpora = {TRAIN: parts.train, DEV: parts.dev, **({TEST: last} if test else {})}
        corpora[UNSEEN] = parts.unseen(last)
        self._corpus = corpus
        self._parts = {name: Part(part) for name, part in corpora.items()}
        self._best: dict[bool, tuple[float, Entry, LanguageModel]] = {}
        """With its NLL on dev, the best of the count models and, for True, of the networks."""

    @property
    def examples(self) -> int:
        """That each model is judged by."""
        return sum(part.examples for part in self._parts.values())

    # Who takes part

    def count_models(self, n: int) -> Iterator[_Candidate]:
        """Every way to count with contexts of n - 1 tokens; anew for each, whose time it tells."""
        yield _Candidate(Entry("unsmoothed", COUNTS, n), partial(self._add_k, n, [0.0]))
        yield _Candidate(Entry("add-k", COUNTS, n), partial(self._add_k, n, KS))
        for name in SMOOTHINGS:
            yield _Candidate(Entry(name, COUNTS, n), partial(self._smoothed, n, name))

    def _smoothed(self, n: int, smoothing: str) -> tuple[LanguageModel, str]:
        return smooth(count(self._parts[TRAIN].corpus, n), smoothing), ""

    def _add_k(self, n: int, ks: Sequence[float]) -> tuple[LanguageModel, str]:
        ngrams = count(self._parts[TRAIN].corpus, n)
        if len(ks) == 1:
            return CountModel(ngrams, ks[0]), ""
        nlls = add_k_nlls(ngrams, self._parts[DEV].ngrams(n), torch.tensor(ks))
        k = ks[int(nlls.argmin())]
        return CountModel(ngrams, k), f"k={k:g}, the best on dev"

    def run(self, run: Run) -> _Candidate:
        """What a run has trained."""
        held_out = run.recipe.data == TRAIN
        recipe, seconds = run.recipe, run.status.seconds or None
        entry = Entry(run.name, recipe.model, recipe.n, seconds=seconds, run=run.id)

        def make() -> tuple[LanguageModel, str]:
            learnt = self._parts[TRAIN].corpus if held_out else self._corpus
            network, step, best = trained(run, count(learnt, recipe.n))
            notes = [f"step {step:,}" + ", the best on dev" * best, *([] if held_out else [SEEN])]
            return network, "; ".join(notes)

        return _Candidate(entry, make, held_out)

    def and_mixture(self, candidates: Iterable[_Candidate]) -> Iterator[_Candidate]:
        """And once these are judged, if there is one, the best network with the best counts."""
        yield from candidates
        if len(self._best) < 2:
            return
        (_, network, first), (_, counts, second) = self._best[True], self._best[False]
        name = f"{network.name} + {counts.name}"
        seconds = (network.seconds or 0) + (counts.seconds or 0)
        entry = Entry(name, MIXTURE, max(network.n, counts.n), seconds=seconds or None)

        def make() -> tuple[LanguageModel, str]:
            mixture = weighted_on(self._parts[DEV], first, second)
            shares = f"{mixture.share:.2f} {network.name} + {1 - mixture.share:.2f} {counts.name}"
            return mixture, f"{shares} n={counts.n}, weighted on dev"

        yield _Candidate(entry, make)

    # How they are judged

    def judge(self, candidate: _Candidate) -> Iterator[Judged | Entry]:
        """What a model has been judged by, again and again, and then its entry."""
        began, entry = time.perf_counter(), candidate.entry
        try:
            model, note = candidate.make()
            took = time.perf_counter() - began
            figures: dict[str, float] = {}
            for name, part in self._parts.items():
                if part.examples and (candidate.held_out or name == TRAIN):
                    blocks: list[Judged] = []
                    for block in part.judge(model):
                        yield block
                        blocks.append(block)
                    figures[name] = mean(blocks)
            entry = replace(
                entry,
                parameters=_parameters(model),
                train=figures[TRAIN],
                dev=figures.get(DEV),
                test=figures.get(TEST),
                unseen=figures.get(UNSEEN),
                seconds=took if entry.kind == COUNTS else entry.seconds,
                words_per_second=_speed(model),
                note=note,
            )
            self._remember(entry, model)
        except MakemoreError as error:
            entry = replace(entry, note=str(error))
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            entry = replace(entry, note="there is not enough memory for it")
        yield entry

    def _remember(self, entry: Entry, model: LanguageModel) -> None:
        is_network = isinstance(model, Network)
        best = self._best[is_network][0] if is_network in self._best else math.inf
        if entry.dev is not None and entry.dev < best:
            self._best[is_network] = entry.dev, entry, model


def _speed(model: LanguageModel) -> float:
    """Words a second."""
    began = time.perf_counter()
    words = sample(model, DRAWS)
    return len(words) / (time.perf_counter() - began)


def _parameters(model: LanguageModel) -> int:
    if isinstance(model, Network):
        return model.size
    if isinstance(model, CountModel):
        return len(model.ngrams.codes)
    if isinstance(model, BackoffModel):
        return sum(len(level.codes) + len(level.contexts) for level in model.levels)
    assert isinstance(model, Mixture)
    return _parameters(model.first) + _parameters(model.second) + 1
