"""Attempts: who works on a run. One exclusive step takes an attempt, another finishes the run.

An attempt is taken by renaming a prepared folder to `attempt-K`, which fails if `attempt-K` exists; a run is
finished by the symbolic link `finished` to its attempt, which fails if the link exists. So a process that was
given up for dead and wakes up can neither write into its successor's folder nor finish in its place.
"""

from __future__ import annotations

import contextlib
import functools
import os
import platform
import re
import shutil
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from mae_core.store.files import TEMPORARY, read_sealed, sync_folder, write_sealed
from mae_core.store.upkeep.usage import Usage

OWNER = "owner.json"
PROGRESS = "progress.json"
RECORD = "record.json"
FINISHED = "finished"
NUMBERED = re.compile(r"attempt-[1-9][0-9]*")
BEAT_SECONDS = 2.0
LEASE_SECONDS = 60.0  # an owner elsewhere whose heartbeat stands still this long is dead


@functools.cache
def this_boot() -> str:
    """What tells this start of this host from every other."""
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return str(int(psutil.boot_time()))


def _owner() -> dict[str, Any]:
    process = psutil.Process()
    return {
        "host": platform.node(),
        "boot": this_boot(),
        "pid": process.pid,
        "started": process.create_time(),
        "job": os.environ.get("SLURM_JOB_ID", ""),
        "taken": time.time(),
    }


@dataclass(frozen=True)
class Attempt:
    """One `attempt-K` folder, as anyone may read it."""

    folder: Path

    @property
    def number(self) -> int:
        """K, from 1."""
        return int(self.folder.name.removeprefix("attempt-"))

    @property
    def owner(self) -> dict[str, Any]:
        """Host, boot, pid and start time of the process that took it."""
        return read_sealed(self.folder / OWNER) or {}

    @property
    def record(self) -> dict[str, Any] | None:
        """How it ended, or None while it has not."""
        return read_sealed(self.folder / RECORD)

    @property
    def progress(self) -> dict[str, Any]:
        """The last heartbeat: beat, step, steps, loss, images_per_second."""
        return read_sealed(self.folder / PROGRESS) or {}

    def alive(self) -> bool | None:
        """Whether the owner lives; None where only its heartbeat can tell (another host)."""
        owner = self.owner
        if not owner or owner["host"] != platform.node():
            return None
        if owner["boot"] != this_boot():
            return False
        try:
            return bool(abs(psutil.Process(owner["pid"]).create_time() - owner["started"]) < 0.05)
        except psutil.Error:
            return False


def attempts(run: Path) -> list[Attempt]:
    """The attempts of a run, oldest first."""
    found = [Attempt(path) for path in run.glob("attempt-*") if NUMBERED.fullmatch(path.name)]
    return sorted(found, key=lambda attempt: attempt.number)


class Watch:
    """Judges owners on other hosts by a heartbeat that stands still on our own clock, never by their clock."""

    def __init__(self, lease: float = LEASE_SECONDS) -> None:
        self.lease = lease
        self._seen: dict[Path, tuple[Any, float]] = {}

    def alive(self, attempt: Attempt) -> bool:
        """Whether `attempt` must be left alone."""
        known = attempt.alive()
        if known is not None:
            return known
        beat, now = attempt.progress.get("beat"), time.monotonic()
        last = self._seen.get(attempt.folder)
        if last is None or last[0] != beat:
            self._seen[attempt.folder] = (beat, now)
            return True
        return now - last[1] < self.lease


def take(run: Path, number: int) -> Attempt | None:
    """Take attempt `number` of `run` for this process; None if somebody else was first."""
    owner, aside = _owner(), Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=run))
    try:
        aside.chmod(0o755)
        write_sealed(aside / OWNER, owner)
    except OSError:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    folder = run / f"attempt-{number}"
    try:
        aside.rename(folder)  # fails on a folder that is there: it holds at least its owner
    except OSError:
        shutil.rmtree(aside, ignore_errors=True)
        if Attempt(folder).owner != owner:  # over NFS a rename whose answer was lost is tried again, and then fails
            return None
    sync_folder(run)
    return Attempt(folder)


def finished_by(run: Path) -> Attempt | None:
    """The attempt that `run` is finished by; None while it is unfinished, or where that attempt's record is damaged."""
    with contextlib.suppress(OSError):
        attempt = Attempt(run / (run / FINISHED).readlink().name)
        return attempt if attempt.record is not None else None
    return None


def finish(attempt: Attempt) -> bool:
    """Make `attempt` the one its run is finished by; False if the run was finished already."""
    run = attempt.folder.parent
    try:
        (run / FINISHED).symlink_to(attempt.folder.name)
    except FileExistsError:
        if finished_by(run) is not None:
            return False
        _link_anew(run, attempt.folder.name)  # what it leads to was damaged since
    sync_folder(run)
    return True


def _link_anew(run: Path, name: str) -> None:
    aside = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=run))
    try:
        (aside / FINISHED).symlink_to(name)
        (aside / FINISHED).replace(run / FINISHED)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


@dataclass
class Heartbeat:
    """A thread that rewrites the attempt's progress file, so that others see life and how far it is.

    It samples what the process takes of the machine, too.
    """

    attempt: Attempt
    values: dict[str, Any] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def _beat(self) -> None:
        beat, usage = 0, self._usage()
        while True:
            beat += 1
            with contextlib.suppress(OSError):  # a full disk must not end training; the next beat tries again
                write_sealed(self.attempt.folder / PROGRESS, {"beat": beat, **self.values}, durable=False)
            stopped = self._stop.wait(BEAT_SECONDS)
            with contextlib.suppress(OSError, psutil.Error):
                if usage is not None:
                    usage.close() if stopped else usage.sample()
            if stopped:
                return

    def _usage(self) -> Usage | None:
        first = next(iter(attempts(self.attempt.folder.parent)), self.attempt)
        with contextlib.suppress(OSError, psutil.Error):
            return Usage(self.attempt.folder, first.owner.get("taken", time.time()))
        return None

    def __enter__(self) -> Heartbeat:
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
