"""Files that are whole or absent: written aside, synced, renamed; sealed JSON carries its own checksum."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

TEMPORARY = ".partial-"  # what a killed writer leaves behind; swept when the next attempt starts


def sync_folder(folder: Path) -> None:
    """Make renames in `folder` last through a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def replacing(path: Path, *, durable: bool = True) -> Iterator[BinaryIO]:
    """A binary file that takes the name `path` only once it is complete; on any error `path` stays as it was."""
    descriptor, name = tempfile.mkstemp(prefix=TEMPORARY, dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            if durable:
                os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
    if durable:
        sync_folder(path.parent)


def sweep(folder: Path) -> None:
    """Remove what killed writers left in `folder`; only its owner may call this."""
    for left in folder.glob(f"{TEMPORARY}*"):
        with contextlib.suppress(OSError):
            left.unlink()


def checksum(path: Path) -> str:
    """SHA-256 of a file, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _seal(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def write_sealed(path: Path, content: dict[str, Any], *, durable: bool = True) -> None:
    """Write `content` as readable JSON with a `seal`, a checksum over all the rest."""
    text = json.dumps({**content, "seal": _seal(content)}, indent=1, ensure_ascii=False)
    with replacing(path, durable=durable) as file:
        file.write(text.encode() + b"\n")


def is_damaged(path: Path) -> bool:
    """Whether a sealed file is there and not what was written."""
    return path.exists() and read_sealed(path) is None


def read_sealed(path: Path) -> dict[str, Any] | None:
    """The content of a sealed file; None where it is absent, unreadable, cut short or altered."""
    try:
        content = json.loads(path.read_bytes())
        seal = content.pop("seal")
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return None
    return content if seal == _seal(content) else None
