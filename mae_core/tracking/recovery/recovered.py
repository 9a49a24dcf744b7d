"""Recovered: a home for as long as it is looked at, made of what a tracker has by a process that may load MLflow."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from mae_core.errors import TrackerError
from mae_core.tracking.environment import ENVIRONMENT

SECONDS = 900.0


@contextlib.contextmanager
def recovered(uri: str, scale: str, data: str) -> Iterator[Path]:
    """A home-shaped folder with the runs of `scale` and `data` that the tracker at `uri` has.

    Raises TrackerError where it cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="mae-recovered-") as folder:
        command = [sys.executable, "-m", "mae_core.tracking", "recover", folder]
        chosen = ["--mlflow", uri, "--scale", scale, "--data", data]
        try:
            done = subprocess.run(
                command + chosen, capture_output=True, text=True, timeout=SECONDS, env=os.environ | ENVIRONMENT
            )
        except subprocess.TimeoutExpired:
            raise TrackerError(f"The tracker took more than {SECONDS:.0f} s; try again later.") from None
        if done.returncode:
            lines = done.stderr.strip().splitlines()
            raise TrackerError(lines[-1] if lines else f"the tracker's reader ended with {done.returncode}")
        yield Path(folder)
