"""A round of submission: what is neither finished nor queued nor running goes into the queue, each stage once."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mae_core.launch.slurm import queue as slurm
from mae_core.launch.slurm.launches import Launches
from mae_core.launch.slurm.recovery.held import let_go
from mae_core.launch.slurm.recovery.nodes import bad_nodes, lost_since
from mae_core.launch.slurm.recovery.witness import note_slurms
from mae_core.launch.slurm.rounds import submitting
from mae_core.launch.slurm.settings import ClusterError, ClusterSettings, load
from mae_core.launch.slurm.standing import Standing, standing
from mae_core.launch.slurm.submitting.arrays import (
    KEEPER_FILE,
    Arrays,
    JobArray,
    Submitted,
    Task,
    cluster_folder,
    new_name,
    tasks_of,
)
from mae_core.launch.slurm.submitting.layout import lay_out
from mae_core.launch.slurm.submitting.submission import Submitter
from mae_core.signature import Stage
from mae_core.store.attempt import Attempt, Watch
from mae_core.store.ends import End, end_of, ends_of
from mae_core.store.files import read_sealed, write_sealed
from mae_core.store.run import Store

LATELY = 24 * 3600.0
OURS = "MAE_"  # how names of our own environment variables begin


@dataclass(frozen=True)
class Round:
    """What a round found and did."""

    standing: Standing  # before it
    submitted: list[JobArray]
    refused: str = ""  # why SLURM took no more; what is left over is for the keeper

    @property
    def stages(self) -> int:
        """Stages submitted."""
        return sum(len(signatures) for array in self.submitted for signatures in array.tasks.values())


class Cluster:
    """A home's door to its cluster."""

    def __init__(self, home: Path, settings: ClusterSettings, snapshot: Path) -> None:
        self.home, self.settings, self.snapshot = home, settings, snapshot
        self.store, self.arrays, self.launches = Store(home), Arrays(home), Launches(home)

    def submit(
        self,
        stages: Sequence[Stage],
        *,
        again: bool = False,
        keeper: bool = False,
        watch: Watch | None = None,
        spare: Callable[[Standing, dict[str, list[Task]], list[Submitted]], None] = lambda *_: None,
    ) -> Round:
        """Submit what of `stages` is open.

        Args:
            stages: parents before their children.
            again: also what failed.
            keeper: see to it that there is a keeper.
            watch: see `standing`.
            spare: called before anything is submitted; may take stages out of the standing's `open`.
        """
        with submitting(self.home):
            written = self.arrays.all()
            tasks, queue = tasks_of(written), slurm.queued()
            self._let_go(written, queue)
            found = standing(
                [stage.signature for stage in stages], self.store, tasks, queue, self.launches.marked(),
                again=again, watch=watch,
            )  # fmt: skip
            spare(found, tasks, written)
            submitter = self._submitter(written, found.open if found.open or keeper else None, tasks)
            if keeper:
                self._have_keeper(submitter, queue)
            return self._submit_open(stages, found, queue, submitter)

    def keep(self) -> None:
        """See to it that there is a keeper."""
        with submitting(self.home):
            self._have_keeper(self._submitter(self.arrays.all(), (), {}), slurm.queued())

    def _let_go(self, written: list[Submitted], queue: dict[Task, slurm.JobState]) -> None:
        """Have SLURM try again what it could not launch; what it never can is marked, and leaves the queue."""
        contents = {(one.array.name, index): held for one in written for index, held in one.array.tasks.items()}
        mine = {task: state for task, state in queue.items() if task in contents}
        for task in let_go(self.home, mine, self.settings.tries):
            reason = f"SLURM could not launch it in {self.settings.tries} tries ({queue.pop(task).reason})"
            for signature in contents[task]:
                if self.store.run(signature).finished is None:
                    self.launches.mark(signature, "failed", reason)

    def _submitter(
        self, written: list[Submitted], lost: Sequence[str] | None, tasks: dict[str, list[Task]]
    ) -> Submitter:
        """One that knows the nodes on which our jobs died lately; later they may have been repaired."""
        since = max(min((one.time for one in written), default=time.time()), time.time() - LATELY)
        told = (slurm.past(since) if written and lost is not None else None) or {}
        for signature in lost or ():
            for state in told.get(tasks[signature][-1], [])[-1:] if signature in tasks else ():
                note_slurms(self.store, [signature], state)
        down = cache(lambda: lost_since(since))
        exclude = bad_nodes(told, self._spoke, self._ends, down)
        return Submitter(self.home, self.settings, self.snapshot, exclude)

    def _attempts(self, task: Task, state: slurm.JobState) -> list[Attempt]:
        submitted = self.arrays.read(task[0])
        signatures = submitted.array.tasks.get(task[1], ()) if submitted else ()
        return [a for s in signatures for a in self.store.run(s).attempts if a.owner.get("job") == state.job_id]

    def _spoke(self, task: Task, state: slurm.JobState) -> bool:
        """Whether it is known why a stage ended in that job."""
        return any(
            (attempt.record is not None and attempt.record["state"] != "done") or end_of(attempt.folder) == "memory"
            for attempt in self._attempts(task, state)
        )

    def _ends(self, task: Task, state: slurm.JobState) -> list[End]:
        """How ranks of that job ended, but for want of memory, which is not a node's fault."""
        mine = [attempt.folder for attempt in self._attempts(task, state)]
        return [end for folder in mine if end_of(folder) != "memory" for end in ends_of(folder)]

    def _submit_open(
        self, stages: Sequence[Stage], found: Standing, queue: dict[Task, slurm.JobState], submitter: Submitter
    ) -> Round:
        left = set(found.open)
        if not left:
            return Round(found, [])
        most = self.settings.max_submitted
        arrays = lay_out(
            [stage for stage in stages if stage.signature in left],
            self.settings.shape,
            finished=found.done,
            queued=found.queued,
            most=slurm.max_array_size(),
            room=None if most is None else max(0, most - len(queue)),
        )
        jobs = {name: state.job.partition("_")[0] for (name, _), state in queue.items()}
        submitted: list[JobArray] = []
        for array in arrays:
            self.arrays.write(array)
            try:
                jobs[array.name] = submitter.array(array, jobs[array.after] if array.after else None)
            except ClusterError as error:
                self.arrays.withdraw(array.name)
                return Round(found, submitted, str(error))
            self.arrays.note_job(array.name, jobs[array.name])
            submitted.append(array)
        return Round(found, submitted)

    def _have_keeper(self, submitter: Submitter, queue: dict[Task, slurm.JobState]) -> None:
        path = cluster_folder(self.home) / KEEPER_FILE
        known = read_sealed(path)
        if known is not None and (known["name"], 0) in queue:
            return
        name = new_name()
        environment = {key: value for key, value in os.environ.items() if key.startswith(OURS)}
        write_sealed(path, {"name": name, "environment": environment})
        submitter.keeper(name)


def revive_keeper(home: Path) -> bool:
    """Submit a keeper, from a job that ends, where launches are under way and theirs has gone. Raises ClusterError."""
    known, launches = read_sealed(cluster_folder(home) / KEEPER_FILE), Launches(home).under_way()
    if known is None or not launches or slurm.ask(["squeue", "--me", "-h", "-n", known["name"], "-o", "%T"]).strip():
        return False
    last = max(launches, key=lambda launch: launch.begun)
    before = dict(os.environ)
    others = {name: value for name, value in before.items() if not name.startswith(OURS)}  # the rest is this job's own
    try:
        os.environ.clear()
        os.environ.update(others | known.get("environment", {}))
        Cluster(home, load(Path(last.settings)), Path(last.snapshot)).keep()
    finally:
        os.environ.clear()
        os.environ.update(before)
    return True


def dismissed(home: Path) -> bool:
    """Whether the keeper may leave: in a round of its own, so that no launch can come in and count on it."""
    with submitting(home):
        if Launches(home).under_way():
            return False
        (cluster_folder(home) / KEEPER_FILE).unlink(missing_ok=True)
        return True
