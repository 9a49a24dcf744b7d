"""Runs: one stage's record in the store, as anyone may read it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from mae_core.errors import StoreError
from mae_core.signature import Stage
from mae_core.store import journal
from mae_core.store.attempt import Attempt, attempts, finished_by
from mae_core.store.files import read_sealed, write_sealed

RECIPE = "recipe.json"

Status = Literal["missing", "planned", "running", "interrupted", "stopped", "blocked", "failed", "diverged", "done"]


@dataclass(frozen=True)
class Run:
    """The folder `runs/SIGNATURE`. Properties read the disk once; make a new Run to look again."""

    folder: Path

    @property
    def signature(self) -> str:
        """The stage's signature, which names the folder."""
        return self.folder.name

    @cached_property
    def document(self) -> dict[str, Any] | None:
        """The stage: kind, version, resolved recipe, parents. None where absent, damaged or of another run (a copy)."""
        found = read_sealed(self.folder / RECIPE)
        return found if found is not None and found.get("signature") == self.signature else None

    @cached_property
    def attempts(self) -> list[Attempt]:
        """All attempts, oldest first."""
        return attempts(self.folder)

    @cached_property
    def finished(self) -> Attempt | None:
        """The attempt the run is finished by; None while unfinished or where its record is damaged."""
        return finished_by(self.folder)

    @cached_property
    def record(self) -> dict[str, Any] | None:
        """How the finishing (else the last) attempt ended: state, metrics, seconds, provenance, artefacts."""
        last = self.finished or (self.attempts[-1] if self.attempts else None)
        return last.record if last else None

    @cached_property
    def status(self) -> Status:
        """Where the run stands. `interrupted`: its owner died and nobody has gone on; `blocked`: its disk was full."""
        if self.finished is not None:
            return "done"
        if not self.attempts:
            return "planned" if self.document else "missing"
        last = self.attempts[-1]
        if last.record is not None:
            state: Status = last.record["state"]
            return "interrupted" if state == "done" else state
        return "interrupted" if last.alive() is False else "running"

    @property
    def metrics(self) -> dict[str, float]:
        """The final metrics of a finished run; empty otherwise."""
        return dict(self.finished.record["metrics"]) if self.finished and self.finished.record else {}

    def rows(self) -> Iterator[dict[str, Any]]:
        """The metrics journal of the finishing (else the last) attempt, oldest row first."""
        last = self.finished or (self.attempts[-1] if self.attempts else None)
        return journal.rows(last.folder / journal.NAME) if last else iter(())


@dataclass(frozen=True)
class Store:
    """All runs of a home."""

    home: Path

    @property
    def folder(self) -> Path:
        """Where the runs are."""
        return self.home / "runs"

    @property
    def plans(self) -> Path:
        """Where launches write down which cells they ask for."""
        return self.home / "plans"

    def run(self, signature: str) -> Run:
        """The run of that signature, whether it exists or not."""
        return Run(self.folder / signature)

    def runs(self) -> list[Run]:
        """Every folder that looks like a run, by name."""
        if not self.folder.is_dir():
            return []
        return [Run(path) for path in sorted(self.folder.iterdir()) if path.is_dir() and "-" in path.name]

    def plan(self, stage: Stage) -> Run:
        """Write down what `stage` is, so that any process can do it from its signature alone; anew where it is damaged.

        Raises StoreError where something else lies in its place.
        """
        run = self.run(stage.signature)
        if run.document is None:
            try:
                run.folder.mkdir(parents=True, exist_ok=True)
                write_sealed(run.folder / RECIPE, stage.document(), durable=False)
            except (FileExistsError, IsADirectoryError, NotADirectoryError) as error:
                raise StoreError(f"{error.filename2 or error.filename} is in the way of a run; move it away.") from None
        return self.run(stage.signature)
