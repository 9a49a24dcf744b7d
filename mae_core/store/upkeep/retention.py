"""Retention: what the store keeps of a run, and the removal of the rest.

| of                                 | is kept                                                        |
|------------------------------------|----------------------------------------------------------------|
| the attempt that finished a run    | everything but checkpoints, which hold the optimiser's state   |
| other attempts at a finished run   | who took them, how they ended (where undamaged), their logs    |
| an unfinished run that nobody does | everything, of its checkpoints the newest two that are whole   |
| a run that somebody may be at      | everything                                                     |
| what killed writers left           | nothing, once it is an hour old                                |

Checkpoints of a finished run go when it finishes; what is found here is what a kill at that moment left.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mae_core.store.attempt import OWNER, RECORD, Attempt
from mae_core.store.checkpoint_files import FOLDER, GENERATIONS, checkpoint_files
from mae_core.store.files import TEMPORARY, is_damaged
from mae_core.store.left_out import NAME as LEFT_OUT
from mae_core.store.left_out import leave_out
from mae_core.store.run import Run, Store
from mae_core.store.space import RESERVE
from mae_core.store.upkeep.inventory import inventory, size

LOG = "log.txt"
HISTORY = {OWNER, RECORD, LOG, LEFT_OUT}  # of an attempt that did not finish its run
LEAVINGS_SECONDS = 3600.0


@dataclass(frozen=True)
class Removal:
    """A file or folder that need not be kept."""

    path: Path
    bytes: int
    why: str


def removals(store: Store) -> Iterator[Removal]:
    """What the retention lets go."""
    for entry in inventory(store):
        if entry.finding == "run":
            yield from _of_run(entry.run)
    yield from _leavings(store)


def remove(removal: Removal) -> None:
    """Let it go, and note in its attempt that it is absent on purpose."""
    attempt = removal.path.parent
    if attempt.name.startswith("attempt-") and (Attempt(attempt).record or {}).get("artefacts", {}).get(
        removal.path.name
    ):
        leave_out(attempt, [removal.path.name], removal.why)
    if removal.path.is_dir() and not removal.path.is_symlink():
        shutil.rmtree(removal.path, ignore_errors=True)
    else:
        removal.path.unlink(missing_ok=True)


def _removal(path: Path, why: str) -> Removal:
    return Removal(path, size(path), why)


def _of_run(run: Run) -> Iterator[Removal]:
    if run.finished is not None:
        for attempt in run.attempts:
            yield from _of_finished(attempt, finishing=attempt.folder == run.finished.folder)
    elif run.attempts and run.status != "running":
        whole = [file for file in checkpoint_files(a.folder for a in run.attempts) if file.whole()]
        kept = {file.path for file in whole[:GENERATIONS]}
        for attempt in run.attempts:
            for path in sorted((attempt.folder / FOLDER).glob("*")):
                if path not in kept and whole:
                    yield _removal(path, "older than the newest whole checkpoints")


def _of_finished(attempt: Attempt, *, finishing: bool) -> Iterator[Removal]:
    for path in sorted(attempt.folder.glob("*")):
        if path.name == FOLDER:
            yield _removal(path, "a finished run needs no optimiser state")
        elif path.name == RESERVE:
            yield _removal(path, "space reserved for an attempt that has ended")
        elif not finishing and (path.name not in HISTORY or (path.name == RECORD and is_damaged(path))):
            yield _removal(path, "another attempt finished the run")


def _leavings(store: Store) -> Iterator[Removal]:
    """What killed writers left in runs, plans and positions; an hour is longer than any of them writes."""
    long_ago = time.time() - LEAVINGS_SECONDS
    for folder in ("runs", "runs/*", "runs/*/attempt-*", "plans", "tracking/*"):
        for path in sorted(store.home.glob(f"{folder}/{TEMPORARY}*")):
            if path.lstat().st_mtime < long_ago:
                yield _removal(path, "left by a writer that was killed")
