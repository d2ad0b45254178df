"""`makemore compare`: the leaderboard without a screen."""

import csv
import json
import os
import re
import sys
from pathlib import Path

import pytest
from command_line import Makemore, process
from running import CORPUS, QUICK, kept_run
from trainers import run_process

from model.leaderboard import judged
from model.leaderboard_table import FIELDS
from model.smoothing import SMOOTHINGS

WORDS = CORPUS.text.encode()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "runs"


def compare(makemore: Makemore, root: Path, *arguments: str):
    return makemore("compare", "-", "--runs", str(root), "--orders", "3", *arguments, stdin=WORDS)


def test_it_has_the_figures_of_the_leaderboard(makemore: Makemore, root: Path):
    kept_run(root, QUICK.with_(data="train"), 101, corpus=CORPUS).rename("mine")
    lines = compare(makemore, root, "--json").lines
    expected = [each.entry for each in judged(CORPUS, orders=[3]) if each.entry]
    by_name = {line["name"]: line for line in lines}
    for entry in expected:
        line = by_name[entry.name]
        assert line["train"] == pytest.approx(entry.train)
        assert line["parameters"] == entry.parameters
        assert line["test"] is None
    assert by_name["mine"]["kind"] == "one-layer"
    assert set(by_name) >= {"unsmoothed", "add-k", *SMOOTHINGS, "mine"}


def test_the_best_on_dev_stands_first_unless_asked_otherwise(makemore: Makemore, root: Path):
    lines = compare(makemore, root, "--json").lines
    devs = [line["dev"] for line in lines if line["dev"] is not None]
    assert devs == sorted(devs)
    names = [line["name"] for line in compare(makemore, root, "--json", "--sort", "name").lines]
    assert names == sorted(names)


def test_test_figures_are_there_when_asked_for(makemore: Makemore, root: Path):
    line = compare(makemore, root, "--test", "--json").lines[0]
    assert line["test"] > 0


def test_a_table_for_people_is_the_default(makemore: Makemore, root: Path):
    result = compare(makemore, root)
    assert result.status == 0
    assert result.err == ""
    head, *rows = result.out.splitlines()
    assert head.split() == [field.head for field in FIELDS.values()]
    assert len(rows) == 2 + len(SMOOTHINGS)


@pytest.mark.parametrize(("orders", "expected"), [("2", {2}), ("2-4", {2, 3, 4}), ("10", {10})])
def test_orders_say_which_count_models_take_part(
    orders: str, expected: set[int], makemore: Makemore, root: Path
):
    result = makemore(
        "compare", "-", "--runs", str(root), "--orders", orders, "--json", stdin=WORDS
    )
    assert {line["n"] for line in result.lines} == expected


@pytest.mark.parametrize("orders", ["", "1", "5-3", "2-11", "2,3", "many", "²", "-3"])
def test_orders_that_are_none_are_wrong_usage(orders: str, makemore: Makemore):
    result = makemore("compare", "-", "--orders", orders)
    assert (result.status, result.out) == (2, "")
    assert "such as 2-6" in result.err


def test_a_file_takes_the_place_of_standard_output(makemore: Makemore, root: Path, tmp_path: Path):
    file = tmp_path / "board.csv"
    file.write_text("what was there before")
    result = compare(makemore, root, "--format", "csv", "--output", str(file))
    assert (result.status, result.out) == (0, "")
    assert f"5 models in {file}" in result.err
    rows = list(csv.DictReader(file.open(newline="")))
    assert {row["name"] for row in rows} == {"unsmoothed", "add-k", *SMOOTHINGS}


def test_a_file_that_cannot_be_written_fails_with_one_line(
    makemore: Makemore, root: Path, tmp_path: Path
):
    result = compare(makemore, root, "--output", str(tmp_path / "nowhere" / "board.md"))
    assert result.status == 1
    assert result.err.count("\n") == 1
    assert "No such file or directory; choose another place" in result.err


def test_markdown_is_a_table_of_markdown(makemore: Makemore, root: Path):
    lines = compare(makemore, root, "--format", "markdown").out.splitlines()
    assert re.fullmatch(r"(\| -+:? )+\|", lines[1])
    assert {line.count(" | ") for line in lines} == {len(FIELDS) - 1}


def test_too_few_words_fail_with_one_line(makemore: Makemore, root: Path):
    result = makemore("compare", "-", "--runs", str(root), stdin=b"emma\nava\n")
    assert (result.status, result.out) == (1, "")
    assert "too few to hold any out" in result.err
    assert result.err.count("\n") == 1


def test_a_pipe_gets_no_progress_bar(root: Path):
    result = process("compare", "-", "--runs", str(root), "--orders", "2", "--json", stdin=WORDS)
    assert result.err == ""
    assert len(result.lines) == 2 + len(SMOOTHINGS)


def test_a_terminal_gets_a_progress_bar_that_comes_to_its_end(root: Path, tmp_path: Path):
    words = tmp_path / "words.txt"
    words.write_bytes(WORDS)
    command = [sys.executable, "-m", "model", "compare", str(words), "--runs", str(root), "--json"]
    keys, screen = os.openpty()
    with run_process(command, stderr=screen) as running:
        os.close(screen)
        shown = b""
        while block := _read(keys):
            shown += block
        assert running.stdout is not None
        lines = running.stdout.read().splitlines()
        assert running.wait() == 0
    os.close(keys)
    assert "judging" in shown.decode()
    assert "100%" in shown.decode()
    assert len(lines) == 5 * (2 + len(SMOOTHINGS))
    assert all("name" in json.loads(line) for line in lines)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # nobody writes there any more
        return b""


def test_asking_for_help_does_not_wait_for_torch():
    code = (
        "import sys; from model.cli import main; main(['compare', '--help'], standalone_mode=False)"
    )
    with run_process(
        [sys.executable, "-c", f"{code}; assert 'torch' not in sys.modules"]
    ) as running:
        out, err = running.communicate()
    assert running.returncode == 0, err.decode()
    assert "--test" in out.decode()
