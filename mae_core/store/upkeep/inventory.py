"""The inventory: every entry of the store's folder, also those that are no runs, with what is known of it."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mae_core.store.files import TEMPORARY, read_sealed
from mae_core.store.run import RECIPE, Run, Store

Finding = Literal["run", "half-written", "unreadable", "foreign"]
UNITS = ("B", "kB", "MB", "GB", "TB")
SIGNATURE = re.compile(r"[a-z_0-9]+-[0-9a-f]{16}")


@dataclass(frozen=True)
class Entry:
    """One entry of `runs/`."""

    path: Path
    finding: Finding
    note: str = ""  # why it is no run

    @property
    def name(self) -> str:
        """Its name as it can be printed, whatever bytes are in it."""
        return os.fsencode(self.path.name).decode(errors="backslashreplace")

    @property
    def run(self) -> Run:
        """The run, where it is one."""
        return Run(self.path)


def inventory(store: Store) -> list[Entry]:
    """All entries of the store's folder by name; nothing that lies there can make this fail."""
    if not store.folder.is_dir():
        return []
    return [_entry(path) for path in sorted(store.folder.iterdir())]


def _entry(path: Path) -> Entry:
    if path.name.startswith(TEMPORARY):
        return Entry(path, "half-written", "left by a writer that was killed")
    try:
        if not path.is_dir() or not SIGNATURE.fullmatch(path.name):
            return Entry(path, "foreign", "not named as a run is")
        if not (path / RECIPE).exists():
            return Entry(path, "half-written", f"it has no {RECIPE}")
        document = read_sealed(path / RECIPE)
    except OSError as error:
        return Entry(path, "unreadable", error.strerror or "cannot be read")
    return Entry(path, *_judged(path, document))


def _judged(path: Path, document: dict[str, Any] | None) -> tuple[Finding, str]:
    if document is None:
        return "unreadable", f"its {RECIPE} is cut short or altered"
    if document.get("signature") != path.name:
        return "foreign", f"its {RECIPE} is of {document.get('signature')}"
    return "run", ""


def size(path: Path) -> int:
    """Bytes of all files under `path`; what vanishes meanwhile counts as nothing."""
    total = 0
    for file in (path, *path.rglob("*")):
        try:
            found = file.lstat()
        except OSError:
            continue
        if stat.S_ISREG(found.st_mode):
            total += found.st_size
    return total


def words(count: int) -> str:
    """Bytes as people read them."""
    power = min(len(str(count)) - 1, 14) // 3
    amount = f"{count / 1000**power:.1f}" if power else f"{count}"
    return f"{amount} {UNITS[power]}"
