"""Swaps: a folder is written beside and takes the old one's place as a whole."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from mae_core.store.files import TEMPORARY


@contextlib.contextmanager
def swapped(folder: Path) -> Iterator[Path]:
    """A folder that takes the place of `folder` once it is complete, so that no reader sees half of it."""
    prefix = f"{TEMPORARY}{folder.name}-"
    for left in folder.parent.glob(f"{prefix}*"):  # by a killed build; the lock makes this one alone
        shutil.rmtree(left, ignore_errors=True)
    partial = Path(tempfile.mkdtemp(prefix=prefix, dir=folder.parent))
    try:
        partial.chmod(0o755)
        yield partial
        if folder.exists():
            old = Path(tempfile.mkdtemp(prefix=prefix, dir=folder.parent))
            folder.replace(old)  # a folder may take the place of an empty one
            partial.rename(folder)
            shutil.rmtree(old)
        else:
            partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
