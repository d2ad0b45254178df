"""The README says what the code does."""

import re
from pathlib import Path

import pytest
from click import Command, Group, Option

from model.cli import main as makemore
from model.corpus import FAKER_LOCALES, GALLERY
from tui.__main__ import main as makemore_tui
from tui.keys import KEYS
from tui.panes.every import PANES
from tui.screens.help import shown
from tui.widgets.heat_map import HeatMap

OF_OTHERS = {
    *("--snapshot-update", "--hypothesis-profile"),
    *("--standalone", "--nproc-per-node", "--no-python", "--nnodes", "--node-rank"),
    *("--master-addr", "--rdzv-endpoint"),
}
"""Options of pytest and of torchrun."""
README = Path(__file__).parent.parent.joinpath("README.md").read_text(encoding="utf-8")


def test_every_key_is_in_the_readme():
    own = [binding for owner in (*PANES, HeatMap) for binding in owner.BINDINGS]
    keys = [shown(binding) for binding in (*KEYS, *own)]
    assert [key for key in keys if f"`{key}`" not in README] == []


def test_every_command_and_option_is_in_the_readme():
    assert isinstance(makemore, Group)
    for name, command in makemore.commands.items():
        usage = usage_of(name)
        assert {option for option in options(command) if option not in usage} == set()
        for below in command.commands if isinstance(command, Group) else ():
            assert below in usage


@pytest.mark.parametrize("option", sorted(set(re.findall(r"--[a-z][a-z-]+", README))))
def test_every_option_of_the_readme_exists(option: str):
    assert isinstance(makemore, Group)
    commands = (*makemore.commands.values(), makemore_tui)
    known = {each for command in commands for each in options(command)}
    assert option in known | OF_OTHERS


def test_the_number_of_built_in_corpora_is_told_rightly():
    changelog = Path(__file__).parent.parent.joinpath("CHANGELOG.md").read_text(encoding="utf-8")
    assert f"{len(GALLERY)} built-in corpora" in changelog
    assert len(FAKER_LOCALES) >= 8


def usage_of(command: str) -> str:
    usages = re.findall(rf"^makemore {command} .*\n(?: +.*\n)*", README, re.MULTILINE)
    assert usages, command
    return "".join(usages)


def options(command: Command) -> set[str]:
    """Those of a command, and of the commands below it."""
    below = command.commands.values() if isinstance(command, Group) else ()
    return {option for each in below for option in options(each)} | {
        name if option.name != "n" else "-n"
        for option in command.params
        if isinstance(option, Option)
        for name in (option.opts[-1], *option.secondary_opts)
    }
