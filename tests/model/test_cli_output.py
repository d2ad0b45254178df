"""`makemore`: nothing that it prints is obeyed by a terminal, and any script can be printed."""

import json
import os
import subprocess
import sys
import unicodedata

import pytest
from command_line import ROOT, Makemore, process

HOSTILE = "a\x1b[31mb\x07\x7f\x9bc\u202e"


@pytest.mark.parametrize(
    "arguments",
    [
        ["stats", "-"],
        ["train", "-", "--steps", "3"],
        ["sample", "-", "-n", "5"],
        ["score", HOSTILE, "--corpus", "-"],
        ["sample", "-", "--prefix", "\x1b[2J"],
    ],
    ids=["stats", "train", "sample", "score", "an error"],
)
def test_escape_sequences_are_printed_inert(makemore: Makemore, arguments: list[str]):
    result = makemore(*arguments, stdin=HOSTILE.encode())
    assert all(line.isprintable() for line in (result.out + result.err).split("\n"))
    assert "\u241b" in result.out + result.err


@pytest.mark.parametrize(
    ("arguments", "where"),
    [
        (["stats", "-"], "alphabet"),
        (["sample", "-", "-n", "5", "--count", "1"], "word"),
        (["score", HOSTILE, "--corpus", "-"], "word"),
    ],
    ids=["stats", "sample", "score"],
)
def test_json_holds_no_control_characters(makemore: Makemore, arguments: list[str], where: str):
    result = makemore(*arguments, "--json", stdin=HOSTILE.encode())
    assert set(result.lines[0][where]) == set(HOSTILE)
    controls = {character for character in result.out if unicodedata.category(character) == "Cc"}
    assert controls == {"\n"}


@pytest.mark.parametrize("command", ["stats", "sample"])
@pytest.mark.parametrize("options", [[], ["--json"]], ids=["text", "JSON"])
def test_any_script_is_printed_where_the_output_has_a_small_character_set(
    command: str, options: list[str]
):
    result = process(command, "hebrew-first-names", *options, PYTHONIOENCODING="latin-1")
    assert result.status == 0, result.err
    if options:
        assert any("\u05d0" in str(line) for line in result.lines)


def test_an_argument_that_is_not_utf8_is_scored_as_json():
    command = [os.fsencode(sys.executable), b"-m", b"model", b"score", b"a\xff", b"--json"]
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False)
    assert result.stderr == b""
    assert json.loads(result.stdout)["nll"] is None
