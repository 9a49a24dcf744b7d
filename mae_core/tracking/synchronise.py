"""Synchronising: one look through the store, or one every few seconds until the launcher is gone."""

from __future__ import annotations

import contextlib
import select
import stat
import sys
import time
from dataclasses import dataclass
from importlib import import_module
from os import fstat
from pathlib import Path

from filelock import FileLock, Timeout

from mae_core.store.attempt import Watch
from mae_core.tracking.destination import Destination
from mae_core.tracking.positions import Positions
from mae_core.tracking.survey import nothing_to_do

LOCK_SECONDS = 300.0


@dataclass(frozen=True)
class Outcome:
    """How a look through the store ended."""

    failure: str = ""  # why something is not synced; empty where all is
    replayed: int = 0  # runs
    views: tuple[tuple[str, str], ...] = ()  # (ablation, address of its table in MLflow's page)


def synchronise(home: Path, *, lock_seconds: float = LOCK_SECONDS, watch: Watch | None = None) -> Outcome:
    """Send everything that the destination lacks; whatever goes wrong comes back as a reason."""
    destination = Destination.of(home)
    if destination.refusal:
        return Outcome(destination.refusal)
    try:
        destination.lock.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(destination.lock, timeout=lock_seconds):
            # a server may have been emptied since, which only asking it can tell
            known = destination.remote and Positions(destination.folder).memo.experiments
            return Outcome() if nothing_to_do(home) and not known else _write(destination, watch)
    except Timeout:
        return Outcome(f"another writer has been at work for {lock_seconds:.0f} s")
    except Exception as error:
        return Outcome(_reason(error, destination))


def follow(home: Path, seconds: float) -> Outcome:
    """Synchronise every so many seconds; once the launcher is gone, a last time."""
    watch = Watch()
    with contextlib.suppress(Exception):  # a launch ends with reports to send: let it not wait for MLflow's import then
        import_module("mae_core.tracking.writer")
    while not _launcher_gone(seconds):
        synchronise(home, lock_seconds=0, watch=watch)
    return synchronise(home, watch=watch)


def _launcher_gone(seconds: float) -> bool:
    """Wait so long, or until the launcher, which never writes to our standard input, closes it by going."""
    if not stat.S_ISFIFO(fstat(sys.stdin.fileno()).st_mode):
        time.sleep(seconds)
        return False
    return bool(select.select([sys.stdin], [], [], seconds)[0])


def _write(destination: Destination, watch: Watch | None) -> Outcome:
    unreachable = destination.unreachable()
    if unreachable:
        return Outcome(unreachable)
    from mae_core.tracking.writer import Writer  # not above: having nothing to do must not cost importing MLflow

    done = Writer(destination).catch_up(watch)
    refused = f"{len(done.refused)} runs were refused, the first is {done.refused[0]}" if done.refused else ""
    return Outcome(refused, done.replayed, tuple(done.views.addresses))


def _reason(error: Exception, destination: Destination) -> str:
    """The first line of what went wrong, without the name and password of a tracking URI."""
    text = (str(error).splitlines() or [""])[0].replace(destination.uri, destination.shown)
    return f"{destination.shown}: {text[:300].rstrip('.') or type(error).__name__}"
