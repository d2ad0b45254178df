"""`makemore`: the engine without a screen.

Results go to standard output, progress and messages to standard error.
"""

from __future__ import annotations

import math
import signal
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from model import __version__
from model.alphabet import normalise, visible
from model.cli_arpa import arpa_group
from model.cli_compare import compare
from model.cli_counting import counted, counted_together, memory_option
from model.cli_options import (
    Group,
    corpus_argument,
    json_option,
    order_option,
    print_json,
    smoothing_option,
)
from model.cli_rate import rate
from model.cli_runs import attach, runs_group, train
from model.corpus import DEFAULT, load
from model.distributed import Processes, together
from model.draws import MOST_SEED, MOST_WORDS, Draws
from model.errors import MakemoreError
from model.nets import NETWORKS
from model.recipe import ONE_LAYER, RECIPES, recipe_for

if TYPE_CHECKING:  # torch takes seconds to import: `--help` and wrong usage do not wait for it
    from collections.abc import Callable

    from model.language_model import LanguageModel

MODELS = ("counts", *NETWORKS)


class _Group(Group):
    """Turns every error that a user can mend into one line and exit status 1."""

    def invoke(self, ctx: click.Context) -> Any:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):  # a terminal may not know every script
                stream.reconfigure(errors="backslashreplace")
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            sys.exit(128 + signal.SIGINT)
        except MakemoreError as error:
            raise click.ClickException(str(error)) from None
        except (MemoryError, RuntimeError) as error:
            if isinstance(error, RuntimeError) and "memory" not in str(error):
                raise
            raise click.ClickException("out of memory; take a lower n or fewer words") from None


model_option = click.option(
    "--model",
    "model_name",
    type=click.Choice(MODELS),
    default="counts",
    show_default=True,
    help="A network is first trained: the one-layer with the recipe 'converge', another with its "
    "own, which takes minutes.",
)
add_k_option = click.option(
    "--add-k",
    "k",
    metavar="K",
    type=click.FloatRange(min=0),
    default=0.0,
    help="Add K to every count; without it, what never occurs is impossible.",
)
arpa_option = click.option(
    "--arpa",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Take the model from a file in the ARPA format.",
)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
    """Character-level language models of a list of words.

    CORPUS is a file with one word a line, "-" for standard input, or the name of a built-in corpus
    such as german-last-names; without it, english-first-names. makemore-names is fetched once.
    A file may be of any size for stats, sample, score and arpa export, with counts.
    """


@main.command()
@corpus_argument
@order_option
@memory_option
@json_option
@together
def stats(
    source: str, n: int | None, memory: float | None, as_json: bool, processes: Processes
) -> None:
    """Describe CORPUS, which may be a file of any size, and its n-grams."""
    if processes.count == 1:
        corpus = counted(source, n, memory, words=True)
    elif memory is None:
        corpus = counted_together(source, n, processes)
    else:
        raise MakemoreError("--memory is for one process; leave it out, or torchrun")
    ngrams = corpus.ngrams
    figures = {
        "words": corpus.word_count,
        "unique_words": corpus.unique_words,
        "characters": corpus.characters,
        "examples": ngrams.total,
        "alphabet": ngrams.alphabet.characters,
        "n": ngrams.n,
        "contexts": len(ngrams.contexts),
        "outcomes": len(ngrams.alphabet),
        "floor": ngrams.floor,
    }
    if as_json:
        print_json(figures)
        return
    click.echo(f"corpus        {visible(corpus.name)}")
    for name, value in figures.items():
        label = name.replace("_", " ")
        if isinstance(value, float):
            bits, perplexity = value / math.log(2), math.exp(value)
            text = f"{value:.4f} nats, {bits:.4f} bits, perplexity {perplexity:.2f}"
        elif value is None:
            text = "not counted: they take too much memory"
        else:
            text = visible(value) if isinstance(value, str) else f"{value:,}"
        click.echo(f"{label:<13} {text}")


@main.command()
@corpus_argument
@model_option
@order_option
@click.option("--count", type=click.IntRange(1, MOST_WORDS), default=10, show_default=True)
@click.option("--seed", type=click.IntRange(0, MOST_SEED), default=0, show_default=True,
              help="The same seed draws the same words.")  # fmt: skip
@click.option("--prefix", default="", help="What every word begins with.")
@click.option("--temperature", type=click.FloatRange(min=0, min_open=True), default=1.0,
              show_default=True, help="Below 1 likelier words, above odder ones.")  # fmt: skip
@click.option("--top-k", type=click.IntRange(min=1), help="Draw from the K likeliest tokens only.")
@click.option("--max-length", type=click.IntRange(min=1), default=100, show_default=True,
              help="Characters after which a word is cut.")  # fmt: skip
@add_k_option
@smoothing_option
@arpa_option
@memory_option
@json_option
def sample(
    source: str,
    model_name: str,
    n: int | None,
    k: float,
    smoothing: str | None,
    arpa: Path | None,
    memory: float | None,
    as_json: bool,
    **draws: Any,
) -> None:
    """Draw new words from a model of CORPUS."""
    from model.sampling import sample as draw

    draws["prefix"] = normalise(draws["prefix"])
    settings = Draws(**draws)
    has: Callable[[str], bool | None]
    if arpa:
        model, has = _read(arpa), counted(source, None, memory, words=True).has
    else:
        model, has = _model(source, model_name, n, k, smoothing, memory, words=True)
    for word in draw(model, settings):
        in_corpus = has(word.word)
        if as_json:
            print_json({"word": word.word, "nll": _finite(word.nll), "in_corpus": in_corpus})
        else:
            notes = {
                "boundary": {True: "in corpus", False: "new", None: ""}[in_corpus],
                "unseen": "ended in a context never seen",
                "length": "cut at the maximum length",
            }
            click.echo(f"{visible(word.word):<24} {word.nll:8.4f}  {notes[word.ending]}")


@main.command()
@click.argument("words", nargs=-1, required=True, metavar="WORD...")
@click.option("--corpus", "source", metavar="CORPUS", default=DEFAULT, show_default=True)
@model_option
@order_option
@add_k_option
@smoothing_option
@arpa_option
@memory_option
@json_option
def score(
    words: tuple[str, ...],
    source: str,
    model_name: str,
    n: int | None,
    k: float,
    smoothing: str | None,
    arpa: Path | None,
    memory: float | None,
    as_json: bool,
) -> None:
    """Show how likely each character of each WORD is."""
    from model.scoring import score as score_word

    if arpa:
        model = _read(arpa, "source")
    else:
        model, _ = _model(source, model_name, n, k, smoothing, memory)
    for word in map(normalise, words):
        result = score_word(model, word)
        if as_json:
            tokens = [
                {
                    "context": token.context,
                    "outcome": token.outcome,
                    "p": token.p,
                    "nll": _finite(token.nll),
                }
                for token in result.tokens
            ]
            totals = {"nll": _finite(result.nll), "nll_per_token": _finite(result.nll_per_token)}
            print_json({"word": word, **totals, "tokens": tokens})
            continue
        click.echo(f"{visible(word)}: {_nats(result.nll)}, {_nats(result.nll_per_token)} per token")
        for token in result.tokens:
            p = f"p={token.p:.4f}  {_nats(token.nll)}" if token.p else "impossible"
            click.echo(f"  {token.context} -> {token.outcome}  {p}")


def _model(
    source: str,
    name: str,
    n: int | None,
    k: float,
    smoothing: str | None,
    memory: float | None,
    words: bool = False,
) -> tuple[LanguageModel, Callable[[str], bool | None]]:
    """The model called `name`, trained if it is a network; and what knows the corpus's words."""
    if k and name != "counts":
        raise click.BadParameter(f"only counts can be added to, not {name}", param_hint="--add-k")
    if smoothing and name != "counts":
        raise click.BadParameter(f"only for counts, not for {name}", param_hint="--smoothing")
    if smoothing and k:
        raise click.BadParameter("take it, or --add-k, but not both", param_hint="--smoothing")
    if name == "counts":
        from model.counts import CountModel
        from model.smoothing import smooth

        counts = counted(source, n, memory, words=words)
        ngrams = counts.ngrams
        return smooth(ngrams, smoothing) if smoothing else CountModel(ngrams, k), counts.has
    from model.training import Trainer

    corpus = load(source)
    recipe = RECIPES["converge"] if name == ONE_LAYER else recipe_for(name)
    trainer = Trainer(corpus, recipe.with_(n=n) if n else recipe)
    with click.progressbar(
        length=trainer.recipe.steps, label="training", file=sys.stderr
    ) as progress:
        for _ in trainer.run():
            progress.update(trainer.step - progress.pos)
    return trainer.best(), lambda word: word in corpus.vocabulary


def _read(path: Path, *others: str) -> LanguageModel:
    """The model in a file, beside which no parameter may choose one."""
    from model.arpa import read

    context = click.get_current_context()
    for parameter in context.command.params:
        if parameter.name in {"model_name", "n", "k", "smoothing", *others} and (
            context.get_parameter_source(parameter.name) is ParameterSource.COMMANDLINE
        ):
            message = "leave it out, for the model is in the file of --arpa"
            raise click.BadParameter(message, param_hint=parameter.opts[-1])
    return read(path)


def _finite(number: float) -> float | None:
    """JSON knows no infinity: what is impossible has no NLL."""
    return number if math.isfinite(number) else None


def _nats(number: float) -> str:
    return f"{number:.4f} nats" if math.isfinite(number) else "impossible"


for command in (train, rate, attach, runs_group, arpa_group, compare):
    main.add_command(command)

if __name__ == "__main__":
    main()
