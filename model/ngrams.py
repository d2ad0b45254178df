"""Corpus -> contexts, outcomes, counts: the notebook's lookup tables, without its loops.

The corpus is one stream of tokens, each word closed by the boundary: `emma.olivia.ava.`. Every
position of the stream is an example: the token there is the outcome, the n-1 tokens before it,
filled up with boundaries at the start of a word, are the context.
"""

import torch
from torch import Tensor

from model.cleaning import blocks
from model.corpus import Corpus
from model.counting import CHUNK, MOST_ENTRIES, Counting, Limits
from model.order import check_order
from model.parallel import cores, in_order
from model.tokens import Tokeniser, code_points, detokenise, tokenise
from model.trie import ContextIndex, Ngrams, merge
from model.windows import count_windows

__all__ = ["ContextIndex", "Ngrams", "count", "detokenise", "examples", "merge", "tokenise"]


def count(corpus: Corpus, n: int, chunk: int = CHUNK) -> Ngrams:
    """The n-grams of a corpus, counted on all cores.

    Args:
        corpus: any.
        n: the order.
        chunk: how many characters are counted at a time, or a few more.

    Raises:
        MakemoreError: `n` is no order that the product knows.
    """
    check_order(n)
    limits = Limits(min(MOST_ENTRIES, corpus.examples))
    counting = Counting(corpus.name, n, limits, alphabet=corpus.alphabet)
    threads = min(cores(), 1 + len(corpus.text) // chunk)

    def add(block: str) -> None:
        counting.add(code_points(block))

    for _ in in_order(add, blocks(corpus.text, chunk), threads):
        pass
    return counting.ngrams()


def examples(corpus: Corpus, n: int, chunk: int = CHUNK) -> tuple[Tensor, Tensor]:
    """The notebook's training set: the context id and the outcome of every example. (examples,) x 2

    Raises:
        MakemoreError: `n` is no order that the product knows.
    """
    index = count(corpus, n, chunk).contexts
    tokeniser = Tokeniser(corpus.alphabet)
    xs, ys = [torch.empty(0, dtype=torch.int64)], [torch.empty(0, dtype=torch.int64)]
    for block in blocks(corpus.text, chunk):
        tokens = tokeniser(code_points(block))
        assert tokens is not None
        windows = count_windows(tokens, len(corpus.alphabet), n)
        ids = index.ids(torch.stack(windows.columns[:-1], 1).long())
        xs.append(ids[windows.places])
        ys.append(tokens.long())
    return torch.cat(xs), torch.cat(ys)
