"""Held jobs: those that SLURM holds because it could not launch them are let go, a few times, and then given up."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mae_core.launch.slurm import queue as slurm
from mae_core.launch.slurm.queue import JobState
from mae_core.launch.slurm.submitting.arrays import Task, cluster_folder
from mae_core.store.files import read_sealed, write_sealed

LEDGER = "held.json"


def let_go(home: Path, queue: Mapping[Task, JobState], tries: int) -> list[Task]:
    """Release this home's tasks that could not be launched, and cancel those that could not be `tries` times.

    Jobs that a person or an administrator holds are left to them. Returns the tasks that were given up. Raises
    ClusterError.
    """
    stuck = {task: state for task, state in queue.items() if state.unlaunched}
    if not stuck:
        return []
    path = cluster_folder(home) / LEDGER
    ledger: dict[str, int] = read_sealed(path) or {}
    given_up = [task for task, state in stuck.items() if ledger.get(state.job, 0) + 1 >= tries]
    for task, state in stuck.items():
        slurm.ask(
            ["scancel" if task in given_up else "scontrol", *([] if task in given_up else ["release"]), state.job]
        )
        ledger[state.job] = ledger.get(state.job, 0) + 1
        write_sealed(path, ledger)
    return given_up
