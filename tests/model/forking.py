"""Trains a run in one new process after the other, each of which may be killed at any moment.

torch is imported once, and each process is a fork of the one that did so. It reads commands from
standard input: `train` answers with the number of a new process, `wait` with how the last one
ended, as `os.waitstatus_to_exitcode` says it.
"""

import os
import sys
from pathlib import Path

import torch
from running import wait_until

from model.runs import Run
from model.session import Phase
from model.training_session import TrainingSession

CHECKPOINT_SECONDS = 0.005


def train(folder: Path) -> int:
    """Go on with a run to its end; 0 if it comes there."""
    run = Run.open(folder)
    session = TrainingSession(checkpoint_seconds=CHECKPOINT_SECONDS)
    session.restore(run, run.load_corpus(), paused=False)
    over = Phase.FINISHED, Phase.FAILED, Phase.STOPPED
    end = wait_until(session, lambda snapshot: snapshot.phase in over)
    session.close()
    session.join()
    print(end.error or end.warning, file=sys.stderr, flush=True)
    return 0 if end.phase is Phase.FINISHED else 1


def main() -> None:
    folder = Path(sys.argv[1])
    torch.set_num_threads(1)
    process = 0
    for line in sys.stdin:
        if line == "train\n":
            process = os.fork()
            if not process:
                status = 2
                try:
                    status = train(folder)
                finally:
                    os._exit(status)
            print(process, flush=True)
        else:
            _, status = os.waitpid(process, 0)
            print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
