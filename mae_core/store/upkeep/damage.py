"""Damage: what of the store is not what was written, told by the checksums that lie beside or in every file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mae_core.store import journal
from mae_core.store.attempt import FINISHED, OWNER, RECORD, Attempt
from mae_core.store.checkpoint_files import FOLDER, checkpoint_files
from mae_core.store.files import checksum, is_damaged
from mae_core.store.left_out import left_out
from mae_core.store.run import Run, Store
from mae_core.store.upkeep.inventory import inventory


@dataclass(frozen=True)
class Damage:
    """One file that is not what was written, and what follows from that."""

    path: Path
    what: str


def damages(store: Store) -> Iterator[Damage]:
    """All damage in the store. It reads every byte of weights and checkpoints."""
    for entry in inventory(store):
        if entry.finding == "run":
            yield from of_run(entry.run)
        elif entry.finding == "unreadable":
            yield Damage(entry.path, f"{entry.note}; repeating its command writes it anew")
    for plan in sorted(store.plans.glob("*.json")):
        if is_damaged(plan):
            yield Damage(plan, "cut short or altered, so its cells are not known; repeating its command writes it anew")


def of_run(run: Run) -> Iterator[Damage]:
    """The damage in one run."""
    link = run.folder / FINISHED
    if link.is_symlink() and run.finished is None:
        yield Damage(link, "the attempt it names has no whole record; the run counts as unfinished and will be redone")
    for attempt in run.attempts:
        yield from _of_attempt(attempt)


def _of_attempt(attempt: Attempt) -> Iterator[Damage]:
    for name in (OWNER, RECORD):
        path = attempt.folder / name
        if is_damaged(path):
            yield Damage(path, "cut short or altered")
    record = attempt.record or {}
    for name, sha in record.get("artefacts", {}).items():
        path = attempt.folder / name
        if not path.is_file():
            if name not in left_out(attempt.folder):
                yield Damage(path, "missing")
        elif checksum(path) != sha:
            yield Damage(path, "not what was recorded of it")
    yield from _of_journal(attempt, ended=bool(record))
    for file in checkpoint_files([attempt.folder]):
        if not file.whole():
            yield Damage(file.path, "not what its name says; an older checkpoint is used")


def _of_journal(attempt: Attempt, *, ended: bool) -> Iterator[Damage]:
    """A journal under way may end in half a row; what a checkpoint rests on, and one that has ended, may not."""
    path = attempt.folder / journal.NAME
    if not path.is_file():
        if any((attempt.folder / FOLDER).glob("step-*")) and journal.NAME not in left_out(attempt.folder):
            yield Damage(path, "missing; its checkpoints cannot be used")
        return
    whole, length = journal.whole(path), path.stat().st_size
    rested = max((file.journal_bytes for file in checkpoint_files([attempt.folder])), default=0)
    if whole < (length if ended else rested):
        yield Damage(path, f"whole up to byte {whole} of {length} only")
