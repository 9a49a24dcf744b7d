"""Bundles: results as plain files that go from machine to machine, a folder or one `.tar.gz`.

A bundle is shaped as a home is: `runs/SIGNATURE/…` as in the store and `plans/*.json`, which name the cells. So
reports can be built and compared from one as from a home. It holds every run that has ended, with recipe, records,
journal and panels; weights only where asked for; optimiser states, logs and heartbeats never.
"""

from __future__ import annotations

import contextlib
import shutil
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock

from mae_core.errors import StoreError
from mae_core.store import journal
from mae_core.store.attempt import FINISHED, OWNER, RECORD, Attempt
from mae_core.store.attempt import finish as finish_run
from mae_core.store.files import TEMPORARY, checksum, sync_folder
from mae_core.store.left_out import NAME as LEFT_OUT
from mae_core.store.left_out import leave_out, left_out
from mae_core.store.run import RECIPE, Run, Store
from mae_core.store.upkeep import usage
from mae_core.store.upkeep.damage import of_run
from mae_core.store.upkeep.inventory import inventory

PLANS = "plans"
ARCHIVE = ".tar.gz"
LOCK = ".import.lock"
ENDED = ("done", "failed", "diverged")
HISTORY = (OWNER, RECORD)  # of every attempt
WEIGHTS = ".safetensors"


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Path]:
    """The home-shaped folder of a home or bundle; an archive is unpacked for as long as it is open.

    Raises StoreError where `path` is neither.
    """
    if path.is_file() and path.name.endswith(ARCHIVE):
        with tempfile.TemporaryDirectory(prefix="mae-bundle-") as folder:
            try:
                with tarfile.open(path) as archive:
                    archive.extractall(folder, filter="data")
            except (tarfile.TarError, OSError, EOFError) as error:
                raise StoreError(f"{path} cannot be unpacked ({error}); copy it again.") from None
            yield Path(folder)
    elif (path / Store(path).folder.name).is_dir():
        yield path
    else:
        raise StoreError(f"{path} is neither a home nor a bundle; name a folder with runs/ in it, or a {ARCHIVE}.")


def export(home: Path, to: Path, runs: Iterable[Run], plans: Iterable[Path], *, weights: bool = False) -> int:
    """Write the ended ones of `runs`, and the files `plans` that name their cells, to the bundle `to`.

    Returns:
        How many runs it holds.

    Raises:
        StoreError: there is something at `to`, or nothing to put there.
    """
    if to.exists():
        raise StoreError(f"{to} exists; name a bundle that does not.")
    ended = [run for run in runs if run.status in ENDED]
    if not ended:
        raise StoreError(f"Nothing that was asked for has ended in {home}; `python -m mae_core.store show` lists runs.")
    to.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=TEMPORARY, dir=to.parent) as aside:
        made = Path(aside) / "bundle"
        (made / PLANS).mkdir(parents=True)
        for run in ended:
            _copy(run, Store(made).folder / run.signature, weights=weights)
        for plan in plans:
            shutil.copy(plan, made / PLANS)
        if to.name.endswith(ARCHIVE):
            packed = Path(aside) / to.name
            with tarfile.open(packed, "w:gz") as archive:
                for name in (Store(made).folder.name, PLANS):
                    archive.add(made / name, name)
            packed.replace(to)
        else:
            made.rename(to)
    return len(ended)


def _copy(run: Run, to: Path, *, weights: bool) -> None:
    """The parts of `run` that travel."""
    to.mkdir(parents=True)
    shutil.copy(run.folder / RECIPE, to)
    counting = run.finished or run.attempts[-1]
    for attempt in run.attempts:
        _copy_attempt(attempt, to / attempt.folder.name, everything=attempt.folder == counting.folder, weights=weights)
    if run.finished is not None:
        (to / FINISHED).symlink_to(run.finished.folder.name)


def _copy_attempt(attempt: Attempt, to: Path, *, everything: bool, weights: bool) -> None:
    recorded = (attempt.record or {}).get("artefacts", {})
    names = [name for name in recorded if weights or not name.endswith(WEIGHTS)] if everything else []
    to.mkdir()
    for name in {*HISTORY, LEFT_OUT, *names, *([journal.NAME, usage.NAME] if everything else [])}:
        if (attempt.folder / name).is_file():
            shutil.copy(attempt.folder / name, to)
    absent = [name for name in recorded if not (to / name).is_file() and name not in left_out(to)]
    leave_out(to, absent, "exported without")


@dataclass
class Merged:
    """What importing a bundle came to; runs by signature."""

    added: list[str] = field(default_factory=list)
    there: list[str] = field(default_factory=list)  # already, with the same content
    refused: dict[str, str] = field(default_factory=dict)  # and why


def merge(bundle: Path, home: Path) -> Merged:
    """Bring the runs of an opened bundle into `home`; what is finished there stays as it is."""
    with FileLock(home / LOCK):
        return _merge_all(bundle, home)


def _merge_all(bundle: Path, home: Path) -> Merged:
    merged, store = Merged(), Store(home)
    for entry in inventory(Store(bundle)):
        if entry.finding != "run":
            merged.refused[entry.path.name] = entry.note
            continue
        damaged = next(of_run(entry.run), None)
        if damaged is not None:
            merged.refused[entry.path.name] = f"{damaged.path.name} in the bundle: {damaged.what}"
            continue
        _merge(entry.run, store, merged)
    for plan in sorted((bundle / PLANS).glob("*.json")):
        (home / PLANS).mkdir(parents=True, exist_ok=True)
        if not (home / PLANS / plan.name).exists():
            shutil.copy(plan, home / PLANS)
    return merged


def _merge(theirs: Run, store: Store, merged: Merged) -> None:
    ours = store.run(theirs.signature)
    if ours.finished is not None:
        if theirs.finished is None or theirs.metrics == ours.metrics:
            merged.there.append(theirs.signature)
            _complete(ours, theirs)
        else:
            merged.refused[theirs.signature] = "it is finished here with other numbers; ours is kept"
    elif ours.attempts and theirs.finished is None:
        merged.there.append(theirs.signature)
    elif ours.status == "running":
        merged.refused[theirs.signature] = "somebody is at it here; import again when it has ended"
    else:
        _add(ours, theirs)
        merged.added.append(theirs.signature)


def _complete(ours: Run, theirs: Run) -> None:
    """Files that ours was once imported without, where the bundle has them."""
    if ours.finished is None or theirs.finished is None:
        return
    recorded = (ours.record or {}).get("artefacts", {})
    for name in left_out(ours.finished.folder):
        source, to = theirs.finished.folder / name, ours.finished.folder / name
        if source.is_file() and not to.exists() and checksum(source) == recorded.get(name):
            _place(source, to)


def _add(ours: Run, theirs: Run) -> None:
    """The attempts of theirs: under their numbers in an empty place, else the one that counts as the next."""
    ours.folder.mkdir(parents=True, exist_ok=True)
    if ours.document is None:
        _place(theirs.folder / RECIPE, ours.folder / RECIPE)
    last = ours.attempts[-1].number if ours.attempts else 0
    counting = theirs.finished or theirs.attempts[-1]
    for attempt in [counting] if last else theirs.attempts:
        number = last + 1 if last else attempt.number
        to = ours.folder / f"attempt-{number}"
        _place(attempt.folder, to)
        if theirs.finished is not None and attempt.folder == theirs.finished.folder:
            finish_run(Attempt(to))


def _place(source: Path, to: Path) -> None:
    """A copy of a file or folder that is whole or absent."""
    aside = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=to.parent))
    try:
        made = aside / to.name
        if source.is_dir():
            shutil.copytree(source, made)
        else:
            shutil.copy(source, made)
        made.rename(to)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    sync_folder(to.parent)
