"""The layout: which stages go together into arrays and tasks, and which task waits for which.

One array per layer of the plan and resource shape. A stage whose parent is in the queue gets its parent's index, so
that SLURM's `aftercorr` lets it start as soon as this one parent is done.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field

from mae_core.costs import cost
from mae_core.launch.slurm.settings import Shape
from mae_core.launch.slurm.submitting.arrays import JobArray, Task, new_name
from mae_core.signature import Stage

Key = tuple[str | None, Shape, int | None]  # the array waited for, what is asked for, threads


@dataclass
class _Layout:
    """A layout in the making."""

    shape: Callable[[str], Shape]
    finished: Container[str]
    most: int  # tasks of an array
    room: int  # tasks that may still be submitted
    name: Callable[[], str]
    placed: dict[str, Task]  # stages in the queue, before or by this layout
    arrays: list[JobArray] = field(default_factory=list)

    def layer(self, stages: Iterable[Stage]) -> None:
        """Place the stages of one layer whose parents are finished or placed."""
        free: dict[Key, list[Stage]] = {}
        tied: dict[Key, dict[int, list[Stage]]] = {}
        for stage in stages:
            before = [parent.signature for parent in stage.parents if parent.signature not in self.finished]
            if any(signature not in self.placed for signature in before):
                continue
            after, index = self.placed[before[-1]] if before else (None, 0)
            key = (after, self.shape(stage.kind), stage.recipe.threads)
            if after is None:
                free.setdefault(key, []).append(stage)
            else:
                tied.setdefault(key, {}).setdefault(index, []).append(stage)
        for key, several in free.items():
            bundles = _bundles(sorted(several, key=cost, reverse=True), key[1].stages_per_job)
            for start in range(0, len(bundles), self.most):
                self._add(key, dict(enumerate(bundles[start : start + self.most])))
        for key, by_index in tied.items():
            lanes: list[dict[int, list[Stage]]] = []
            for index, several in by_index.items():
                for lane, bundle in enumerate(_bundles(several, key[1].stages_per_job)):
                    lanes.extend({} for _ in range(lane + 1 - len(lanes)))
                    lanes[lane][index] = bundle
            for tasks in lanes:
                self._add(key, tasks)

    def _add(self, key: Key, tasks: Mapping[int, list[Stage]]) -> None:
        kept = dict(list(tasks.items())[: self.room])
        if not kept:
            return
        self.room -= len(kept)
        after, _, threads = key
        signatures = {index: tuple(stage.signature for stage in several) for index, several in kept.items()}
        kind = next(iter(kept.values()))[0].kind
        array = JobArray(self.name(), kind, signatures, after, threads)
        self.arrays.append(array)
        self.placed |= {
            signature: (array.name, index) for index, several in signatures.items() for signature in several
        }


def _bundles(stages: list[Stage], size: int) -> list[list[Stage]]:
    return [stages[start : start + size] for start in range(0, len(stages), size)]


def _layers(stages: Iterable[Stage]) -> list[list[Stage]]:
    """Stages that need none of the others, then those that need only these, and so on."""
    depths: dict[str, int] = {}
    layers: list[list[Stage]] = []
    for stage in stages:
        depth = max((depths[p.signature] + 1 for p in stage.parents if p.signature in depths), default=0)
        depths[stage.signature] = depth
        layers.extend([] for _ in range(depth + 1 - len(layers)))
        layers[depth].append(stage)
    return layers


def lay_out(
    stages: Iterable[Stage],
    shape: Callable[[str], Shape],
    *,
    finished: Container[str] = (),
    queued: Mapping[str, Task] | None = None,
    most: int = 1000,
    room: int | None = None,
    name: Callable[[], str] = new_name,
) -> list[JobArray]:
    """The arrays that do `stages`, in the order in which they must be submitted.

    Args:
        stages: what is to be done, parents before their children.
        shape: what a job for a kind of stage asks for.
        finished: signatures of finished stages.
        queued: the task at work on each stage that is in the queue already.
        most: tasks of an array, the cluster's MaxArraySize.
        room: tasks that may be submitted; what is left over is for later. None: all.
        name: gives each array its name.
    """
    wanted = list(stages)
    placed = dict(queued or {})
    layout = _Layout(shape, finished, most, len(wanted) if room is None else room, name, placed)
    for layer in _layers(stage for stage in wanted if stage.signature not in placed):
        layout.layer(layer)
    return layout.arrays
