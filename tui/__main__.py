"""`makemore-tui`: the workbench on the screen."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path

import click

from model import __version__
from model.cli_options import Command, runs_option
from model.corpus import DEFAULT, STANDARD_INPUT, load
from model.errors import MakemoreError
from model.runs import default_root, find
from tui.signals import Signals


@click.command(cls=Command, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("source", metavar="[CORPUS]", default="")
@click.option("--run", "wanted", metavar="RUN", default="",
              help="Open this run: follow it if it is trained, or go on with it.")  # fmt: skip
@runs_option
@click.option("--tour", is_flag=True, help="Be shown round: the notebook in a dozen short steps.")
@click.option("--ascii/--no-ascii", default=None,
              help="Show ASCII alone, or all characters, whatever terminal this is.")  # fmt: skip
@click.option("--low-bandwidth/--no-low-bandwidth", default=None,
              help="Send less to the terminal, as is done over SSH, or all.")  # fmt: skip
@click.version_option(__version__)
def main(
    source: str,
    wanted: str,
    root: Path | None,
    tour: bool,
    ascii: bool | None,
    low_bandwidth: bool | None,
) -> None:
    """A workbench for character-level language models.

    CORPUS is a file with one word a line, "-" for standard input, or the name of a built-in corpus
    such as german-last-names; without it, english-first-names. In the app, ? shows every key.
    """
    gc.disable()  # until the first picture: there is no garbage yet, and looking for it takes time
    signals = Signals()
    if source and wanted:
        raise click.UsageError("a run has its own corpus: name one or the other")
    corpus = run = None
    if wanted:
        try:
            run = find(root or default_root(), wanted)
        except MakemoreError as error:
            raise click.ClickException(str(error)) from None
    if source == STANDARD_INPUT:
        try:
            corpus = load(source)
        except MakemoreError as error:
            raise click.ClickException(str(error)) from None
        _read_keys_from_terminal()
    if sys.stdin is None or not sys.stdin.isatty():  # pyright: ignore[reportUnnecessaryComparison]
        raise click.ClickException("there is no terminal to read keys from; makemore needs none")

    from tui.app import MakemoreApp

    app = MakemoreApp(
        source or DEFAULT,
        corpus,
        runs=root,
        run=run,
        tour=tour,
        ascii=ascii,
        low_bandwidth=low_bandwidth,
    )
    status = signals.run(app)
    if farewell := app.farewell():
        click.echo(farewell, err=True)
    sys.exit(status)


def _read_keys_from_terminal() -> None:
    """Put the terminal in the place of the standard input, which has been read to its end."""
    try:
        terminal = os.open("/dev/tty", os.O_RDWR)
    except OSError:
        raise click.ClickException("there is no terminal to read keys from") from None
    os.dup2(terminal, 0)


if __name__ == "__main__":
    main(prog_name="makemore-tui")
