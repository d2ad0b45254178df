"""`makemore`: nothing that it prints is obeyed by a terminal, and any script can be printed."""

import json
import os
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from command_line import ROOT, WORDS, Makemore, process

from model.alphabet import visible

HOSTILE = "\u0301a\x1b[31mb\x07\x7f\x9bc\u202e\u034f\ufe0f\u3164"


@pytest.mark.parametrize(
    "arguments",
    [
        ["stats", "-"],
        ["train", "-", "--steps", "3"],
        ["sample", "-", "-n", "5"],
        ["score", HOSTILE, "--corpus", "-"],
        ["sample", "-", "--prefix", f"\x1b[2J{HOSTILE}"],
        ["stats", HOSTILE],
        ["stats", f"~{HOSTILE}/words.txt"],
        ["score", "word", "--corpus", HOSTILE],
    ],
    ids=["stats", "train", "sample", "score", "a prefix", "a file", "a home", "another file"],
)
def test_escape_sequences_are_printed_inert(makemore: Makemore, arguments: list[str]):
    result = makemore(*arguments, stdin=HOSTILE.encode())
    lines = [*result.out.split("\n"), *result.err.split("\n")]
    assert lines == list(map(visible, lines))
    assert "\u241b" in result.out + result.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["stats", "words.txt", HOSTILE],
        ["train", "words.txt", HOSTILE],
        ["runs", "rename", "one", "other", HOSTILE],
        ["stats", "-n", HOSTILE],
        ["sample", "--model", HOSTILE],
    ],
    ids=["an argument", "of train", "of runs", "a number", "a choice"],
)
def test_wrong_usage_is_printed_inert(makemore: Makemore, arguments: list[str]):
    result = makemore(*arguments)
    assert result.status == 2
    assert result.out == ""
    assert result.err.split("\n") == list(map(visible, result.err.split("\n")))


def test_the_name_of_a_file_is_printed_inert(makemore: Makemore, tmp_path: Path):
    path = tmp_path / f"{HOSTILE}.txt"
    path.write_bytes(WORDS)
    assert f"corpus        {visible(path.name)}\n" in makemore("stats", str(path)).out


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
