"""The witness: what the cluster knows of how an attempt ended, written down beside it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path

from mae_core.launch.slurm import queue as slurm
from mae_core.launch.slurm.queue import JobState
from mae_core.store.attempt import Attempt
from mae_core.store.ends import End, How, end_of, note
from mae_core.store.run import Store
from mae_core.training.watchdog import WAITING, stacks_file

ENDS: dict[str, How] = {  # by SLURM's state of a job
    "OUT_OF_MEMORY": "memory",
    "NODE_FAIL": "node failed",
    "TIMEOUT": "time limit",
    "PREEMPTED": "preempted",
    "REQUEUED": "requeued",
}

UNDER_WAY = {"RUNNING", "PENDING", "COMPLETING", "SUSPENDED"}
PATIENCE, LOOK_SECONDS = 20.0, 1.0  # with accounting, before a restarted job begins without knowing why


def attempt_of(store: Store, signatures: Iterable[str], job: str) -> Attempt | None:
    """The attempt that `job` was at, or stopped; None where it had begun none, or has ended all."""
    for signature in signatures:
        attempts = store.run(signature).attempts
        if attempts and attempts[-1].owner.get("job") == job:
            record = attempts[-1].record
            if record is None or record["state"] == "stopped":
                return attempts[-1]
    return None


def note_own(store: Store, signatures: Iterable[str], how: How | None) -> None:
    """Write down how this rank's process ended; None: it left with the status of one that hung, or was stopped."""
    # read here, for all else that knows a rank's place takes longer to import than srun leaves a job that lost a rank
    rank, job = int(os.environ.get("SLURM_PROCID", "0")), os.environ.get("SLURM_JOB_ID", "")
    attempt = attempt_of(store, signatures, job)
    if attempt is None:
        return
    if how is None:
        if not _hung(stacks_file(attempt.folder, rank)):
            return
        how = "hung"
    note(attempt.folder, End(how, f"rank-{rank}", os.environ.get("SLURMD_NODENAME", ""), job))


def _hung(stacks: Path) -> bool:
    """Whether a watchdog ended the process for what it did itself, not for ranks that it waited for."""
    return stacks.is_file() and WAITING not in stacks.read_text(errors="replace").partition("\n")[0]


def note_slurms(store: Store, signatures: Iterable[str], state: JobState) -> None:
    """Write down what accounting says of a job that has gone, where nobody knows better."""
    how = ENDS.get(state.state)
    attempt = attempt_of(store, signatures, state.job_id) if how else None
    if how and attempt and (how == "memory" or end_of(attempt.folder) is None):
        note(attempt.folder, End(how, "slurm", state.node, state.job_id))


def note_before_restart(store: Store, signatures: Iterable[str]) -> None:
    """Write down how this job's last time ended, where SLURM itself had it run again."""
    job, restarts = os.environ.get("SLURM_JOB_ID", ""), int(os.environ.get("SLURM_RESTART_COUNT", "0") or 0)
    last = _ended(job, restarts) if restarts else None
    if last is not None:
        note_slurms(store, signatures, last)


def _ended(job: str, time_of_it: int) -> JobState | None:
    """How the job ended that time, as soon as accounting, which is seconds behind at times, says so."""
    waited = 0.0
    while states := slurm.past_of(job):
        if len(states) >= time_of_it and states[time_of_it - 1].state not in UNDER_WAY:
            return states[time_of_it - 1]
        if waited >= PATIENCE:
            break
        time.sleep(LOOK_SECONDS)
        waited += LOOK_SECONDS
    return None
