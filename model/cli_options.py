"""What the commands of `makemore` have in common."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from model.alphabet import visible
from model.corpus import DEFAULT
from model.draws import MOST_SEED
from model.nets import NETWORKS
from model.order import ORDERS
from model.recipe import DEVICES, MOST_BATCH, RECIPES, SCHEDULES


class Command(click.Command):
    """Shows inert what is wrong with its arguments: click repeats some of them as they are."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take the arguments, or raise UsageError."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            raise click.UsageError(visible(error.format_message()), ctx) from None


class Group(click.Group):
    """Commands of that kind."""

    command_class = Command


corpus_argument = click.argument("source", metavar="[CORPUS]", default=DEFAULT)
order_option = click.option(
    "-n",
    type=click.IntRange(ORDERS.start, ORDERS.stop - 1),
    help="The order; 2: bigram.  [default: 2, or the recipe's]",
)
network_option = click.option(
    "--model", type=click.Choice(list(NETWORKS)), help="Which network.  [default: the recipe's]"
)
recipe_option = click.option(
    "--recipe",
    "recipe_name",
    type=click.Choice(list(RECIPES)),
    help="'notebook' adds up its gradients, 'converge' reaches the floor, the others are the "
    "networks' own.  [default: the network's, or notebook]",
)
seed_option = click.option(
    "--seed", type=click.IntRange(0, MOST_SEED), help="Of the network's start.  [default: 0]"
)
device_option = click.option(
    "--device", type=click.Choice(DEVICES), default="auto", show_default=True
)
SMOOTHING_NAMES = ("witten-bell", "absolute", "kneser-ney")
smoothing_option = click.option(
    "--smoothing",
    type=click.Choice(SMOOTHING_NAMES),
    help="Lend what never occurs some probability, as shorter contexts say.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
runs_option = click.option(
    "--runs",
    "root",
    metavar="DIR",
    envvar="MAKEMORE_RUNS",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where runs are kept.  [default: in the user's data directory]",
)
learning_rate_option = click.option(
    "--learning-rate",
    type=click.FloatRange(min=0, min_open=True),
    help="The highest of the schedule.  [default: the recipe's]",
)
schedule_option = click.option(
    "--schedule", type=click.Choice(list(SCHEDULES)), help="Instead of the recipe's."
)
batch_option = click.option(
    "--batch-size",
    metavar="WORDS",
    type=click.IntRange(1, MOST_BATCH),
    help="In a step.  [default: the recipe's]",
)
l2_option = click.option(
    "--l2",
    type=click.FloatRange(min=0),
    help="Add L2 times the mean of the weights squared to what is minimised; the loss that is "
    "shown stays without it.",
)
detach_option = click.option(
    "--detach", is_flag=True, help="Train in a process that no terminal owns, and return."
)
checkpoint_option = click.option(
    "--checkpoint-every",
    metavar="SECONDS",
    type=click.FloatRange(min=0, min_open=True),
    default=10.0,
    show_default=True,
    help="From one checkpoint to the next.",
)


def print_json(line: dict[str, Any]) -> None:
    """Write an object to standard output, on a line of its own."""
    click.echo(json.dumps(line))
