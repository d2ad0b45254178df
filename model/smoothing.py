"""Better counts: three ways to lend what never occurred something of what did.

All three interpolate. After a context h every outcome w has its share of the counts, less what was
taken from it, and what was taken goes to the shorter context h' (h without its oldest token):

    p(w | h) = share of "h w" + gamma(h) * p(w | h')

The empty context's h' is the uniform distribution over the V outcomes, so that nothing is
impossible. As a `BackoffModel`, p(w | h) is kept for each n-gram that occurs, and gamma(h) is the
weight of the context h.

There is one boundary before a word: the contexts of its first tokens are shorter, and nothing is
taken twice. The formulas are those of Chen and Goodman, 1999, "An Empirical Study of Smoothing
Techniques for Language Modeling", Computer Speech and Language 13.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from types import MappingProxyType

import torch
from torch import Tensor

from model.alphabet import BOUNDARY, Alphabet
from model.backoff import BackoffModel, Level, find
from model.trie import Ngrams

FALLBACK = (0.5, 1.0, 1.5)
"""D1, D2 and D3+ where the counts of counts give none; those of KenLM's --discount_fallback."""


def smooth(ngrams: Ngrams, smoothing: str) -> BackoffModel:
    """The n-grams of a corpus, of which nothing else is needed, smoothed by one of SMOOTHINGS."""
    orders, (rule, continued) = _orders(ngrams), SMOOTHINGS[smoothing]
    if continued:
        lower = [_continued(order, above) for order, above in pairwise(orders)]
        orders = [*lower, orders[-1]]
    return _interpolated(ngrams.alphabet, orders, rule)


@dataclass(frozen=True, eq=False)
class _Order:
    """The n-grams of one order and their counts; contexts and codes as in a `Level`."""

    alphabet_size: int
    contexts: Tensor
    codes: Tensor
    counts: Tensor

    @property
    def rows(self) -> Tensor:
        """The context of each n-gram. (n-grams,)"""
        return self.codes // self.alphabet_size

    @property
    def shorter(self) -> Tensor:
        """The code of each n-gram without its oldest token. (n-grams,)"""
        size = self.alphabet_size
        return self.contexts[self.rows] // size * size + self.codes % size

    def summed(self, values: Tensor) -> Tensor:
        """The sum over the n-grams (n-grams,) of each context, 64-bit floats. (contexts,)"""
        sums = torch.zeros(len(self.contexts), dtype=torch.float64)
        return sums.index_add_(0, self.rows, values.double())


_Rule = Callable[[_Order], tuple[Tensor, Tensor]]
"""The share of each n-gram (n-grams,) and gamma of each context (contexts,)."""


def _orders(ngrams: Ngrams) -> list[_Order]:
    """The n-grams of orders 1 to n; of order 1 all outcomes, also those that never occur."""
    size = len(ngrams.alphabet)
    tokens = ngrams.contexts.tokens(torch.arange(len(ngrams.contexts)))
    # Of each pair of a context and an outcome; those whose context has come to its boundary leave.
    rows, outcomes, counts = ngrams.context_ids, ngrams.outcomes, ngrams.counts
    ids = torch.zeros_like(rows)
    unigrams = torch.zeros(size, dtype=torch.int64).index_add_(0, outcomes, counts)
    orders = [_Order(size, torch.zeros(1, dtype=torch.int64), torch.arange(size), unigrams)]
    for length in range(1, ngrams.n):
        oldest = tokens[:, -length][rows]
        contexts, ids = (ids * size + oldest).unique(return_inverse=True)
        codes, places = (ids * size + outcomes).unique(return_inverse=True)
        totals = torch.zeros_like(codes).index_add_(0, places, counts)
        orders.append(_Order(size, contexts, codes, totals))
        longer = oldest != BOUNDARY
        rows, outcomes, counts, ids = (each[longer] for each in (rows, outcomes, counts, ids))
    return orders


def _continued(order: _Order, above: _Order) -> _Order:
    """An order with the number of distinct tokens before each n-gram, as the next order has them.

    Where there is none, the n-gram begins at the boundary and keeps its count.
    """
    before = find(order.codes, above.shorter).bincount(minlength=len(order.codes))
    return replace(order, counts=torch.where(before > 0, before, order.counts))


def _interpolated(alphabet: Alphabet, orders: list[_Order], rule: _Rule) -> BackoffModel:
    levels: list[Level] = []
    lower = torch.full((len(alphabet),), 1 / len(alphabet), dtype=torch.float64)
    for order in orders:
        if levels:
            lower = levels[-1].log_probs[find(levels[-1].codes, order.shorter)].exp()
        shares, gammas = rule(order)
        # Without any example both are 0 / 0: nothing has its share, and all goes to h'.
        gammas.nan_to_num_(nan=1.0)
        probs = shares.nan_to_num_(nan=0.0) + gammas[order.rows] * lower
        levels.append(Level(order.contexts, gammas.log_(), order.codes, probs.log()))
    return BackoffModel(alphabet, tuple(levels))


def _witten_bell(order: _Order) -> tuple[Tensor, Tensor]:
    """Interpolated Witten-Bell smoothing: a context is left as often as something new followed it.

        p(w | h) = (c(h w) + T(h) p(w | h')) / (c(h) + T(h))

    with c the counts and T(h) the number of distinct outcomes after h (Witten and Bell, 1991, "The
    Zero-Frequency Problem", method C; Chen and Goodman, 1999, section 2.5).
    """
    distinct = order.summed(order.counts > 0)
    totals = order.summed(order.counts) + distinct
    return order.counts / totals[order.rows], distinct / totals


def _absolute(order: _Order) -> tuple[Tensor, Tensor]:
    """Interpolated absolute discounting: every n-gram that occurs gives the same amount D.

        p(w | h) = (c(h w) - D) / c(h) + D T(h) / c(h) * p(w | h')

    with T(h) the number of distinct outcomes after h, and for each order D = n1 / (n1 + 2 n2),
    where nk n-grams occur k times (Ney, Essen and Kneser, 1994, "On Structuring Probabilistic
    Dependences in Stochastic Language Modelling"; Chen and Goodman, 1999, section 2.6). Where n1 or
    n2 is 0, D is 0.5.
    """
    n1, n2, *_ = _counts_of_counts(order)
    amount = n1 / (n1 + 2 * n2) if n1 and n2 else FALLBACK[0]
    return _discounted(order, (amount, amount, amount))


def _kneser_ney(order: _Order) -> tuple[Tensor, Tensor]:
    """Interpolated modified Kneser-Ney smoothing: lower orders ask after how many tokens.

        p(w | h) = (a(h w) - D(a(h w))) / a(h) + gamma(h) * p(w | h')

    In the highest order a(h w) is the count; in a lower one it is the number of distinct tokens
    before "h w", for that order is asked only when the longer context does not know. Where "h w"
    begins at the boundary nothing is before it, and a is the count. a(h) is the sum of a(h w) over
    w, and gamma(h) the sum of D(a(h w)) / a(h). For each order, with nk n-grams whose a is k,

        Y = n1 / (n1 + 2 n2)    Dk = k - (k + 1) Y n(k+1) / nk    for k = 1, 2, and 3 or more

    (Chen and Goodman, 1999, section 3, equations 23 to 26; the counts at the boundary as in
    Heafield et al., 2013, "Scalable Modified Kneser-Ney Language Model Estimation"). An order in
    which n1, n2 or n3 is 0, or some Dk is not above 0 and at most k, discounts by 0.5, 1 and 1.5.
    """
    return _discounted(order, _modified_discounts(_counts_of_counts(order)))


def _discounted(order: _Order, discounts: tuple[float, ...]) -> tuple[Tensor, Tensor]:
    """The rule that takes D1, D2 and D3+ from the counts 1, 2, and 3 or more."""
    taken = torch.tensor((0.0, *discounts), dtype=torch.float64)[order.counts.clamp(max=3)]
    totals = order.summed(order.counts)
    return (order.counts - taken) / totals[order.rows], order.summed(taken) / totals


def _modified_discounts(counts: list[int]) -> tuple[float, ...]:
    """D1, D2 and D3+ from n1 to n4."""
    if not all(counts[:3]):
        return FALLBACK
    y = counts[0] / (counts[0] + 2 * counts[1])
    discounts = tuple(k - (k + 1) * y * counts[k] / counts[k - 1] for k in (1, 2, 3))
    return discounts if all(0 < d <= k for k, d in enumerate(discounts, 1)) else FALLBACK


def _counts_of_counts(order: _Order) -> list[int]:
    """n1 to n4: how many n-grams have the counts 1 to 4."""
    return order.counts.clamp(max=5).bincount(minlength=6)[1:5].tolist()


SMOOTHINGS: MappingProxyType[str, tuple[_Rule, bool]] = MappingProxyType(
    {
        "witten-bell": (_witten_bell, False),
        "absolute": (_absolute, False),
        "kneser-ney": (_kneser_ney, True),
    }
)
"""Every way by its name: its rule, and whether lower orders count tokens before an n-gram."""
