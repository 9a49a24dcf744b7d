"""The view: what a home's cluster has to say of its stages, for whoever shows them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from mae_core.launch.slurm import queue as slurm
from mae_core.launch.slurm.launches import Launches
from mae_core.launch.slurm.queue import JobState
from mae_core.launch.slurm.settings import ClusterError
from mae_core.launch.slurm.submitting.arrays import KEEPER_FILE, Arrays, Task, cluster_folder, tasks_of
from mae_core.store.files import read_sealed
from mae_core.store.run import Run

GONE = "The keeper has gone, and nobody sees this through: the same `ablations.run` command brings another."
STATES = {"PENDING": "queued", "RUNNING": "starting", "CONFIGURING": "starting", "COMPLETING": "ending"}


def state_in_queue(job: JobState) -> tuple[str, str]:
    """How a job in the queue is shown: its state in our words, and SLURM's reason."""
    if job.held:
        return "held", f"{job.reason}; `scontrol release {job.job}` lets it go"
    return STATES.get(job.state, job.state.lower()), job.reason


@dataclass(frozen=True)
class View:
    """Every stage's last job and mark. Empty for a home that never saw a cluster."""

    tasks: Mapping[str, list[Task]] = field(default_factory=dict)
    queue: Mapping[Task, JobState] = field(default_factory=dict)
    past: Mapping[Task, list[JobState]] = field(default_factory=dict)
    marks: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    unknown: str = ""  # why the queue could not be asked
    unkept: str = ""  # what is wrong with the keeper of launches that are under way, and what to do
    asked: float = 0.0  # when, in seconds since 1970

    @classmethod
    def of(cls, home: Path) -> View:
        """Look once: one call of squeue, one of sacct. What cannot be had is unknown, never failed."""
        written = Arrays(home).all() if cluster_folder(home).is_dir() else []
        if not written:
            return cls()
        tasks, marks = tasks_of(written), Launches(home).marked()
        past, asked = slurm.past(min(one.time for one in written)) or {}, time.time()
        try:
            queue = slurm.queued()
        except ClusterError as error:
            return cls(tasks, {}, past, marks, str(error))
        unkept = _unkept(home, queue) if Launches(home).under_way() else ""
        return cls(tasks, queue, past, marks, unkept=unkept, asked=asked)

    def lost(self, run: Run) -> bool:
        """Whether the job that was at an unfinished run has gone without the run's knowing."""
        if self.unknown or run.signature not in self.tasks or not run.attempts:
            return False
        owner = run.attempts[-1].owner
        return bool(owner.get("job")) and owner["job"] not in self._jobs and owner["taken"] < self.asked

    @cached_property
    def _jobs(self) -> set[str]:
        return {state.job_id for state in self.queue.values()}

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


def _unkept(home: Path, queue: Mapping[Task, JobState]) -> str:
    known = read_sealed(cluster_folder(home) / KEEPER_FILE)
    keeper = queue.get((known["name"], 0)) if known else None
    if keeper is None:
        return GONE
    if keeper.held:
        return f"The keeper is held ({keeper.reason}): `scontrol release {keeper.job}` lets it go."
    return ""
