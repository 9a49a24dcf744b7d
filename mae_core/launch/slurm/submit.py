"""A round of submission: what is neither finished nor queued nor running goes into the queue, each stage once."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mae_core.launch.slurm import queue as slurm
from mae_core.launch.slurm.arrays import (
    KEEPER_FILE,
    Arrays,
    JobArray,
    Submitted,
    Task,
    cluster_folder,
    new_name,
    tasks_of,
)
from mae_core.launch.slurm.launches import Launches
from mae_core.launch.slurm.layout import lay_out
from mae_core.launch.slurm.rounds import submitting
from mae_core.launch.slurm.settings import ClusterError, ClusterSettings
from mae_core.launch.slurm.standing import Standing, standing
from mae_core.launch.slurm.submission import Submitter
from mae_core.signature import Stage
from mae_core.store.attempt import Watch
from mae_core.store.files import read_sealed, write_sealed
from mae_core.store.run import Store

LATELY = 24 * 3600.0


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
            found = standing(
                [stage.signature for stage in stages], self.store, tasks, queue, self.launches.marked(),
                again=again, watch=watch,
            )  # fmt: skip
            spare(found, tasks, written)
            exclude = self._bad_nodes(written) if found.open or keeper else []
            submitter = Submitter(self.home, self.settings, self.snapshot, exclude)
            if keeper:
                self._have_keeper(submitter, queue)
            return self._submit_open(stages, found, queue, submitter)

    def _bad_nodes(self, written: list[Submitted]) -> list[str]:
        """Nodes on which our jobs died lately; later they may have been repaired."""
        since = min((one.time for one in written), default=time.time())
        told = slurm.past(max(since, time.time() - LATELY)) if written else None
        return slurm.bad_nodes(told, self._spoke) if told else []

    def _spoke(self, task: Task, state: slurm.JobState) -> bool:
        """Whether a stage left word of why it ended in that job."""
        submitted = self.arrays.read(task[0])
        signatures = submitted.array.tasks.get(task[1], ()) if submitted else ()
        mine = [a for s in signatures for a in self.store.run(s).attempts if a.owner.get("job") == state.job_id]
        return any(attempt.record is not None and attempt.record["state"] != "done" for attempt in mine)

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
        write_sealed(path, {"name": name})
        submitter.keeper(name)


def dismissed(home: Path) -> bool:
    """Whether the keeper may leave: in a round of its own, so that no launch can come in and count on it."""
    with submitting(home):
        if Launches(home).under_way():
            return False
        (cluster_folder(home) / KEEPER_FILE).unlink(missing_ok=True)
        return True
