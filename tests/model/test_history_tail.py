"""The history of a run, read while another process writes it."""

import os
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from model.history import HEAD, read_history
from model.history_tail import BYTES_AT_ONCE, HistoryTail

MOST = 1_000_000


def lines(first: int, count: int, loss: float = 2.5) -> bytes:
    steps = range(first, first + count)
    return "".join(f"{step}\t0.1\t{loss + step / 1000:.9g}\n" for step in steps).encode()


@pytest.fixture
def history(tmp_path: Path) -> Path:
    return tmp_path / "history.tsv"


def read_whole(history: Path) -> list[float]:
    return read_history(history, MOST)[0].tolist()


def test_what_is_added_is_read_on(history: Path):
    tail, done = HistoryTail(history, MOST), 0
    history.write_bytes(HEAD)
    assert len(tail.read()) == 0
    for count in (1, 10, 3 * BYTES_AT_ONCE // 20, 1):
        with history.open("ab") as file:
            file.write(lines(done, count))
        done += count
        assert tail.read().tolist() == read_whole(history)
        assert len(tail.read()) == done
        assert not tail.torn


def test_half_a_line_is_read_once_it_is_whole(history: Path):
    tail, written = HistoryTail(history, MOST), HEAD + lines(0, 10)
    history.write_bytes(written[:-3])
    assert len(tail.read()) == 9
    assert tail.torn
    history.write_bytes(written)
    assert len(tail.read()) == 10
    assert not tail.torn


@pytest.mark.parametrize("count", [3, 10, 12])
def test_a_run_that_has_gone_back_is_read_anew(count: int, history: Path):
    tail = HistoryTail(history, MOST)
    history.write_bytes(HEAD + lines(0, 10))
    tail.read()
    history.write_bytes(HEAD + lines(0, 2) + lines(2, count - 2, loss=1.5))
    assert tail.read().tolist() == read_whole(history)
    assert len(tail.read()) == count


def test_no_more_steps_are_read_than_there_can_be(history: Path):
    history.write_bytes(HEAD + lines(0, 10))
    assert len(HistoryTail(history, 7).read()) == 7


def test_a_history_that_goes_and_comes_again_is_read(history: Path):
    tail = HistoryTail(history, MOST)
    assert len(tail.read()) == 0
    assert tail.gone
    history.write_bytes(HEAD + lines(0, 5))
    assert len(tail.read()) == 5
    assert not tail.gone
    history.unlink()
    assert len(tail.read()) == 0
    assert tail.gone


def test_a_link_and_a_pipe_are_no_history(history: Path, tmp_path: Path):
    other = tmp_path / "other.tsv"
    other.write_bytes(HEAD + lines(0, 5))
    history.symlink_to(other)
    assert len(HistoryTail(history, MOST).read()) == 0
    history.unlink()
    os.mkfifo(history)
    assert len(HistoryTail(history, MOST).read()) == 0


torn = st.sampled_from(
    [
        b"",
        b"\n",
        b"9",
        b"5\t0.1\n",
        b"x\ty\tz\n",
        b"3\t0.1\tnan\n",
        b"3\t0.1\tinf\n",
        b"\xff\n",
        HEAD,
        b"3\t0.1\t1e999\n",
        b"4\t0.1\t2\n",
        b"9" * 5000 + b"\t1\t2\n",
        b"3 0.1 2 7\n",
        b"\0" * 9,
    ]
)


@given(first=torn, second=torn)
def test_what_is_torn_is_read_as_far_as_it_is_whole(
    first: bytes, second: bytes, tmp_path_factory: pytest.TempPathFactory
):
    history = tmp_path_factory.getbasetemp() / "torn.tsv"
    history.write_bytes(HEAD + lines(0, 3) + first + second)
    tail = HistoryTail(history, MOST)
    losses = tail.read()
    assert 3 <= len(losses) <= 5
    assert losses[:3].tolist() == read_whole(history)[:3]
    assert torch.equal(tail.read().nan_to_num(), losses.nan_to_num())
