"""Files that a crash, a full disk or a stranger's folder can do no harm to."""

import os
import stat
from contextlib import suppress
from pathlib import Path
from threading import get_ident

UNREADABLE = ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError
"""What reading a file may raise that holds something else than it should."""
MOST_TEXT = 1 << 24  # bytes of a file of ours that is read at once; all but histories are far below


def replace_file(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Put `data` in the place of the file at `path`: whole, or not at all.

    Args:
        path: of the file.
        data: what it shall hold.
        durable: whether it is to outlive a power cut as soon as this returns.

    Raises:
        OSError: it cannot be written; what was there is still there.
    """
    draft = path.with_name(f"{path.name}.{os.getpid()}.{get_ident()}{DRAFT}")
    try:
        draft.unlink(missing_ok=True)  # of a killed process with the same number, or a stranger's
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            if durable:
                os.fsync(descriptor)
        draft.replace(path)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise
    if durable:
        sync_directory(path.parent)


DRAFT = ".tmp"
"""What the name of a file ends with that is not yet whole."""


def sync_directory(path: Path) -> None:
    """Bring the names of the files in a directory to the disk.

    Raises:
        OSError: it cannot be opened.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_file(path: Path, most: int = MOST_TEXT) -> bytes:
    """What is in a file that is a file: no link that leads elsewhere, no pipe that is silent.

    Raises:
        OSError: it cannot be read.
        ValueError: it is something else, or holds more than `most` bytes.
    """
    descriptor = open_file(path, os.O_RDONLY)
    with os.fdopen(descriptor, "rb") as file:
        if os.fstat(descriptor).st_size <= most and len(data := file.read(most + 1)) <= most:
            return data
    raise ValueError(f"more than {most:,} bytes")


def open_file(path: Path, flags: int) -> int:
    """The descriptor of a file that is a file.

    Raises:
        OSError: it cannot be opened, or is a link.
        ValueError: it is something else.
    """
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise ValueError("not a file")
