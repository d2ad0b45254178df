"""What every test of the app stands on: a clean environment, no thread left over, small corpora."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import workbench

from model.alphabet import show_in
from model.corpus import Corpus, parse

ELSEWHERE = ("SSH_CONNECTION", "NO_COLOR", "COLORTERM", "TEXTUAL_THEME", "COLUMNS", "LINES")
ELSEWHERE += ("SSH_CLIENT", "SSH_TTY", "STY", "TMUX", "LC_ALL", "LC_CTYPE")
HERE = {"TERM": "xterm-256color", "LANG": "C.UTF-8"}


@pytest.fixture(autouse=True)
def _plain_terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let no test see over what, or in what colours, it is run."""
    for name in ELSEWHERE:
        monkeypatch.delenv(name, raising=False)
    for name, value in HERE.items():
        monkeypatch.setenv(name, value)
    yield
    show_in("utf-8")


@pytest.fixture(autouse=True)
def _no_thread_left() -> Iterator[None]:
    """Every training thread ends with the test that began it."""
    before = set(threading.enumerate())
    yield
    left = [one for one in threading.enumerate() if one not in before and one.name == "training"]
    assert not left, "a training thread outlives its app"


@pytest.fixture
def words() -> tuple[str, ...]:
    """Forty words."""
    return workbench.WORDS


@pytest.fixture
def words_file(tmp_path: Path) -> Path:
    """A file of forty words."""
    path = tmp_path / "words.txt"
    path.write_text("".join(f"{word}\n" for word in workbench.WORDS), encoding="utf-8")
    return path


@pytest.fixture
def corpus() -> Corpus:
    """The corpus of the forty words."""
    return parse("\n".join(workbench.WORDS).encode(), "words.txt")
