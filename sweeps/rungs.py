"""Rungs: the epochs of a long stage at which a trial is looked at, and the pause there from which it goes on."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from optuna.trial import FrozenTrial, TrialState

from mae_core.costs import cost
from mae_core.signature import Stage
from mae_core.store.run import Run, Store

LOSS = "loss"
LOOK_SECONDS = 0.2  # between looks at the journal: a step must not wait for them


@dataclass(frozen=True)
class Rung:
    """An epoch at which trials are compared."""

    epoch: float
    resource: int  # what the pruner calls it: 1, 3, 9, …
    metric: str  # of the journal, by which trials are compared: the loss, or an accuracy where there is one

    def value(self, run: Run) -> float | None:
        """What the journal tells at this epoch, as the pruner takes it: more is better. None before, or if infinite."""
        for row in run.rows():
            if row["epoch"] >= self.epoch and self.metric in row:
                found = float(row[self.metric])
                return (-found if self.metric == LOSS else found) if math.isfinite(found) else None
        return None

    def reached(self, run: Run) -> Callable[[], bool]:
        """A question to ask at every step: has the run come so far?"""
        looked = [0.0, False]

        def ask() -> bool:
            now = time.monotonic()
            if not looked[1] and now - looked[0] >= LOOK_SECONDS:
                looked[:] = [now, self.value(Run(run.folder)) is not None]
            return bool(looked[1])

        return ask


def searched(stage: Stage, space: Iterable[str]) -> Stage:
    """The costliest of `stage` and what it rests on that settings of `space` change: there trials differ."""
    kinds = {name.partition(".")[0] for name in space}
    return max((one for one in stage.with_parents() if one.kind in kinds), key=cost)


def rungs_of(stage: Stage, shares: Sequence[float]) -> list[Rung]:
    """Whole epochs of the stage's schedule at `shares` of it; the pruner's resource triples from rung to rung."""
    epochs = getattr(stage.recipe, "epochs", 0)
    metric = "heldout_top1" if stage.kind == "linear_probe" else LOSS  # a probe's loss is its heads' added up
    found = {max(1, round(share * epochs)): 3**index for index, share in enumerate(shares)}
    return [Rung(epoch, resource, metric) for epoch, resource in found.items() if epoch < epochs]


def trained_epochs(trial: FrozenTrial, stage: Stage, shares: Sequence[float], store: Store) -> float:
    """Epochs of `stage` that a trial needed: to the rung that ended it, or to its end; none of a stated repeat.

    A trial whose stage was finished before needed as many; it found them done.
    """
    if "repeat_of" in trial.user_attrs:
        return 0.0
    if trial.state == TrialState.COMPLETE:
        return float(getattr(stage.recipe, "epochs", 0))
    passed = [rung.epoch for rung in rungs_of(stage, shares) if rung.resource in trial.intermediate_values]
    if "diverged" not in trial.user_attrs.get("pruned", ""):
        return max(passed, default=0.0)
    rows = list(store.run(stage.signature).rows())
    return float(rows[-1]["epoch"]) if rows else 0.0
