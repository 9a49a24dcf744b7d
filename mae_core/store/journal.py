"""The journal: an append-only file of metrics, one JSON object a line, each with its own checksum.

Training writes here and nowhere else; whoever wants the curve (reports, MLflow, status) reads it.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NAME = "journal.jsonl"


def line(row: dict[str, Any]) -> bytes:
    """A row as it is written."""
    text = json.dumps(row, separators=(",", ":"))
    return f'{text[:-1]},"crc":"{zlib.crc32(text.encode()):08x}"}}\n'.encode()


def _row(written: bytes) -> dict[str, Any] | None:
    text, separator, tail = written.rstrip(b"\n").rpartition(b',"crc":"')
    body = text + b"}"
    if not separator or tail != f'{zlib.crc32(body):08x}"}}'.encode():
        return None
    row: dict[str, Any] = json.loads(body)
    return row


class Journal:
    """The writing end, held by the attempt that owns the file."""

    def __init__(self, path: Path, *, inherited: bytes = b"") -> None:
        """Start the file with `inherited`, the lines of an earlier attempt up to the checkpoint gone on from."""
        self._file = path.open("wb", buffering=0)
        self._size = 0
        self._write(inherited)

    def _write(self, data: bytes) -> None:
        """All of `data` or nothing: a disk may take a part of it and refuse the rest."""
        left = memoryview(data)
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError:
            self._file.truncate(self._size)
            self._file.seek(self._size)
            raise
        self._size += len(data)

    def append(self, row: dict[str, Any]) -> None:
        """Add one row. Without a sync: the page cache outlives the process, and a checkpoint syncs."""
        self._write(line(row))

    def commit(self) -> int:
        """Make all rows durable; their length in bytes goes into the checkpoint that rests on them."""
        os.fsync(self._file.fileno())
        return self._size

    def rewind(self, size: int) -> None:
        """Take back all rows after the first `size` bytes, which a checkpoint rests on."""
        self._file.truncate(size)
        self._file.seek(size)
        self._size = size

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def rows(path: Path, *, limit: int | None = None) -> Iterator[dict[str, Any]]:
    """The whole rows of a journal up to byte `limit`; it ends before the first line that is torn or altered."""
    try:
        data = path.read_bytes()[:limit]
    except OSError:
        return
    for text in data.splitlines(keepends=True):
        row = _row(text) if text.endswith(b"\n") else None
        if row is None:
            return
        yield row


def whole_lines(data: bytes) -> Iterator[dict[str, Any]]:
    """The rows of the lines in `data` that are whole, whatever stands between them."""
    return filter(None, map(_row, data.splitlines(keepends=True)))


def whole(path: Path) -> int:
    """How many bytes of the journal, from its start, are whole lines with right checksums."""
    length = 0
    for text in path.read_bytes().splitlines(keepends=True):
        if not text.endswith(b"\n") or _row(text) is None:
            break
        length += len(text)
    return length


def prefix(path: Path, length: int) -> bytes | None:
    """The first `length` bytes where they are whole lines with right checksums, else None."""
    data = path.read_bytes()[:length] if path.is_file() else b""
    if len(data) != length:
        return None
    return data if all(_row(text) is not None for text in data.splitlines(keepends=True)) else None
