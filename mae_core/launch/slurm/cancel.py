"""Cancelling: stages leave the queue and are not submitted again until somebody asks for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mae_core.launch.slurm import queue as slurm
from mae_core.launch.slurm.launches import Launches
from mae_core.launch.slurm.rounds import submitting
from mae_core.launch.slurm.submitting.arrays import Arrays, Task, tasks_of
from mae_core.store.run import Store

AT_ONCE = 500  # jobs named in one call


@dataclass(frozen=True)
class Cancelled:
    """How many stages will not be done now, and how many jobs were ended for it."""

    stages: int
    jobs: int


def cancel(store: Store, signatures: Sequence[str]) -> Cancelled:
    """Mark the unfinished among `signatures`, and end the jobs that are at none but marked or finished stages."""
    with submitting(store.home):
        written, queue, launches = Arrays(store.home).all(), slurm.queued(), Launches(store.home)
        mine = [s for s in signatures if store.run(s).finished is None]
        for signature in mine:
            launches.mark(signature, "cancelled", "by ablations.cancel")
        tasks, wanted = tasks_of(written), set(mine)
        contents = {(one.array.name, index): held for one in written for index, held in one.array.tasks.items()}
        mine_in_queue = {task for signature in mine for task in tasks.get(signature, ()) if task in queue}

        def holds_others(task: Task) -> bool:
            return any(s not in wanted and store.run(s).finished is None for s in contents[task])

        jobs = [queue[task].job for task in sorted(mine_in_queue) if not holds_others(task)]
        for start in range(0, len(jobs), AT_ONCE):
            slurm.ask(["scancel", *jobs[start : start + AT_ONCE]])
    return Cancelled(len(mine), len(jobs))
