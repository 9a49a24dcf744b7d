"""The home: the folder that holds the store, the data, the sweeps and the reports."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from mae_core.errors import StoreError


def home_folder(chosen: Path | str | None) -> Path:
    """`chosen`, else $MAE_HOME, else ./out; made if absent.

    Raises StoreError where nothing can be written there.
    """
    home = Path(chosen or os.environ.get("MAE_HOME") or "out").expanduser().absolute()
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=home):
            pass
    except OSError as error:
        raise StoreError(
            f"The home {home} cannot be written ({error.strerror}); name another with --home or MAE_HOME."
        ) from None
    return home
