"""`makemore arpa`: smoothed counts for other programs."""

from __future__ import annotations

from pathlib import Path

import click

from model.alphabet import visible
from model.cli_counting import counted, memory_option
from model.cli_options import SMOOTHING_NAMES, Group, corpus_argument, order_option


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
@memory_option
def export(source: str, n: int | None, smoothing: str, output: Path, memory: float | None) -> None:
    """Write a model of CORPUS, which may be a file of any size, to a file."""
    from model.arpa import write
    from model.smoothing import smooth

    counts = counted(source, n, memory)
    model = smooth(counts.ngrams, smoothing)
    write(model, output)
    ngrams = sum(len(level.codes) for level in model.levels)
    click.echo(f"{visible(str(output))}: {ngrams:,} n-grams of {visible(counts.name)}, n={model.n}")
