"""A job's body: does the stages of its task, saves and requeues itself when told to stop.

    python -m mae_core.launch.slurm.job --home DIR --array NAME

The task's index comes from SLURM. Exit status: 0 when all its stages are done, waiting for a parent, or with somebody
else; 1 when one failed; 75 when it was stopped and SLURM did not take it back.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from mae_core.errors import UserError
from mae_core.launch.ranks import joined
from mae_core.launch.slurm.launches import Launches
from mae_core.launch.slurm.queue import ask
from mae_core.launch.slurm.recovery.supervisor import supervised
from mae_core.launch.slurm.recovery.witness import note_before_restart, note_own
from mae_core.launch.slurm.settings import ClusterError
from mae_core.launch.slurm.submitting.arrays import Arrays, cluster_folder
from mae_core.launch.worker import Wish
from mae_core.store.attempt import LEASE_SECONDS, Watch
from mae_core.store.ends import TAKEN, How, end_of
from mae_core.store.run import Run, Store

if TYPE_CHECKING:
    from mae_core.stages.obtain import Outcome
    from mae_core.training.ranks import Ranks

STOPPED = 75  # EX_TEMPFAIL
PATIENCE = 3 * LEASE_SECONDS  # with a stage that seems to be with somebody else: long enough to see that he is dead
LOOK_AGAIN_SECONDS = 2.0
TOGETHER = ("done", "busy", "waiting")  # endings after which ranks are still in step; after others they may not be
FRUITLESS = 3  # attempts that stopped at one step: SLURM is not asked for another


def work(home: Path, signatures: tuple[str, ...], wish: Wish) -> int:
    """Do the stages one after the other, together with the job's other ranks; the exit status."""
    from mae_core.training.ranks import RankLostError  # torch: seconds

    try:
        with joined() as ranks:
            return in_turn(Store(home), signatures, wish, ranks)
    except RankLostError as error:  # before a stage or between two: another job does what is left
        print(f"stopped: {error}", flush=True)
        return STOPPED


def in_turn(store: Store, signatures: tuple[str, ...], wish: Wish, ranks: Ranks) -> int:
    """Do the stages on all `ranks`; the exit status. What follows a failure of several ranks is left to another job."""
    watch, failed = Watch(), False
    for signature in signatures:
        if ranks.of_first(signature in Launches(store.home).marked()):
            print(f"{signature}: not wanted any more", flush=True)
            continue
        outcome = _obtained(signature, store, watch, wish, ranks)
        if ranks.first:
            print(f"{signature}: {outcome.ending} {outcome.reason}".rstrip(), flush=True)
        failed |= outcome.ending in ("failed", "diverged", "blocked")
        if outcome.ending == "stopped":
            return _stopped(store, signatures, wish, ranks)
        if ranks.world > 1 and outcome.ending not in TOGETHER:
            break
        (stop,) = ranks.agree(wish.stop)
        if stop and signature != signatures[-1]:
            return _stopped(store, signatures, wish, ranks)
    if ranks.first and not wish.stop:
        _have_keeper(store.home)
    return int(failed)


def _have_keeper(home: Path) -> None:
    """A job that ends may be the last to see that nobody would submit what follows."""
    if not cluster_folder(home).is_dir():
        return
    from mae_core.launch.slurm.submitting.submit import revive_keeper  # submitit

    try:
        if revive_keeper(home):
            print("the keeper had gone; another was submitted", flush=True)
    except (UserError, OSError) as error:
        print(f"no keeper was submitted: {error}", flush=True)


def _obtained(signature: str, store: Store, watch: Watch, wish: Wish, ranks: Ranks) -> Outcome:
    """How the stage ended; one that is with somebody else is asked for until it is plain that he lives."""
    from mae_core.stages.obtain import obtain

    deadline = time.monotonic() + PATIENCE
    outcome = obtain(signature, store, watch, wish.requested, ranks)
    while outcome.ending == "busy" and ranks.of_first(not wish.stop and time.monotonic() < deadline):
        time.sleep(LOOK_AGAIN_SECONDS)
        outcome = obtain(signature, store, watch, wish.requested, ranks)
    return outcome


def _stopped(store: Store, signatures: tuple[str, ...], wish: Wish, ranks: Ranks) -> int:
    """Ask for the job again before any rank leaves: srun kills the rest as soon as one has left with an error."""
    from mae_core.training.ranks import RankLostError

    if ranks.first:
        job = os.environ["SLURM_JOB_ID"]
        runs = state_of(job) == "RUNNING"
        if how := why(wish, runs):
            note_own(store, signatures, how)
        if runs and all(gets_on(store.run(signature)) for signature in signatures):
            print("requeued" if requeue(job) else "stopped", flush=True)
    with contextlib.suppress(RankLostError):  # whoever lost the others learns it again at once
        ranks.agree(False)
    return STOPPED


def gets_on(run: Run) -> bool:
    """Whether the last attempts came further than each other: a time limit may be too short for a single step."""
    mine = [attempt for attempt in run.attempts if end_of(attempt.folder) not in TAKEN][-FRUITLESS:]
    steps = [attempt.progress.get("step", 0) for attempt in mine]
    return len(steps) < FRUITLESS or len(set(steps)) > 1


def why(wish: Wish, runs: bool) -> How | None:
    """Why a job stops that `runs`, as SLURM sees it; None where SLURM ends it already and will say why itself."""
    if wish.number == signal.SIGUSR2:  # which --signal asks for, before the time limit
        return "time limit"
    if wish.number is None:
        return "rank lost"
    return "preempted" if runs else None


def state_of(job: str) -> str:
    """SLURM's state of a job; empty where it does not say."""
    try:
        return ask(["squeue", "-h", "-j", job, "-o", "%T"]).strip()
    except ClusterError as error:
        print(f"not requeued: {error}", flush=True)
        return ""


def requeue(job: str) -> bool:
    """Ask SLURM for this job to run again; not where it was cancelled, or is being requeued already.

    Before a time limit and in a preemption's grace the job still runs, and would end for good if it simply ended.
    """
    if state_of(job) != "RUNNING":
        return False
    try:
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
    told = [os.environ.get(name, "0") for name in ("SLURM_JOB_ID", "SLURMD_NODENAME", "SLURM_RESTART_COUNT")]
    print("job {} on {}, restart {}: {}".format(*told, " ".join(signatures)), flush=True)
    store = Store(arguments.home)
    if os.environ.get("SLURM_PROCID", "0") == "0":
        note_before_restart(store, signatures)
    return supervised(lambda: work(arguments.home, signatures, wish), lambda how: note_own(store, signatures, how))


if __name__ == "__main__":
    sys.exit(main())
