"""Rounds: one submitter at a time. A round is taken like an attempt, so one whose holder died is taken over."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from mae_core.launch.slurm.submitting.arrays import cluster_folder
from mae_core.store.attempt import RECORD, Heartbeat, Watch, attempts, take
from mae_core.store.files import write_sealed

KEPT = 3
LOOK_AGAIN_SECONDS = 0.2


@contextlib.contextmanager
def submitting(home: Path) -> Iterator[None]:
    """The block during which nobody else, on any machine that shares the home, submits for it."""
    folder = cluster_folder(home) / "rounds"
    folder.mkdir(parents=True, exist_ok=True)
    watch = Watch()
    mine = None
    while mine is None:
        last = next(reversed(attempts(folder)), None)
        if last is not None and last.record is None and watch.alive(last):
            time.sleep(LOOK_AGAIN_SECONDS)
            continue
        mine = take(folder, last.number + 1 if last else 1)
    with Heartbeat(mine):
        try:
            yield
        finally:
            write_sealed(mine.folder / RECORD, {"state": "done"})
    for old in attempts(folder)[:-KEPT]:
        shutil.rmtree(old.folder, ignore_errors=True)
