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
from mae_core.store.checkpoint_files import FOLDER
from mae_core.store.files import sweep
from mae_core.training import checkpoints
from mae_core.training.checkpoints import Checkpoint
from mae_core.training.ranks import ALONE, Ranks

CHECKPOINT_SECONDS = float(os.environ.get("MAE_CHECKPOINT_SECONDS", "15"))
SAVING_SHARE = 0.02  # of the time may go into checkpoints: the next waits 50 times as long as the last took

State = tuple[int, dict[str, torch.Tensor], dict[str, Any]]  # step, tensors, plain values

log = logging.getLogger("mae")


class StoppedError(Exception):
    """The stage was asked to stop and has saved what it had."""


class DivergedError(Exception):
    """The loss is not finite."""


class ReleasedError(Exception):
    """This rank's part is done; rank 0 alone scores and writes."""


@dataclass
class Workspace:
    """An attempt under way. Ranks other than 0 have one too, but write nothing in it."""

    home: Path
    attempt: Attempt
    earlier: list[Path] = field(default_factory=list)  # folders of earlier attempts, to go on from
    stop_requested: Callable[[], bool] = lambda: False
    heartbeat: Heartbeat | None = None
    checkpoint_seconds: float = CHECKPOINT_SECONDS
    seconds_before: float = 0.0  # of earlier attempts, up to the checkpoint gone on from
    remarks: list[str] = field(default_factory=list)  # what a reader of the number should know of how it came about
    ranks: Ranks = ALONE
    shortages: int = 0  # of memory, under earlier attempts: each halves the micro-batch

    def __post_init__(self) -> None:
        if self.ranks.first:
            for folder in (self.folder, *self.earlier, *(earlier / FOLDER for earlier in self.earlier)):
                sweep(folder)
        self._base: Checkpoint | None = None  # gone on from
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

    def resume(self) -> State | None:
        """The newest whole checkpoint of earlier attempts, and the journal carried over up to it.

        Returns:
            (step, tensors, values), or None where there is nothing to go on from.
        """
        self._base = self.ranks.of_first(self.ranks.together(lambda: self._resumed() if self.ranks.first else None))
        if self._base is None:
            return None
        tensors, values = self._base.load()
        self.seconds_before = values["seconds"]
        self.remarks[:0] = values.get("remarks", [])
        log.info("going on from step %d (%s)", self._base.step, self._base.attempt.name)
        return self._base.step, tensors, values

    def _resumed(self) -> Checkpoint | None:
        """The checkpoint to go on from; the journal is begun."""
        damaged = 0
        for checkpoint in checkpoints.newest_first(self.earlier):
            inherited = self._inherit(checkpoint)
            if inherited is not None:
                self.journal = journal.Journal(self.folder / journal.NAME, inherited=inherited)
                self._remark(damaged, f"training went on from step {checkpoint.step}")
                return checkpoint
            damaged += 1
            log.warning("%s or its journal is damaged; an older one is used", checkpoint.path.name)
        self._remark(damaged, "training began anew")
        self.journal = journal.Journal(self.folder / journal.NAME)
        return None

    def roll_back(self) -> State | None:
        """The newest whole checkpoint of this attempt, else the one it went on from; the journal is cut back to it."""
        chosen = self.ranks.of_first(self.ranks.together(lambda: self._cut() if self.ranks.first else None))
        if chosen is None:
            return None
        tensors, values = chosen.load()
        log.warning("rolled back to step %d", chosen.step)
        return chosen.step, tensors, values

    def _cut(self) -> Checkpoint | None:
        assert self.journal is not None
        for checkpoint in [*checkpoints.checkpoints(self.folder), *filter(None, [self._base])]:
            if checkpoint.whole():
                self.journal.rewind(checkpoint.journal_bytes)
                return checkpoint
        return None

    def remark(self, sentence: str) -> None:
        """Note what a reader of the number should know."""
        self.remarks.append(sentence)
        log.warning(sentence)

    def _remark(self, damaged: int, consequence: str) -> None:
        if damaged:
            found = f"{damaged} damaged checkpoint{'s' * (damaged > 1)}"
            self.remark(f"{found} of an earlier attempt: {consequence}")

    def _inherit(self, checkpoint: Checkpoint) -> bytes | None:
        source = checkpoint.path.parent.parent / journal.NAME
        return journal.prefix(source, checkpoint.journal_bytes) if checkpoint.whole() else None

    def record(self, row: dict[str, Any]) -> None:
        """Append a row to the journal, with the time."""
        if not self.ranks.first:
            return
        assert self.journal is not None
        self.journal.append({**row, "time": round(time.time(), 3)})

    def checkpoint_due(self) -> bool:
        """Whether enough time has passed since the last checkpoint. Only rank 0 takes them."""
        return self.ranks.first and time.monotonic() >= self._due

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
