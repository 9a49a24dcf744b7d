"""The view: what a home's cluster has to say of its stages, for whoever shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mae_core.launch.slurm import queue as slurm
from mae_core.launch.slurm.arrays import Arrays, Task, cluster_folder, tasks_of
from mae_core.launch.slurm.launches import Launches
from mae_core.launch.slurm.queue import JobState
from mae_core.launch.slurm.settings import ClusterError

STATES = {"PENDING": "queued", "RUNNING": "starting", "CONFIGURING": "starting", "COMPLETING": "ending"}


@dataclass(frozen=True)
class View:
    """Every stage's last job and mark. Empty for a home that never saw a cluster."""

    tasks: Mapping[str, list[Task]] = field(default_factory=dict)
    queue: Mapping[Task, JobState] = field(default_factory=dict)
    past: Mapping[Task, list[JobState]] = field(default_factory=dict)
    marks: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    unknown: str = ""  # why the queue could not be asked

    @classmethod
    def of(cls, home: Path) -> View:
        """Look once: one call of squeue, one of sacct. What cannot be had is unknown, never failed."""
        written = Arrays(home).all() if cluster_folder(home).is_dir() else []
        if not written:
            return cls()
        tasks, marks = tasks_of(written), Launches(home).marked()
        past = slurm.past(min(one.time for one in written)) or {}
        try:
            return cls(tasks, slurm.queued(), past, marks)
        except ClusterError as error:
            return cls(tasks, {}, past, marks, str(error))

    def job(self, signature: str) -> JobState | None:
        """The job that is at the stage, waits to be, or was last."""
        tasks = self.tasks.get(signature, ())
        for task in reversed(tasks):
            if task in self.queue:
                return self.queue[task]
        states = self.past.get(tasks[-1]) if tasks else None
        return states[-1] if states else None

    def queued(self, signature: str) -> JobState | None:
        """Its job, if SLURM still has it in the queue."""
        return next((self.queue[task] for task in reversed(self.tasks.get(signature, ())) if task in self.queue), None)
