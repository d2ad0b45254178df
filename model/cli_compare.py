"""`makemore compare`: the leaderboard without a screen."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path

import click

from model import runs
from model.alphabet import visible
from model.cli_options import Command, corpus_argument, runs_option
from model.corpus import Corpus, load
from model.errors import MakemoreError
from model.leaderboard_table import FIELDS, FORMATS, Entry, in_order

LOWEST, HIGHEST = 2, 10
STEPS = 1000
"""Of the progress bar."""


def _orders(_context: click.Context, _option: click.Parameter, text: str) -> range:
    match = re.fullmatch(r"(\d+)(?:-(\d+))?", text, re.ASCII)
    orders = range(int(match[1]), int(match[2] or match[1]) + 1) if match else range(0)
    if not orders or orders[0] < LOWEST or orders[-1] > HIGHEST:
        raise click.BadParameter(f"write {LOWEST} to {HIGHEST}, or a range of them, such as 2-6")
    return orders


@click.command(cls=Command)
@corpus_argument
@runs_option
@click.option("--orders", default="2-6", show_default=True, callback=_orders,
              help="Of the count models.")  # fmt: skip
@click.option("--test", is_flag=True, help="Look at the test words as well; keep that for the end.")
@click.option("--sort", metavar="FIELD", type=click.Choice(list(FIELDS)), default="dev",
              show_default=True, help=f"The best of it first: {', '.join(FIELDS)}.")  # fmt: skip
@click.option("--format", "style", default="table", show_default=True,
              type=click.Choice(list(FORMATS)))  # fmt: skip
@click.option("--json", "style", flag_value="json", help="The same as --format json.")
@click.option("--output", metavar="FILE", type=click.Path(path_type=Path),
              help="What to write to; a file that is there is replaced.")  # fmt: skip
def compare(
    source: str,
    root: Path | None,
    orders: range,
    test: bool,
    sort: str,
    style: str,
    output: Path | None,
) -> None:
    """Judge every run and count model of CORPUS by the same held-out words.

    NLLs are in nats per token. Count models are counted from the 80 % of the words that are for
    training; a run has dev and test figures if it has learnt from these too. 'unseen' is the NLL
    on those dev words, with --test test words, that do not stand in train.
    """
    corpus = load(source)
    entries = _judged(corpus, runs.all_runs(root or runs.default_root()), orders, test=test)
    text = FORMATS[style](in_order(entries, sort))
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise MakemoreError(
            f"{visible(str(output))} was not written: {error.strerror}; choose another place"
        ) from None
    click.echo(f"{len(entries):,} models in {visible(str(output))}", err=True)


def _judged(corpus: Corpus, found: Iterable[runs.Run], orders: range, *, test: bool) -> list[Entry]:
    from model.leaderboard import judged  # torch takes seconds to import

    entries: list[Entry] = []
    bar = click.progressbar(
        length=STEPS, label="judging", file=sys.stderr, hidden=not sys.stderr.isatty()
    )
    with bar:
        for progress in judged(corpus, found, orders, test=test):
            bar.update(int(progress.share * STEPS) - bar.pos)
            if progress.entry:
                entries.append(progress.entry)
        bar.update(STEPS - bar.pos)
    return entries
