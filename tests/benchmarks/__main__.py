"""`python -m tests.benchmarks [NAME...]`: run benchmarks, and print their figures in one table.

The table goes to standard output, progress to standard error. What was measured before ctrl+c, or
before a benchmark that failed, is not lost.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks import (
    counting,
    distributed,
    estimation,
    explorer,
    interface,
    large_corpus,
    networks,
    sampling,
    soak,
    startup,
    training,
    zoo,
)
from tests.benchmarks.core import Row, machine, table

BENCHMARKS = {
    "counting": counting.rows,
    "estimation": estimation.rows,
    "training": training.rows,
    "sampling": sampling.rows,
    "networks": networks.rows,
    "distributed": distributed.rows,
    "explorer": explorer.rows,
    "large-corpus": large_corpus.rows,
    "startup": startup.rows,
    "interface": interface.rows,
}
LONG = {"soak": soak.rows, "zoo": zoo.rows, "10-gb": large_corpus.long_rows}
"""Which only run when they are named."""


def main() -> None:
    """Run what the command line names; everything, if it names nothing."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description="Time us and a plain way side by side, and print a Markdown table.",
    )
    parser.add_argument("benchmarks", nargs="*", metavar="NAME",
                        help=f"of {', '.join(BENCHMARKS)}; all of these, if none is named; "
                        f"or {', '.join(LONG)}, which take up to an hour")  # fmt: skip
    parser.add_argument("--names", type=Path, default=os.environ.get("MAKEMORE_NAMES"),
                        help="makemore's names.txt; without it, $MAKEMORE_NAMES")  # fmt: skip
    arguments = parser.parse_args()
    if unknown := set(arguments.benchmarks) - set(BENCHMARKS) - set(LONG):
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}")
    if arguments.names is None:
        parser.error("no list of names: give the path of makemore's names.txt with --names")
    names = Path(arguments.names)
    if not names.is_file():
        parser.error(f"{names}: no such file; give the path of makemore's names.txt with --names")

    before = machine()  # its load is that of the others alone
    rows: list[Row] = []
    try:
        for row in _measured(arguments.benchmarks or list(BENCHMARKS), names):
            rows.append(row)
    finally:
        print(table(rows))
        print(f"\nMedians, in alternation. {before}")


def _measured(wanted: list[str], names: Path) -> Iterator[Row]:
    """The rows of some benchmarks, one after the other, told as they come."""
    began = time.monotonic()
    for place, name in enumerate(wanted, start=1):
        minutes, seconds = divmod(int(time.monotonic() - began), 60)
        _tell(f"[{place}/{len(wanted)}] {name}, after {minutes}:{seconds:02}")
        for row in (BENCHMARKS | LONG)[name](names):
            _tell(f"  {row.what}: {row.ours} | {row.plain} | {row.ratio}")
            yield row


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
