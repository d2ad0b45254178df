"""A corpus that is too large is refused with one line, before the memory runs out."""

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import IO

import pytest
from command_line import ROOT, Result

from model import corpus
from model.corpus import MOST_BYTES, MOST_CHARACTERS, load, parse
from model.errors import MakemoreError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits the memory of a process")

ROOM = 256 << 20  # bytes of address space that the program takes without a corpus, and more

# Gives the program no more memory than is said first, and runs its command line.
LIMITED = (
    "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]),) * 2);"
    "sys.argv[:2] = ['makemore']; from model.cli import main; main()"
)


def limited(
    command: str, source: str, memory: int, stdin: int | IO[bytes] = subprocess.DEVNULL
) -> Result:
    """Run a command with a corpus in a process with so many bytes of memory."""
    result = subprocess.run(
        [sys.executable, "-c", LIMITED, f"{memory}", command, source],
        cwd=ROOT,
        stdin=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    return Result(result.returncode, result.stdout, result.stderr)


def check_that_it_is_refused(result: Result, *says: str) -> None:
    """It fails with one line that says what, and what the limit is."""
    assert result.status == 1
    assert result.out == ""
    assert result.err.count("\n") == 1
    assert result.err.startswith("Error: ")
    for each in (*says, f"{MOST_BYTES >> 20} MiB"):
        assert each in result.err


@contextmanager
def endless(path: Path) -> Iterator[None]:
    """A pipe of that name, into which words are written for as long as anybody reads."""
    os.mkfifo(path)

    def write() -> None:
        with suppress(BrokenPipeError), path.open("wb", buffering=0) as pipe:
            while True:
                pipe.write(b"emma\nava\n" * 10_000)

    writer = Thread(target=write)
    writer.start()
    yield
    writer.join()


def test_a_file_that_is_too_large_is_refused_without_being_read(tmp_path: Path):
    path = tmp_path / "huge.txt"
    with path.open("wb") as file:
        file.truncate(1 << 30)
    check_that_it_is_refused(limited("compare", str(path), ROOM), "huge.txt", "1,073,741,824 bytes")


def test_standard_input_without_end_is_read_as_far_as_the_limit():
    with Path("/dev/zero").open("rb") as zeros:
        result = limited("compare", "-", ROOM + 2 * MOST_BYTES, zeros)
    check_that_it_is_refused(result, "standard input", f"more than {MOST_BYTES:,} bytes")


def test_a_pipe_without_end_is_read_as_far_as_the_limit(tmp_path: Path):
    path = tmp_path / "pipe"
    with endless(path):
        result = limited("compare", str(path), ROOM + 2 * MOST_BYTES)
    check_that_it_is_refused(result, "pipe", f"more than {MOST_BYTES:,} bytes")


def test_a_pipe_is_opened(tmp_path: Path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = Thread(target=path.write_bytes, args=(b"emma\nava\n",))
    writer.start()
    assert load(str(path)).words == ["emma", "ava"]
    writer.join()


@pytest.mark.parametrize("more", [0, 1])
def test_the_limit_is_the_last_size_that_is_taken(
    more: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(corpus, "MOST_BYTES", 9)
    data = b"emma\nava\n" + b"\n" * more
    path = tmp_path / "words.txt"
    path.write_bytes(data)
    for source in (str(path), "-"):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        if more:
            with pytest.raises(MakemoreError, match=r"10 bytes|more than 9 bytes"):
                load(source)
        else:
            assert load(source).words == ["emma", "ava"]


def characters(count: int) -> bytes:
    """A list of words with so many distinct characters, each of which stays what it is."""
    codes = [*range(0x4E00, 0x9FA6), *range(0xAC00, 0xD7A4), *range(0x20000, 0x2A6D7)]
    return "\n".join(map(chr, codes[:count])).encode()


def test_as_many_characters_as_an_alphabet_may_have_are_taken():
    assert len(parse(characters(MOST_CHARACTERS), "words").alphabet.characters) == MOST_CHARACTERS


def test_one_character_more_is_refused():
    with pytest.raises(MakemoreError, match=r"words holds 65,537 distinct .* at most 65,536"):
        parse(characters(MOST_CHARACTERS + 1), "words")


def test_a_million_characters_are_refused_by_the_command_line(tmp_path: Path):
    every = [chr(code) for code in range(0x21, sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]
    path = tmp_path / "every.txt"
    path.write_text("\n".join(every), encoding="utf-8")
    result = limited("compare", str(path), 2 * ROOM)
    assert (result.status, result.out, result.err.count("\n")) == (1, "", 1)
    assert "every.txt holds 1,1" in result.err
    assert f"at most {MOST_CHARACTERS:,}" in result.err
