"""Counting: from the content of a file to the table of counts."""

from collections.abc import Iterator
from pathlib import Path

import torch

from model.corpus import parse
from model.ngrams import count
from tests.benchmarks import notebook
from tests.benchmarks.core import Row, alternate, faster, fitting_threads, timed

GOALS = {2: 50}


def rows(names: Path) -> Iterator[Row]:
    """Counting the names at each order."""
    data = names.read_bytes()
    for n in (2, 3, 4, 5):
        # A table, not a time: whoever counts something else may well be faster.
        same = torch.equal(notebook.count(data, n).N, count(parse(data, "names"), n).N)
        assert same, f"the two ways count differently at n={n}"
        ours, plain = alternate(
            timed(
                lambda n=n: count(parse(data, "names"), n).N,
                calls=20,
                threads=fitting_threads(len(data)),
            ),
            timed(lambda n=n: notebook.count(data, n)),
            rounds=3,
        )
        yield faster(f"counting, n={n}", ours, plain, GOALS.get(n))
