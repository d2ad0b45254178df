"""`makemore` with corpora that are too large for memory."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import IO

import pytest
from command_line import ROOT, Makemore

from model import corpus
from model.corpus import parse
from model.ngrams import count
from model.scoring import score
from model.smoothing import smooth

WORDS = b"emma\nolivia\nava\nmia\nella\nemma\n"
LINE = re.compile(r"counting standard input  [\d.]+ [KMG]iB  [\d.]+ [KMG]iB/s *\r")


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A file that is larger than what is loaded."""
    monkeypatch.setattr(corpus, "MOST_BYTES", len(WORDS) - 1)
    path = tmp_path / "large.txt"
    path.write_bytes(WORDS)
    return str(path)


def test_stats_takes_a_file_of_any_size(makemore: Makemore, large: str):
    (line,) = makemore("stats", large, "-n", "3", "--json").lines
    assert (line["words"], line["unique_words"], line["characters"]) == (6, 5, 24)
    assert line["floor"] == count(parse(WORDS, "words"), 3).floor


def test_sample_and_score_take_a_file_of_any_size(makemore: Makemore, large: str):
    lines = makemore("sample", large, "-n", "4", "--count", "20", "--json").lines
    words = parse(WORDS, "words").vocabulary
    assert [line["in_corpus"] for line in lines] == [line["word"] in words for line in lines]
    options = ["--corpus", large, "-n", "3", "--smoothing", "kneser-ney", "--json"]
    (line,) = makemore("score", "emia", *options).lines
    assert line["nll"] == score(smooth(count(parse(WORDS, "words"), 3), "kneser-ney"), "emia").nll


@pytest.mark.parametrize(
    "command", [["train"], ["compare"], ["sample", "--model", "one-layer"]], ids=" ".join
)
def test_what_needs_the_words_refuses_it_and_says_what_does_not(
    makemore: Makemore, large: str, command: list[str]
):
    result = makemore(*command, large)
    assert (result.status, result.out, result.err.count("\n")) == (1, "", 1)
    assert "files of any size are for stats, sample, score and arpa export" in result.err


def test_arpa_export_takes_a_file_of_any_size(makemore: Makemore, large: str, tmp_path: Path):
    result = makemore("arpa", "export", large, "--output", str(tmp_path / "x.arpa"))
    assert result.status == 0
    assert (tmp_path / "x.arpa").read_bytes().startswith(b"\\data\\\n")


@pytest.mark.parametrize(
    "command", [["stats"], ["sample"], ["arpa", "export", "--output", "x.arpa"]], ids=" ".join
)
def test_what_does_not_fit_into_the_memory_is_one_line_of_error(
    makemore: Makemore, large: str, command: list[str]
):
    result = makemore(*command, large, "--memory", "0.0000001")
    assert (result.status, result.out, result.err.count("\n")) == (1, "", 1)
    assert "large.txt: counting at n=2 takes more than 107 B of memory" in result.err
    assert "--memory" in result.err


@pytest.mark.parametrize("amount", ["nan", "inf", "-1", "0", "1e300", "much"])
def test_an_amount_of_memory_that_is_none_is_refused(makemore: Makemore, large: str, amount: str):
    result = makemore("stats", large, "--memory", amount)
    assert (result.status, result.out) == (2, "")
    assert "--memory" in result.err.splitlines()[-1]


@contextmanager
def endless(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    """Words on the standard input of a process, for as long as it reads."""
    stdin = process.stdin
    assert stdin is not None

    def write() -> None:
        with suppress(BrokenPipeError):
            while True:
                stdin.write(WORDS * 10_000)

    writer = Thread(target=write)
    writer.start()
    yield
    process.wait()
    writer.join()
    with suppress(BrokenPipeError):
        stdin.close()


def start(*arguments: str, stderr: int | IO[bytes]) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-W", "ignore", "-m", "model", *arguments]
    return subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr
    )


def test_a_terminal_shows_progress_and_ctrl_c_leaves_nothing_behind(tmp_path: Path):
    keys, screen = pty.openpty()
    output = tmp_path / "x.arpa"
    process = start("arpa", "export", "-", "-n", "3", "--output", str(output), stderr=screen)
    os.close(screen)
    shown = ""
    with endless(process):
        while len(LINE.findall(shown)) < 3:
            shown += os.read(keys, 4096).decode()
        process.send_signal(signal.SIGINT)
    os.close(keys)
    assert process.returncode == 128 + signal.SIGINT
    assert process.stdout is not None
    assert process.stdout.read() == b""
    process.stdout.close()
    assert list(tmp_path.iterdir()) == []
    assert "Traceback" not in shown


def test_nothing_but_results_is_printed_where_there_is_no_terminal():
    process = start("stats", "-", "--json", stderr=subprocess.PIPE)
    out, err = process.communicate(WORDS * 1_000_000)
    assert err == b""
    line = json.loads(out)
    assert (line["words"], line["unique_words"]) == (6_000_000, 5)
