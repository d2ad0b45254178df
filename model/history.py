"""What a run leaves behind step by step: its losses and its log, in files that only grow."""

from __future__ import annotations

import json
import math
import os
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model.files import UNREADABLE, open_file
from model.reports import Report, Reports

if TYPE_CHECKING:
    from torch import Tensor

HEAD = b"step\tlr\tloss\n"
MOST_LINE = 1 << 16  # bytes


def read_history(path: Path, most: int) -> tuple[Tensor, int]:
    """The losses of a history, up to `most` steps, and the bytes that they take in the file.

    It ends before the first line that is torn, as a last one may be, or is not the next step's.
    """
    import torch

    losses, size = array("f"), 0
    for line, end in _whole_lines(path):
        if line == HEAD:
            size = end
            continue
        try:
            number, _, loss = line.split(b"\t")
            if len(losses) == most or int(number) != len(losses):
                break
            losses.append(float(loss))
        except (ValueError, OverflowError):
            break
        size = end
    return torch.tensor(losses), size


def read_reports(path: Path, most: int) -> tuple[Reports, int]:
    """The reports of a log before step `most`, and the bytes that they take in the file.

    They end before the first line that is torn or none of a log's, and of a long log the last are
    kept.
    """
    reports, size = Reports(), 0
    last = -1
    for line, end in _whole_lines(path):
        try:
            report = report_of(json.loads(line))
        except UNREADABLE:
            break
        if not last < report.step < most:
            break
        reports.append(report)
        last, size = report.step, end
    return reports, size


def report_of(stored: Any) -> Report:
    """The report that JSON holds.

    Raises:
        ValueError, TypeError, LookupError, OverflowError: it holds something else.
    """
    step, samples = stored["step"], stored["samples"]
    if type(step) is not int or step < 0:
        raise ValueError("no usable step")
    if type(samples) is not list or not all(type(word) is str for word in samples):
        raise ValueError("no usable samples")
    lr, loss = float(stored["lr"]), float(stored["loss"])
    nlls = [
        None if each is None else float(each)
        for each in map(stored.get, ("train", "dev", "unseen"))
    ]
    if not all(math.isfinite(each) for each in (lr, loss, *nlls) if each is not None):
        raise ValueError("no usable learning rate or loss")
    return Report(step, lr, loss, tuple(samples), *nlls)


def _whole_lines(path: Path) -> Iterator[tuple[bytes, int]]:
    """The lines of a file that have an end, and the place behind each; none if it is not there."""
    try:
        file = os.fdopen(open_file(path, os.O_RDONLY), "rb")
    except (OSError, ValueError):
        return
    end = 0
    with file:
        while (line := file.readline(MOST_LINE)).endswith(b"\n"):
            end += len(line)
            yield line, end
