"""The policy: which lost stages are not submitted again, because a person cancelled them or they get no further."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from mae_core.launch.slurm import queue as slurm
from mae_core.launch.slurm.launches import ClusterLaunch, Launches
from mae_core.launch.slurm.queue import JobState
from mae_core.launch.slurm.standing import Standing
from mae_core.launch.slurm.submitting.arrays import Submitted, Task, cluster_folder
from mae_core.store.ends import TAKEN, end_of
from mae_core.store.files import read_sealed, write_sealed
from mae_core.store.run import Run, Store

LEDGER = "ledger.json"

Told = Mapping[Task, list[JobState]]


def progress(run: Run) -> int:
    """The step that a run has come to in any of its attempts."""
    return max((attempt.progress.get("step", 0) for attempt in run.attempts), default=0)


class Policy:
    """Judges the lost stages of a launch: time-outs and deaths cost nothing while steps are made, preemptions never."""

    def __init__(self, launch: ClusterLaunch, store: Store, tries: int) -> None:
        self.launch, self.store, self.tries = launch, store, tries
        self.launches = Launches(store.home)
        self.path = cluster_folder(store.home) / LEDGER
        # signature → the furthest step, and how many submissions there were when it was seen
        self.ledger: dict[str, list[int]] = read_sealed(self.path) or {}

    def spare(self, found: Standing, tasks: Mapping[str, list[Task]], written: list[Submitted]) -> None:
        """Take what is not to be submitted again out of the open stages, and mark it so."""
        lost = [signature for signature in found.open if signature in tasks]
        if not lost:
            return
        # a task that waited for a parent and was withdrawn with it says nothing about its own stages
        times = {o.array.name: o.time for o in written if o.array.after is None and o.time >= self.launch.begun}
        told = (slurm.past(min(times.values())) if times else None) or {}
        for signature in lost:
            mine = [task for task in tasks[signature] if task[0] in times]
            verdict = cancelled(mine, told) or self._fruitless(signature, mine, told)
            if verdict is not None:
                found.open.remove(signature)
                found.ended[signature] = ": ".join(verdict)
                self.launches.mark(signature, *verdict)
        write_sealed(self.path, self.ledger)

    def _fruitless(self, signature: str, tasks: list[Task], told: Told) -> tuple[str, str] | None:
        best, before = self.ledger.get(signature, [0, 0])
        run = self.store.run(signature)
        step, tasks = progress(run), [task for task in tasks if not taken(run, told.get(task, []))]
        if step > best:
            self.ledger[signature] = [step, len(tasks)]
            return None
        if len(tasks) < before:  # asked for anew
            before = 0
            self.ledger[signature] = [best, before]
        if len(tasks) - before < self.tries:
            return None
        ends = Counter(told[task][-1].state for task in tasks if task in told)
        how = ", ".join(f"{count} × {state}" for state, count in ends.items()) or "SLURM does not say how they ended"
        return "failed", f"no step further in {self.tries} submissions ({how}); its jobs' logs are in cluster/logs"


def taken(run: Run, states: list[JobState]) -> bool:
    """Whether others took a job from the cluster, by preemption or requeueing: that is no failure of its stage."""
    if not states:
        return False
    ends = [end_of(a.folder) for a in run.attempts if a.owner.get("job") == states[-1].job_id]
    return states[-1].state == "PREEMPTED" or (bool(ends) and ends[-1] in TAKEN)


def cancelled(tasks: list[Task], told: Told) -> tuple[str, str] | None:
    """Whether a person ended the last of these tasks, for nobody else cancels a task that waits for none."""
    states = told.get(tasks[-1], []) if tasks else []
    if states and states[-1].state == "CANCELLED":
        return "cancelled", f"job {states[-1].job} was cancelled"
    return None
