"""Empty homes that have the data, for what must start from nothing."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from mae_core.data.fashion_mnist import obtain
from mae_core.home import home_folder


@contextlib.contextmanager
def empty_home() -> Iterator[Path]:
    """A home without runs; its data are those of the usual home."""
    usual = home_folder(None)
    obtain(usual)
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        home = Path(folder)
        (home / "data").symlink_to(usual / "data", target_is_directory=True)
        yield home
