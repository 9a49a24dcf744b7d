"""The home: the folder that holds the store, the data, the sweeps and the reports."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from mae_core.errors import StoreError


def home_path(chosen: Path | str | None) -> Path:
    """`chosen`, else $MAE_HOME, else ./out; it need not be there: who only looks makes nothing.

    Raises StoreError for an empty word, which a script with an unset variable gives.
    """
    if chosen == "":
        raise StoreError("--home is empty; name a folder, or leave it out for $MAE_HOME or ./out.")
    return Path(chosen or os.environ.get("MAE_HOME") or "out").expanduser().absolute()


def existing_home(chosen: Path | str | None) -> Path:
    """`home_path`, which has to be there. Raises StoreError if not."""
    home = home_path(chosen)
    if not home.is_dir():
        raise StoreError(f"There is no home {home}; name another with --home or MAE_HOME.")
    return home


def home_folder(chosen: Path | str | None) -> Path:
    """`home_path`, made if absent.

    Raises StoreError where nothing can be written there.
    """
    home = home_path(chosen)
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=home):
            pass
    except OSError as error:
        raise StoreError(
            f"The home {home} cannot be written ({error.strerror}); name another with --home or MAE_HOME."
        ) from None
    return home
