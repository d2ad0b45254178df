"""`makemore arpa`: smoothed counts for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from model.alphabet import visible
from model.cli_options import SMOOTHING_NAMES, Group, corpus_argument, order_option
from model.corpus import load

if TYPE_CHECKING:  # torch takes seconds to import
    from model.backoff import BackoffModel
    from model.corpus import Corpus


@click.group("arpa", cls=Group)
def arpa_group() -> None:
    """Smoothed counts in the ARPA format, which KenLM and other programs read.

    `makemore sample` and `score` take a model from such a file with --arpa.
    """


@arpa_group.command()
@corpus_argument
@order_option
@click.option("--smoothing", type=click.Choice(SMOOTHING_NAMES), default="kneser-ney",
              show_default=True, help="How probability is lent to what never occurs.")  # fmt: skip
@click.option("--output", metavar="FILE", required=True, type=click.Path(path_type=Path),
              help="What to write; a file that is there is replaced.")  # fmt: skip
def export(source: str, n: int | None, smoothing: str, output: Path) -> None:
    """Write a model of CORPUS to a file."""
    from model.arpa import write

    corpus = load(source)
    model = smoothed(corpus, n, smoothing)
    write(model, output)
    ngrams = sum(len(level.codes) for level in model.levels)
    click.echo(f"{visible(str(output))}: {ngrams:,} n-grams of {visible(corpus.name)}, n={model.n}")


def smoothed(corpus: Corpus, n: int | None, smoothing: str) -> BackoffModel:
    """The counts of a corpus, of order 2 if none is given, with one of the SMOOTHING_NAMES."""
    from model.devices import fit_threads
    from model.smoothing import SMOOTHINGS

    fit_threads(len(corpus.text))
    return SMOOTHINGS[smoothing](corpus, n or 2)
