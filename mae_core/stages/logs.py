"""The logs that attempts keep of themselves, one for each rank."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

LOG = "log.txt"

log = logging.getLogger("mae")
log.setLevel(logging.INFO)
log.propagate = False  # nothing goes to the terminal


@contextlib.contextmanager
def logging_to(path: Path) -> Iterator[None]:
    """Keep a log of the attempt in `path`."""
    handler = logging.FileHandler(path)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
        handler.close()
