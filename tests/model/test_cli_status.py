"""`makemore`: its exit statuses, and the one line that explains each."""

import os
import subprocess
import sys

import pytest
import torch
from command_line import ROOT, WORDS, Makemore, process


@pytest.mark.parametrize(
    ("arguments", "stdin", "says"),
    [
        (["stats", "no-such-corpus"], b"", "no-such-corpus"),
        (["stats", os.curdir], b"", "directory"),
        (["stats", "~no-such-user/words.txt"], b"", "~no-such-user"),
        (["stats", "-"], b"", "holds no words"),
        (["stats", "-"], b"emma\n\xff\n", "line 2"),
        (["sample", "-", "--prefix", "x"], WORDS, "alphabet"),
        (["sample", "-", "--prefix", "emma", "--max-length", "4"], WORDS, "maximum length 4"),
        (["sample", "-", "--temperature", "nan"], WORDS, "temperature nan"),
        (["train", "-", "--l2", "nan"], WORDS, "L2 penalty nan"),
        (["train", "-", "--l2", "inf"], WORDS, "L2 penalty inf"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_work_that_fails_is_one_line_and_status_1(
    makemore: Makemore, arguments: list[str], stdin: bytes, says: str
):
    result = makemore(*arguments, stdin=stdin)
    assert (result.status, result.out) == (1, "")
    assert result.err.endswith("\n")
    assert result.err[:-1].isprintable()
    assert says in result.err


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_missing_device_is_one_line_and_status_1(makemore: Makemore):
    result = makemore("train", "-", "--device", "cuda")
    assert (result.status, result.out) == (1, "")
    assert result.err[:-1].isprintable()
    assert "choose auto or cpu" in result.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["polish"],
        ["stats", "-n", "1"],
        ["stats", "-n", "65"],
        ["stats", "-n", "two"],
        ["stats", "--colour"],
        ["stats", "one", "two"],
        ["train", "--model", "counts"],
        ["train", "--recipe", "secret"],
        ["train", "--steps", "0"],
        ["train", "--steps", str(10**9)],
        ["train", "--seed", str(2**32)],
        ["sample", "--seed", str(2**32)],
        ["train", "--seed", "-1"],
        ["train", "--device", "tpu"],
        ["sample", "--model", "gpt"],
        ["sample", "--count", "0"],
        ["sample", "--temperature", "0"],
        ["sample", "--top-k", "0"],
        ["sample", "--max-length", "0"],
        ["score"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_status_2(makemore: Makemore, arguments: list[str]):
    result = makemore(*arguments)
    assert (result.status, result.out) == (2, "")
    assert "Error: " in result.err


@pytest.mark.parametrize("command", [[], ["stats"], ["train"], ["sample"], ["score"]])
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_is_on_standard_output_and_status_0(makemore: Makemore, command: list[str], flag: str):
    result = makemore(*command, flag)
    assert (result.status, result.err) == (0, "")
    assert result.out.startswith(f"Usage: {' '.join(['makemore', *command])}")


def test_the_version_is_told(makemore: Makemore):
    result = makemore("--version")
    assert result.status == 0
    assert "makemore" in result.out


def test_a_failing_process_ends_with_status_1_and_no_traceback():
    result = process("stats", "-", stdin=b"\xff")
    assert (result.status, result.out) == (1, "")
    assert result.err.startswith("Error: standard input, line 1")
    assert result.err.count("\n") == 1


@pytest.mark.skipif(os.name != "posix", reason="needs a POSIX shell")
def test_a_closed_standard_input_is_one_line_and_status_1():
    command = ["sh", "-c", 'exec "$0" -m model stats - <&-', sys.executable]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.count("\n") == 1
    assert "standard input" in result.stderr
