"""What the tests of the command line stand on."""

import io
import sys

import pytest
from command_line import WORDS, Makemore, Result

from model.cli import main


@pytest.fixture
def makemore(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Makemore:
    """Run the command line in this process."""

    def run(*arguments: str, stdin: bytes = WORDS) -> Result:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as end:
            main(arguments, prog_name="makemore")
        assert isinstance(end.value.code, int)
        return Result(end.value.code, *capsys.readouterr())

    return run
