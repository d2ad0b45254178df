"""How far a model is from a corpus: in all, by context, and with every amount of smoothing."""

import math

import torch
from torch import Tensor

from model.language_model import LanguageModel
from model.ngrams import Ngrams


def nll(model: LanguageModel, ngrams: Ngrams) -> float:
    """The model's mean NLL over the examples that were counted, in nats per token.

    Infinite where something occurs that the model holds for impossible; NaN without examples.
    """
    total = float(ngrams.counts.double() @ _pair_nlls(model, ngrams))
    return total / (ngrams.total or math.nan)


def gap_by_context(model: LanguageModel, ngrams: Ngrams) -> Tensor:
    """What each context adds to the gap between a model's loss and the floor, in nats.

    The loss and the floor are sums over the same examples, so their difference can be taken
    context by context, and is how often a context occurs times how wrong its row is:

        loss - floor = sum over contexts of f * KL(P_row || Q_row)

    with f the share of the examples in the context, P the frequencies and Q the model
    (Cover and Thomas, Elements of Information Theory, 2006, section 2.3).

    Returns:
        A nat figure for each context, 64-bit; they sum to loss - floor. (contexts,)
    """
    rows = ngrams.context_ids
    log_p = (ngrams.counts / ngrams.row_sums[rows].double()).log()
    excess = (log_p + _pair_nlls(model, ngrams)) * ngrams.counts / ngrams.total
    return torch.zeros(len(ngrams.contexts), dtype=torch.float64).index_add_(0, rows, excess)


def add_k_nlls(train: Ngrams, held_out: Ngrams, ks: Tensor) -> Tensor:
    """The NLL on `held_out` of the count model of `train` with each k of add-k smoothing.

    Every pair that occurs is looked up once, whatever the number of ks.

    Args:
        train: what the model was counted from.
        held_out: what it is judged by, over the same alphabet.
        ks: what is added to every count. (K,)

    Returns:
        Nats per token, 64-bit; infinite where k = 0 makes something impossible; NaN without
        examples. (K,)
    """
    contexts = held_out.contexts.tokens(torch.arange(len(held_out.contexts)))
    ids = train.contexts.ids(contexts)  # of each held-out context, -1 where training lacks it
    sums = torch.where(ids < 0, 0, train.row_sums[ids])[held_out.context_ids].double()
    counts = train.counts_of(ids[held_out.context_ids], held_out.outcomes).double()
    if not held_out.total:
        return torch.full_like(ks, math.nan, dtype=torch.float64)
    weights = held_out.counts.double() / held_out.total
    nlls = [
        weights @ ((counts + k) / (sums + k * len(train.alphabet))).nan_to_num(nan=0.0).log()
        for k in ks.double()
    ]
    return 0.0 - torch.stack(nlls)


def _pair_nlls(model: LanguageModel, ngrams: Ngrams) -> Tensor:
    """-log q of each pair of context and outcome that occurs, 64-bit. (pairs,)"""
    size = len(ngrams.alphabet)
    nlls = torch.empty(len(ngrams.codes), dtype=torch.float64)
    for ids in ngrams.blocks():
        log_probs = model.log_probs(ngrams.contexts.tokens(ids)).cpu().double()
        first, last = int(ids[0]) * size, int(ids[-1]) * size + size
        start, end = torch.searchsorted(ngrams.codes, torch.tensor([first, last])).tolist()
        nlls[start:end] = 0.0 - log_probs.flatten()[ngrams.codes[start:end] - first]
    return nlls
