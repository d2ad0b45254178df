"""`makemore train`, `attach` and `runs`: runs that outlive the terminal."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from model import runs
from model.alphabet import visible
from model.cli_options import (
    Command,
    Group,
    batch_option,
    checkpoint_option,
    corpus_argument,
    detach_option,
    device_option,
    json_option,
    l2_option,
    learning_rate_option,
    network_option,
    order_option,
    print_json,
    recipe_option,
    runs_option,
    schedule_option,
    seed_option,
)
from model.corpus import load
from model.distributed import Processes, together
from model.errors import MakemoreError
from model.recipe import (
    DATA,
    DEVICES,
    MOST_STEPS,
    ONE_LAYER,
    OPTIMISERS,
    RECIPES,
    Recipe,
    recipe_for,
)
from model.run_table import compared, figures, written
from model.runs import Run, attach_command

if TYPE_CHECKING:  # torch takes seconds to import
    from model.corpus import Corpus
    from model.training_session import TrainingSession


@click.command(cls=Command)
@corpus_argument
@network_option
@order_option
@recipe_option
@click.option("--steps", type=click.IntRange(1, MOST_STEPS), help="Instead of the recipe's.")
@seed_option
@learning_rate_option
@schedule_option
@batch_option
@l2_option
@click.option("--data", type=click.Choice(DATA), help="Learn from all words, or from the 80 % of "
              "them that are for training.  [default: the recipe's]")  # fmt: skip
@click.option("--optimiser", type=click.Choice(OPTIMISERS), help="Instead of the recipe's.")
@click.option("--warmup", type=click.IntRange(0, MOST_STEPS),
              help="Steps in which the learning rate rises.")  # fmt: skip
@click.option("--weight-decay", type=click.FloatRange(0, 1),
              help="Share of the weights, times the rate, that a step takes off.")  # fmt: skip
@click.option("--clip", type=click.FloatRange(min=0), help="The longest gradient; 0 for any.")
@click.option("--width", type=click.IntRange(1), help="Of the network's embeddings.")
@click.option("--hidden", type=click.IntRange(1), help="Of its hidden layer or state.")
@click.option("--layers", type=click.IntRange(1), help="Of a transformer.")
@click.option("--heads", type=click.IntRange(1), help="Of each of these layers.")
@click.option("--dropout", type=click.FloatRange(0, 1, max_open=True),
              help="The share of activations that a step drops.")  # fmt: skip
@device_option
@click.option("--name", default="", help="Of the run.  [default: after CORPUS, with a number]")
@runs_option
@checkpoint_option
@detach_option
@json_option
@together
def train(
    source: str,
    recipe_name: str | None,
    name: str,
    root: Path | None,
    checkpoint_every: float,
    detach: bool,
    as_json: bool,
    processes: Processes,
    **changes: Any,
) -> None:
    """Train a network on CORPUS, with a line at each report.

    The run is kept in a folder of its own, with a checkpoint now and then and at every end, and
    `makemore attach` follows it from elsewhere. Under torchrun, all its processes train it.
    """
    _check(detach, processes)
    corpus = load(source)
    given = {field: value for field, value in changes.items() if value is not None}
    preset = RECIPES[recipe_name] if recipe_name else recipe_for(given.get("model", ONE_LAYER))
    recipe = preset.with_(**given)
    if recipe.device != "auto":
        from model.devices import choose

        choose(recipe.device)  # or say at once that there is none, and leave no folder behind
    run = _new_run(root or runs.default_root(), corpus, recipe, name, must=detach)
    if run is not None and detach:
        with _clean(run):
            _detach(run, as_json, "--checkpoint-every", str(checkpoint_every))
        return
    session = _session(checkpoint_every, processes)
    if run is None:
        session.start(corpus, recipe)
    else:
        session.restore(run, corpus, paused=False)
    with _clean(run):
        _train(session, processes, as_json)


def _new_run(root: Path, corpus: Corpus, recipe: Recipe, name: str, *, must: bool) -> Run | None:
    """The folder of a new run; without room for one the training goes on all the same."""
    try:
        return runs.create(root, corpus, recipe, name)
    except OSError as error:
        place = visible(str(root))
        reason = (
            f"no run can be kept in {place} ({error.strerror}); choose another place with --runs"
        )
        if must:
            raise MakemoreError(reason) from None
        click.echo(f"warning: {reason}", err=True)
        return None


def _check(detach: bool, processes: Processes) -> None:
    if detach and processes.count > 1:
        raise MakemoreError(
            "--detach cannot take torchrun's processes with it; leave it out, and start torchrun "
            "itself in tmux, or behind setsid"
        )


def _session(checkpoint_every: float, processes: Processes) -> TrainingSession:
    from model.training_session import TrainingSession

    # There is no screen whose thread must get its turn.
    return TrainingSession(checkpoint_seconds=checkpoint_every, breath=0, processes=processes)


@contextmanager
def _clean(run: Run | None) -> Generator[None]:
    """Leave no folder of a new run that never began."""
    try:
        yield
    except MakemoreError:
        if run is not None and not run.checkpoints:
            run.delete()
        raise


def _train(session: TrainingSession, processes: Processes, as_json: bool) -> None:
    from model.following import follow, print_end

    print_end(follow(session, processes, as_json=as_json), as_json=as_json)


def _detach(run: Run, as_json: bool, *options: str) -> None:
    from model.detached import detach

    process = detach(run, *options)
    if as_json:
        print_json({"run": run.id, "process": process, "folder": str(run.folder)})
    else:
        name = visible(run.name)
        follow = attach_command(run.folder)
        click.echo(f"{name} is trained by process {process}; `{follow}` follows it")


@click.command(cls=Command)
@click.argument("wanted", metavar="[RUN]", default="")
@runs_option
@json_option
def attach(wanted: str, root: Path | None, as_json: bool) -> None:
    """Follow and steer RUN while another process trains it; without RUN, the one that is.

    Lines typed meanwhile are commands: pause, resume, step, stop, lr RATE, schedule NAME,
    batch WORDS, l2 PENALTY, speed STEPS_PER_SECOND (or full), samples [COUNT], quit. The run goes
    on when you leave.
    """
    from model.attaching import follow

    follow(_live(root or runs.default_root(), wanted), as_json=as_json)


def _live(root: Path, wanted: str) -> Run:
    if wanted:
        return runs.find(root, wanted)
    live = [run for run in runs.all_runs(root) if run.live]
    if len(live) == 1:
        return live[0]
    names = ", ".join(visible(run.name) for run in live)
    where = visible(str(root))
    raise MakemoreError(f"name one of {names}" if live else f"no run is being trained in {where}")


@click.group("runs", cls=Group, invoke_without_command=True)
@runs_option
@click.pass_context
def runs_group(context: click.Context, root: Path | None) -> None:
    """List, compare, rename, delete and resume the runs that were kept.

    RUN is a name, or the beginning of one.
    """
    context.obj = root or runs.default_root()
    if context.invoked_subcommand is None:
        context.invoke(list_runs)


@runs_group.command("list")
@click.argument("text", default="")
@json_option
@click.pass_obj
def list_runs(root: Path, text: str = "", as_json: bool = False) -> None:
    """List the runs, the newest first; only those in whose names, corpora or state TEXT occurs."""
    rows = [row for run in runs.all_runs(root) if matches(row := figures(run), text)]
    if as_json:
        for row in rows:
            print_json(row)
        return
    if not rows:
        known = f"with '{visible(text)}' " if text else ""
        click.echo(f"no runs {known}in {visible(str(root))}; `makemore train` makes one", err=True)
        return
    head = ["run", "corpus", "recipe", "n", "state", "step", "loss", "gap", "begun (UTC)"]
    lines = [head]
    for row in rows:
        state = row["phase"] + (f" ({row['process']})" if row["process"] else "")
        step = f"{row['step']:,}/{row['steps']:,}"
        created = row["created"][:16].replace("T", " ")
        figures_of = [written(name, row[name]) for name in ("loss", "gap")]
        texts = [row["name"], row["corpus"], row["recipe"], str(row["n"]), state, step]
        lines.append([visible(text) for text in (*texts, *figures_of, created)])
    click.echo(_table(lines))


def matches(row: dict[str, Any], text: str) -> bool:
    """Whether a run is one of those that are looked for."""
    searched = (row["name"], row["id"], row["corpus"], row["recipe"], row["phase"])
    return text.lower() in " ".join(searched).lower()


@runs_group.command()
@click.argument("wanted", metavar="RUN...", nargs=-1, required=True)
@json_option
@click.pass_obj
def compare(root: Path, wanted: tuple[str, ...], as_json: bool) -> None:
    """Show what fixes each RUN and what came of it, side by side; '*' marks what differs."""
    found = [runs.find(root, each) for each in wanted]
    if as_json:
        for run in found:
            print_json(figures(run))
        return
    lines = [
        ["*" if line.differs and len(found) > 1 else " ", line.name, *map(visible, line.values)]
        for line in compared(found)
    ]
    click.echo(_table(lines))


@runs_group.command()
@click.argument("wanted", metavar="RUN")
@click.argument("name")
@click.pass_obj
def rename(root: Path, wanted: str, name: str) -> None:
    """Call RUN something else; its folder stays where it is."""
    run = runs.find(root, wanted)
    click.echo(f"{visible(run.name)} is now {visible(run.rename(name).name)}")


@runs_group.command()
@click.argument("wanted", metavar="RUN...", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def delete(root: Path, wanted: tuple[str, ...], yes: bool) -> None:
    """Delete each RUN with all that is in its folder."""
    found = [runs.find(root, each) for each in wanted]
    names = ", ".join(visible(run.name) for run in found)
    if not yes:
        click.confirm(f"delete {names} for good?", abort=True, err=True)
    for run in found:
        run.delete()
        click.echo(f"{visible(run.name)} is deleted")


@runs_group.command()
@click.argument("wanted", metavar="RUN")
@learning_rate_option
@schedule_option
@batch_option
@l2_option
@click.option("--device", type=click.Choice(DEVICES), help="Another one than before.")
@click.option("--paused", is_flag=True, help="Wait at the checkpoint until somebody resumes it.")
@checkpoint_option
@detach_option
@json_option
@click.pass_obj
@together
def resume(
    root: Path,
    wanted: str,
    device: str | None,
    paused: bool,
    checkpoint_every: float,
    detach: bool,
    as_json: bool,
    processes: Processes,
    **given: Any,
) -> None:
    """Go on with RUN from its last checkpoint, as if it had never stopped.

    Under torchrun, all its processes do, however many trained it before.
    """
    _check(detach, processes)
    run = runs.find(root, wanted)
    changes = {name: value for name, value in given.items() if value is not None}
    if "batch_size" in changes and not run.recipe.batch_size:
        name = visible(run.name)
        raise MakemoreError(f"{name} learns from all words at once: leave out --batch-size")
    if detach:
        options = {**changes, "checkpoint_every": checkpoint_every}
        if device is not None:
            options["device"] = device
        written = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
        _detach(run, as_json, *written, *["--paused"] * paused)
        return
    session = _session(checkpoint_every, processes)
    session.restore(run, run.load_corpus(), paused=paused, device=device, changes=changes)
    _train(session, processes, as_json)


def _table(lines: list[list[str]]) -> str:
    """Lines of texts in columns."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
