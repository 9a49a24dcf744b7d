"""Placing files: a reader sees a whole file or none, and what was checked once is not read again."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

RECORD = "checked.json"


@contextmanager
def placing(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`: moved over it when the block ends well, deleted when it fails.

    Two processes may place the same file at once; the later one wins, and no reader meets half a file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".placing-") as folder:
        temporary = Path(folder) / path.name
        yield temporary
        temporary.replace(path)


def _stamps(folder: Path, names: Iterable[str]) -> dict[str, list[int]]:
    """Size in bytes and time of change in ns of every file, the cheap sign that it is as it was."""
    stats = {name: (folder / name).stat() for name in names}
    return {name: [stat.st_size, stat.st_mtime_ns] for name, stat in stats.items()}


def remember_checked(folder: Path, names: Iterable[str], origin: str) -> None:
    """Record that these files of `folder` were checked, and where they came from."""
    with placing(folder / RECORD) as temporary:
        temporary.write_text(json.dumps({"origin": origin, "files": _stamps(folder, names)}))


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in `path`; empty where there is none or it cannot be read."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def is_checked(folder: Path) -> bool:
    """Whether the files of `folder` were once checked, and have kept size and time of change since."""
    files = read_json(folder / RECORD).get("files", {})
    try:
        return bool(files) and _stamps(folder, files) == files
    except OSError:
        return False


def origin_of(folder: Path) -> str:
    """Where the checked files of `folder` came from; empty where nothing is recorded."""
    return str(read_json(folder / RECORD).get("origin", ""))
