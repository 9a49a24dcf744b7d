"""Rungs: the epochs of a long stage at which a trial's loss is looked at, and the pause there from which it goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mae_core.costs import cost
from mae_core.signature import Stage
from mae_core.store.run import Run, Store

LOOK_SECONDS = 0.2  # between looks at the journal: a step must not wait for them


@dataclass(frozen=True)
class Rung:
    """An epoch at which trials are compared."""

    epoch: float
    resource: int  # what the pruner calls it: 1, 3, 9, …

    def loss(self, run: Run) -> float | None:
        """The training loss that the journal tells at this epoch."""
        for row in run.rows():
            if row["epoch"] >= self.epoch:
                return float(row["loss"])
        return None

    def reached(self, run: Run) -> Callable[[], bool]:
        """A question to ask at every step: has the run come so far?"""
        looked = [0.0, False]

        def ask() -> bool:
            now = time.monotonic()
            if not looked[1] and now - looked[0] >= LOOK_SECONDS:
                looked[:] = [now, self.loss(Run(run.folder)) is not None]
            return bool(looked[1])

        return ask


def longest(stage: Stage) -> Stage:
    """The costliest of `stage` and what it rests on: where pruning pays."""
    candidates = [stage, *(longest(parent) for parent in stage.parents)]
    return max(candidates, key=cost)


def rungs_of(stage: Stage, shares: Sequence[float]) -> list[Rung]:
    """Whole epochs of the stage's schedule at `shares` of it; the pruner's resource triples from rung to rung."""
    epochs = getattr(stage.recipe, "epochs", 0)
    found = {max(1, round(share * epochs)): 3**index for index, share in enumerate(shares)}
    return [Rung(epoch, resource) for epoch, resource in found.items() if epoch < epochs]


def trained_epochs(store: Store, stage: Stage) -> float:
    """How many epochs of the stage were trained, finished or not."""
    rows = list(store.run(stage.signature).rows())
    return float(rows[-1]["epoch"]) if rows else 0.0
