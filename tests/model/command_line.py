"""The command line as its tests call it, and what comes of a call."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
WORDS = b"emma\nolivia\nava\nmia\nella\nemma\n"


@dataclass(frozen=True)
class Result:
    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The objects on standard output, which holds nothing else."""
        assert self.status == 0, self.err
        assert self.out.endswith("\n")
        return [json.loads(line, parse_constant=_refuse) for line in self.out[:-1].split("\n")]


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")


Makemore = Callable[..., Result]


def process(*arguments: str, stdin: bytes = WORDS, **environment: str) -> Result:
    """Run the command line in a process of its own."""
    result = subprocess.run(
        [sys.executable, "-m", "model", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **environment},
        input=stdin,
        capture_output=True,
        check=False,
    )
    return Result(result.returncode, result.stdout.decode(), result.stderr.decode())
