"""Where the stages of a launch stand: what the store, the queue and people's marks say together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from mae_core.launch.slurm.queue import JobState
from mae_core.launch.slurm.submitting.arrays import Task
from mae_core.store.attempt import Watch
from mae_core.store.run import Run, Store


@dataclass
class Standing:
    """Each stage stands in one of these."""

    done: set[str] = field(default_factory=set)
    queued: dict[str, Task] = field(default_factory=dict)
    elsewhere: set[str] = field(default_factory=set)  # with a local pool, or another user's job
    ended: dict[str, str] = field(default_factory=dict)  # failed, diverged or cancelled, and why
    open: list[str] = field(default_factory=list)  # to be submitted, once its parents allow

    @property
    def moving(self) -> bool:
        """Whether anything is under way that could let an open stage go on."""
        return bool(self.queued or self.elsewhere)


def standing(
    signatures: Iterable[str],
    store: Store,
    tasks: Mapping[str, list[Task]],
    queue: Mapping[Task, JobState],
    marks: Mapping[str, tuple[str, str]],
    *,
    again: bool = False,
    watch: Watch | None = None,
) -> Standing:
    """Where each stage stands.

    Args:
        signatures: the stages asked about.
        store: what was computed.
        tasks: the tasks that were to do each stage, oldest first.
        queue: tasks that wait or run.
        marks: stages that are not to be submitted again.
        again: whether stages that failed are open once more.
        watch: tells the dead among owners elsewhere by looking more than once; without it they count as alive.
    """
    found = Standing()
    jobs = {state.job_id for state in queue.values()}
    for signature in signatures:
        run = store.run(signature)
        task = next((task for task in reversed(tasks.get(signature, ())) if task in queue), None)
        if run.finished is not None:
            found.done.add(signature)
        elif task is not None:
            found.queued[signature] = task
        elif signature in marks and not again:
            found.ended[signature] = ": ".join(marks[signature])
        elif run.status in ("failed", "diverged") and not again:
            found.ended[signature] = f"{run.status}: {(run.record or {}).get('reason', '')}"
        elif run.status == "running" and _alive(run, jobs, watch):
            found.elsewhere.add(signature)
        else:
            found.open.append(signature)
    return found


def _alive(run: Run, jobs: set[str], watch: Watch | None) -> bool:
    last = run.attempts[-1]
    job = last.owner.get("job")
    if job and job not in jobs:  # SLURM has forgotten it, or it is an allocation of another name with a pool in it
        return watch is not None and watch.alive(last)
    return watch is None or watch.alive(last)
