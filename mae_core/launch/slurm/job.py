"""A job's body: does the stages of its task, saves and requeues itself when told to stop.

    python -m mae_core.launch.slurm.job --home DIR --array NAME

The task's index comes from SLURM. Exit status: 0 when all its stages are done, waiting for a parent, or with somebody
else; 1 when one failed; 75 when it was stopped and SLURM did not take it back.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
import warnings
from pathlib import Path

from mae_core.launch.ranks import joined
from mae_core.launch.slurm.arrays import Arrays
from mae_core.launch.slurm.launches import Launches
from mae_core.launch.slurm.queue import ask
from mae_core.launch.slurm.settings import ClusterError
from mae_core.launch.worker import Wish
from mae_core.store.attempt import LEASE_SECONDS, Watch
from mae_core.store.run import Run, Store

STOPPED = 75  # EX_TEMPFAIL
PATIENCE = 3 * LEASE_SECONDS  # with a stage that seems to be with somebody else: long enough to see that he is dead
LOOK_AGAIN_SECONDS = 2.0
FRUITLESS = 3  # attempts that stopped at one step: SLURM is not asked for another


def work(home: Path, signatures: tuple[str, ...], wish: Wish) -> int:
    """Do the stages one after the other, together with the job's other ranks; the exit status."""
    from mae_core.stages.obtain import obtain  # torch: seconds

    store, watch, failed = Store(home), Watch(), False
    with joined() as ranks:
        for signature in signatures:
            if ranks.of_first(signature in Launches(home).marked()):
                print(f"{signature}: not wanted any more", flush=True)
                continue
            deadline = time.monotonic() + PATIENCE
            outcome = obtain(signature, store, watch, wish.requested, ranks)
            while ranks.of_first(outcome.ending == "busy" and not wish.stop and time.monotonic() < deadline):
                time.sleep(LOOK_AGAIN_SECONDS)
                outcome = obtain(signature, store, watch, wish.requested, ranks)
            if ranks.first:
                print(f"{signature}: {outcome.ending} {outcome.reason}".rstrip(), flush=True)
            failed |= outcome.ending in ("failed", "diverged", "blocked")
            (stop,) = ranks.agree(wish.stop)
            if outcome.ending == "stopped" or (stop and signature != signatures[-1]):
                return STOPPED
    return int(failed)


def gets_on(run: Run) -> bool:
    """Whether the last attempts came further than each other: a time limit may be too short for a single step."""
    steps = [attempt.progress.get("step", 0) for attempt in run.attempts[-FRUITLESS:]]
    return len(steps) < FRUITLESS or len(set(steps)) > 1


def requeue(job: str) -> bool:
    """Ask SLURM for this job to run again; not where it was cancelled, or is being requeued already.

    Before a time limit and in a preemption's grace the job still runs, and would end for good if it simply ended.
    """
    try:
        if ask(["squeue", "-h", "-j", job, "-o", "%T"]).strip() != "RUNNING":
            return False
        ask(["scontrol", "requeue", job])
    except ClusterError as error:
        print(f"not requeued: {error}", flush=True)
        return False
    return True


def main() -> int:
    """Do this task; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--array", required=True)
    arguments = parser.parse_args()
    wish = Wish(signal.SIGUSR2)
    warnings.filterwarnings("ignore")
    submitted = Arrays(arguments.home).read(arguments.array)
    if submitted is None:
        print(f"{arguments.array} is not among the arrays of {arguments.home}.", file=sys.stderr)
        return 1
    signatures = submitted.array.tasks[int(os.environ["SLURM_ARRAY_TASK_ID"])]
    job, count = os.environ["SLURM_JOB_ID"], os.environ.get("SLURM_RESTART_COUNT", "0")
    print(f"job {job} on {os.environ.get('SLURMD_NODENAME')}, restart {count}: {' '.join(signatures)}", flush=True)
    status = work(arguments.home, signatures, wish)
    if status == STOPPED and os.environ.get("SLURM_PROCID", "0") == "0":
        store = Store(arguments.home)
        if all(gets_on(store.run(signature)) for signature in signatures):
            print("requeued" if requeue(job) else "stopped", flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
