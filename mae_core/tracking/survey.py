"""The survey: what the store holds that a destination does not. It loads no MLflow, so that asking costs nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mae_core.store import journal
from mae_core.store.attempt import Attempt, Watch
from mae_core.store.run import Run, Status, Store
from mae_core.store.upkeep import usage
from mae_core.tracking.content.curve import committed
from mae_core.tracking.content.description import Description, describe
from mae_core.tracking.content.labels import Label, Labels, read_labels
from mae_core.tracking.content.reports import report_items
from mae_core.tracking.content.views import views
from mae_core.tracking.destination import Destination
from mae_core.tracking.positions import Memo, Position, Positions
from mae_core.tracking.studies.record import PREFIX
from mae_core.tracking.studies.survey import StudyItem, study_items

ENDED = ("done", "failed", "diverged")


@dataclass(frozen=True)
class Item:
    """One run, as the store has it and as far as the destination has it."""

    run: Run
    attempt: Attempt  # the one that counts: the finishing, else the last
    length: int | None  # bytes of its journal that are final; None while it stands before its first checkpoint
    description: Description
    position: Position
    ablations: tuple[str, ...]  # whose numbers it gives

    @property
    def key(self) -> str:
        """Of its position."""
        return self.run.signature

    @property
    def has_new_rows(self) -> bool:
        """Whether something of the journal is to be replayed, or to be judged against what was."""
        if self.length is None:
            return False
        return self.attempt.number != self.position.attempt or self.length > self.position.length

    @property
    def pending(self) -> bool:
        """Whether the destination lacks anything of it."""
        new = self.has_new_rows or self.has_new_usage
        return new or self.description.digest != self.position.told

    @property
    def has_new_usage(self) -> bool:
        """Whether its attempts have noted since what they take of their machines."""
        return sum(path.stat().st_size for path in self._usages) > self.position.usage

    def new_usage(self) -> tuple[list[dict[str, Any]], int]:
        """Those of the notes that are new, and how many bytes all are."""
        data = b"".join(path.read_bytes() for path in self._usages)
        return list(journal.whole_lines(data[self.position.usage :])), len(data)

    @property
    def _usages(self) -> list[Path]:
        paths = (attempt.folder / usage.NAME for attempt in self.run.attempts)
        return [path for path in paths if path.is_file()]

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """The final rows of the journal."""
        return list(journal.rows(self.attempt.folder / journal.NAME, limit=self.length or 0))


def items(destination: Destination, watch: Watch | None = None) -> Iterator[Item]:
    """All runs that were ever started, each after those it starts from and looked at only when its turn comes.

    So whoever replays a run before asking for the next finds it as the parent of the next.
    """
    positions, labels = Positions(destination.folder), read_labels(destination.home)
    planned = [run for run in Store(destination.home).runs() if run.document]
    served = _served(planned, labels)  # what has not begun tells what those under way are for
    runs = [run for run in planned if run.attempts]
    runs.sort(key=lambda run: (_depth(run.document or {}), run.signature))
    known: dict[str, Position] = {}
    for run in runs:
        attempt, status, length = _standing(run, watch)
        position = known[run.signature] = positions.of(run.signature)
        parents = [parent["signature"] for parent in (run.document or {})["parents"]]
        parent = next((positions.of(name).run_id for name in parents if name in known), "")
        own = labels.get(run.signature, ())
        description = describe(run, status, attempt, own, served[run.signature], parent)
        tables = {label.ablation for label in own if not label.ablation.startswith(PREFIX)}  # a study's has its trials
        yield Item(run, attempt, length, description, position, tuple(sorted(tables)))


def nothing_to_do(home: Path) -> bool:
    """Whether the destination has everything that `home` has, as far as this home can tell."""
    destination = Destination.of(home)
    if destination.refusal:
        return False
    memo = Positions(destination.folder).memo
    found: list[Item | StudyItem] = [*items(destination), *study_items(destination)]
    pages = list(report_items(destination))
    if any(item.pending for item in (*found, *pages)):
        return False
    shown = views(((item.position.experiment_id, item.ablations, item.description) for item in found), pages)
    return shown.digest == memo.views and holds(destination, memo)


def holds(destination: Destination, memo: Memo) -> bool:
    """Whether a database file is still the one that was written to; a server is asked by the writer."""
    if destination.database is None or not memo.experiments:
        return True
    query = "SELECT name, CAST(experiment_id AS TEXT) FROM experiments"
    try:
        with closing(sqlite3.connect(f"{destination.database.as_uri()}?mode=ro", uri=True)) as database:
            found = dict(database.execute(query).fetchall())
    except sqlite3.Error:
        return False
    return memo.experiments.items() <= found.items()


def _depth(document: dict[str, Any]) -> int:
    return 1 + max((_depth(parent) for parent in document["parents"]), default=0)


def _ancestors(document: dict[str, Any]) -> set[str]:
    found = {parent["signature"] for parent in document["parents"]}
    return found.union(*(_ancestors(parent) for parent in document["parents"]))


def _served(runs: list[Run], labels: Labels) -> dict[str, tuple[Label, ...]]:
    """For each stage, the cells whose number it gives or prepares."""
    found: dict[str, set[Label]] = {}
    for run in runs:
        for signature in {run.signature, *_ancestors(run.document or {})}:
            found.setdefault(signature, set()).update(labels.get(run.signature, ()))
    return {signature: tuple(sorted(given)) for signature, given in found.items()}


def _standing(run: Run, watch: Watch | None) -> tuple[Attempt, Status, int | None]:
    """The attempt that counts, where the run stands, and how many bytes of the journal are final."""
    attempt, status = run.finished or run.attempts[-1], run.status
    if status == "running" and watch is not None and not watch.alive(attempt):
        status = "interrupted"
    if status not in ENDED:
        return attempt, status, committed(attempt.folder) or None
    path = attempt.folder / journal.NAME
    return attempt, status, path.stat().st_size if path.is_file() else 0
