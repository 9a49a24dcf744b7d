"""The workspace: what a stage at work may touch: its folder, its journal, its checkpoints, the request to stop."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from mae_core.store import journal
from mae_core.store.attempt import Attempt, Heartbeat
from mae_core.store.files import sweep
from mae_core.training import checkpoints
from mae_core.training.checkpoints import Checkpoint

CHECKPOINT_SECONDS = float(os.environ.get("MAE_CHECKPOINT_SECONDS", "15"))
SAVING_SHARE = 0.02  # of the time may go into checkpoints: the next waits 50 times as long as the last took

log = logging.getLogger("mae")


class StoppedError(Exception):
    """The stage was asked to stop and has saved what it had."""


class DivergedError(Exception):
    """The loss is not finite."""


@dataclass
class Workspace:
    """An attempt under way."""

    home: Path
    attempt: Attempt
    earlier: list[Path] = field(default_factory=list)  # folders of earlier attempts, to go on from
    stop_requested: Callable[[], bool] = lambda: False
    heartbeat: Heartbeat | None = None
    checkpoint_seconds: float = CHECKPOINT_SECONDS
    seconds_before: float = 0.0  # of earlier attempts, up to the checkpoint gone on from
    remarks: list[str] = field(default_factory=list)  # what a reader of the number should know of how it came about

    def __post_init__(self) -> None:
        sweep(self.folder)
        self.started = time.monotonic()
        self._due = self.started + self.checkpoint_seconds
        self.journal: journal.Journal | None = None

    @property
    def folder(self) -> Path:
        """The attempt's folder, the only place a stage writes to."""
        return self.attempt.folder

    @property
    def seconds(self) -> float:
        """Time spent on what this attempt holds, earlier attempts included."""
        return self.seconds_before + time.monotonic() - self.started

    def resume(self) -> tuple[int, dict[str, torch.Tensor], dict[str, Any]] | None:
        """The newest whole checkpoint of earlier attempts, and the journal carried over up to it.

        Returns:
            (step, tensors, values), or None where there is nothing to go on from.
        """
        damaged = 0
        for checkpoint in checkpoints.newest_first(self.earlier):
            inherited = self._inherit(checkpoint)
            if inherited is None:
                damaged += 1
                log.warning("%s or its journal is damaged; an older one is used", checkpoint.path.name)
                continue
            tensors, values = checkpoint.load()
            self.journal = journal.Journal(self.folder / journal.NAME, inherited=inherited)
            self.seconds_before = values["seconds"]
            self.remarks += values.get("remarks", [])
            self._remark(damaged, f"training went on from step {checkpoint.step}")
            log.info("going on from step %d (%s)", checkpoint.step, checkpoint.path.parent.parent.name)
            return checkpoint.step, tensors, values
        self._remark(damaged, "training began anew")
        self.journal = journal.Journal(self.folder / journal.NAME)
        return None

    def _remark(self, damaged: int, consequence: str) -> None:
        if damaged:
            found = f"{damaged} damaged checkpoint{'s' * (damaged > 1)}"
            self.remarks.append(f"{found} of an earlier attempt: {consequence}")
            log.warning(self.remarks[-1])

    def _inherit(self, checkpoint: Checkpoint) -> bytes | None:
        source = checkpoint.path.parent.parent / journal.NAME
        return journal.prefix(source, checkpoint.journal_bytes) if checkpoint.whole() else None

    def record(self, row: dict[str, Any]) -> None:
        """Append a row to the journal, with the time."""
        assert self.journal is not None
        self.journal.append({**row, "time": round(time.time(), 3)})

    def checkpoint_due(self) -> bool:
        """Whether enough time has passed since the last checkpoint."""
        return time.monotonic() >= self._due

    def save(self, step: int, tensors: dict[str, torch.Tensor], values: dict[str, Any]) -> None:
        """Save a checkpoint that rests on the journal so far."""
        assert self.journal is not None
        begun = time.monotonic()
        committed = self.journal.commit()
        more = {"seconds": self.seconds, "remarks": self.remarks}
        checkpoints.save(self.folder, step, tensors, values | more, committed)
        now = time.monotonic()
        self._due = now + max(self.checkpoint_seconds, (now - begun) / SAVING_SHARE)

    def show(self, **values: Any) -> None:
        """What the next heartbeat tells others."""
        if self.heartbeat is not None:
            self.heartbeat.values.update(values)

    def close(self) -> None:
        """Make the journal durable and close it."""
        closing, self.journal = self.journal, None
        if closing is not None:
            try:
                closing.commit()
            finally:
                closing.close()
