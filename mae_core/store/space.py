"""Space: telling a full disk from other failures, and a little of it set aside so that a full disk can be recorded."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

RESERVE = ".reserve"
RESERVED_BYTES = 32 * 1024  # a record and a line of log
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_WORDS = tuple(os.strerror(number).lower() for number in FULL)  # how libraries that are not Python's pass it on


def disk_full(error: BaseException | None) -> bool:
    """Whether `error`, or what led to it, says that the disk, a quota or a file's limit is full."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in FULL:
            return True
        if not isinstance(error, OSError) and any(words in str(error).lower() for words in _WORDS):
            return True
        error = error.__cause__ or error.__context__
    return False


def full_sentence(folder: Path) -> str:
    """What to do about it, for the person at the keyboard."""
    return f"disk: no space is left for {folder}; free some and repeat the command, it goes on from the last checkpoint"


def reserve(folder: Path) -> None:
    """Set a little space aside in `folder`, where there is some."""
    with contextlib.suppress(OSError):
        (folder / RESERVE).write_bytes(bytes(RESERVED_BYTES))


def release(folder: Path) -> None:
    """Give it back."""
    with contextlib.suppress(OSError):
        (folder / RESERVE).unlink()
