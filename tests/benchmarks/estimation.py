"""Smoothing: how long an estimate takes, and how near each comes to words that it has not seen.

Modified Kneser-Ney is timed on the names against the plain count table of the same order, which is
all that goes before it. The rows of the NLL tell no times: dev words on the left, test words on
the right, and the same of the best add-k as the plain way.
"""

from collections.abc import Iterator
from pathlib import Path

import torch

from model.corpus import parse
from model.evaluation import add_k_nlls, nll
from model.ngrams import Ngrams, count
from model.smoothing import SMOOTHINGS, smooth
from model.splits import Split, split
from tests.benchmarks.core import (
    Row,
    alternate,
    duration,
    fitting_threads,
    ratio,
    timed,
    torch_threads,
)

ORDERS = range(2, 11)
KS = torch.logspace(-2, 1, 31, dtype=torch.float64)


def rows(names: Path) -> Iterator[Row]:
    """The time at n=5, and the NLL of all ways at all orders."""
    data = names.read_bytes()
    threads = fitting_threads(len(data))

    def counted() -> Ngrams:
        return count(parse(data, "names"), 5)

    estimate, counting = alternate(
        timed(lambda: smooth(counted(), "kneser-ney"), calls=5, threads=threads),
        timed(counted, calls=5, threads=threads),
        rounds=3,
    )
    yield Row(
        "modified Kneser-Ney, n=5 (the plain way: counting alone)",
        duration(estimate),
        duration(counting),
        f"{ratio(estimate / counting)} times as long",
        "below 1 s",
    )
    with torch_threads(threads):
        yield from _nlls(split(parse(data, "names")))


def _nlls(parts: Split) -> Iterator[Row]:
    for n in ORDERS:
        train, dev, test = (count(part, n) for part in (parts.train, parts.dev, parts.test))
        on_dev = add_k_nlls(train, dev, KS)
        best = int(on_dev.argmin())
        on_test = float(add_k_nlls(train, test, KS)[best])
        plain = f"{float(on_dev[best]):.4f}, {on_test:.4f} (k={float(KS[best]):.2g})"
        for name in SMOOTHINGS:
            model = smooth(train, name)
            ours = f"{nll(model, dev):.4f}, {nll(model, test):.4f}"
            yield Row(f"NLL on dev and test, {name}, n={n}", ours, plain)
