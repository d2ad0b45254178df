"""Words that models are judged by: what each model holds of every token of a corpus."""

import math
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from model.batches import Batch, Words
from model.corpus import Corpus
from model.evaluation import nll
from model.language_model import LanguageModel
from model.mixture import Mixture, best_share
from model.nets.network import Network
from model.ngrams import Ngrams, count


class Judged(NamedTuple):
    """Some examples of a part."""

    examples: int
    nll: float
    """The sum over them, in nats."""


class Part:
    """A corpus that several models are judged by; what is counted of it, is once for an order."""

    def __init__(self, corpus: Corpus) -> None:
        self.corpus = corpus
        self._ngrams: Ngrams | None = None

    @property
    def examples(self) -> int:
        """The number of predicted tokens."""
        return self.corpus.examples

    def ngrams(self, n: int) -> Ngrams:
        """The n-grams of order n.

        Raises:
            MakemoreError: `n` is no order that the product knows.
        """
        if self._ngrams is None or self._ngrams.n != n:  # those of all orders would take much room
            self._ngrams = count(self.corpus, n)
        return self._ngrams

    def judge(self, model: LanguageModel) -> Iterator[Judged]:
        """The model's NLL, some examples after the other.

        In all what `evaluation.nll` says of the corpus's n-grams. A network reads whole words,
        though, which with a long context takes half the time, or a quarter.
        """
        if isinstance(model, Network | Mixture):
            for log_probs in self.log_probs(model):
                yield Judged(len(log_probs), -float(log_probs.sum()))
        elif self.examples:
            # A table says the same whenever a context comes again: it is asked once for each.
            mean = nll(model, self.ngrams(model.context_length + 1))
            yield Judged(self.examples, mean * self.examples)

    def log_probs(self, model: LanguageModel) -> Iterator[Tensor]:
        """The log probability of every token, in the order of the words. (E,) each, 64-bit"""
        for indices in self._words.blocks():
            batch = self._words.batch(indices)
            with torch.no_grad():
                log_probs = _log_probs(model, batch)
            yield log_probs

    @cached_property
    def _words(self) -> Words:
        return Words(self.corpus)


def mean(judged: Iterable[Judged]) -> float:
    """The mean NLL, in nats per token; NaN without examples."""
    examples, total = 0, 0.0
    for block in judged:
        examples, total = examples + block.examples, total + block.nll
    return total / (examples or math.nan)


def weighted_on(dev: Part, first: LanguageModel, second: LanguageModel) -> Mixture:
    """The mixture of two models whose share is the best on held-out words."""
    log_ps = [torch.cat([torch.empty(0), *dev.log_probs(model)]) for model in (first, second)]
    return Mixture(first, second, best_share(*log_ps))


def _log_probs(model: LanguageModel, batch: Batch) -> Tensor:
    """The log probability of each outcome of a batch. (E,)"""
    if isinstance(model, Mixture):
        return model.mixed(_log_probs(model.first, batch), _log_probs(model.second, batch))
    if isinstance(model, Network):
        rows = model.logits(batch).log_softmax(1)
    else:
        rows = model.log_probs(batch.contexts(model.context_length))
    own = rows.gather(1, batch.outcomes.unsqueeze(1)).squeeze(1).double()
    return own.nan_to_num(nan=-math.inf, neginf=-math.inf)  # no opinion: nothing is expected
