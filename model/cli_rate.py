"""`makemore rate`: a learning rate to train with."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from model.cli_options import (
    Command,
    batch_option,
    corpus_argument,
    device_option,
    json_option,
    network_option,
    order_option,
    print_json,
    recipe_option,
    seed_option,
)
from model.corpus import load
from model.recipe import ONE_LAYER, RECIPES, recipe_for

if TYPE_CHECKING:  # torch takes seconds to import
    from model.rate_finder import Found

COLUMNS = 60
LEVELS = "▁▂▃▄▅▆▇█"


@click.command(cls=Command)
@corpus_argument
@network_option
@order_option
@recipe_option
@seed_option
@batch_option
@device_option
@json_option
def rate(source: str, recipe_name: str | None, as_json: bool, **changes: Any) -> None:
    """Find a learning rate for a network on CORPUS.

    In one short run the rate rises from step to step, as in the range test of Smith 2017, until
    the loss diverges. What is suggested is a tenth of the rate at which the loss is lowest.
    """
    corpus = load(source)
    given = {field: value for field, value in changes.items() if value is not None}
    preset = RECIPES[recipe_name] if recipe_name else recipe_for(given.get("model", ONE_LAYER))
    recipe = preset.with_(**given)
    from model.rate_finder import STEPS, Found, find_rate

    found = Found()
    bar = click.progressbar(
        length=STEPS, label="trying rates", file=sys.stderr, hidden=not sys.stderr.isatty()
    )
    with bar:
        for found in find_rate(corpus, recipe):
            bar.update(len(found.rates) - bar.pos)
    if as_json:
        for each, loss in zip(found.rates, found.losses, strict=True):
            print_json({"rate": each, "loss": loss})
        print_json({"suggested": found.suggested})
        return
    click.echo(f"loss: {_curve(found)}")
    click.echo(f"rate: {found.rates[0]:g} to {found.rates[-1]:g}, lowest at {found.lowest:g}")
    click.echo(f"suggested: --learning-rate {found.suggested:g}")


def _curve(found: Found) -> str:
    """The smoothed losses as one line of bars; those above the first are as high as it is."""
    count = len(found.smoothed)
    columns = min(COLUMNS, count)
    losses = [found.smoothed[column * count // columns] for column in range(columns)]
    low, high = min(found.smoothed), found.smoothed[0]
    scale = (len(LEVELS) - 1) / (high - low) if high > low else 0
    bars = "".join(LEVELS[round((min(loss, high) - low) * scale)] for loss in losses)
    return f"{high:.4f} {bars} {found.smoothed[-1]:.4f}"
