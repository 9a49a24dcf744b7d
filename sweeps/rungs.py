"""Rungs: the epochs of a long stage at which trials are compared, and by what."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from optuna.trial import FrozenTrial, TrialState

from mae_core.costs import cost
from mae_core.data.catalogue import DataInfo
from mae_core.scales import Scale
from mae_core.signature import Stage
from mae_core.store.run import Run, Store
from sweeps.halving import DIVERGED, PRUNED
from sweeps.space import OneOf
from sweeps.study import Study

LOSS = "loss"
# By what trials are compared early, in the journals of each kind of stage. A probe's loss is its heads' added up.
# Fine-tuning has nothing: its training loss falls with drop path and mixing, not with how well it will do.
METRICS: Mapping[str, str] = {"pretrain": LOSS, "linear_probe": "heldout_top1"}
LOOK_SECONDS = 0.2  # between looks at the journal: a step must not wait for them


@dataclass(frozen=True)
class Rung:
    """An epoch at which trials are compared."""

    epoch: float
    resource: int  # what Optuna calls it: 1, 2, …
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


def rungs_of(study: Study, scale: Scale, info: DataInfo) -> list[Rung]:
    """Where the trials of a study are compared: the same whole epochs for all, however long their own schedules are.

    They lie at the study's shares of the shortest schedule in its space, so that every trial comes by.
    """
    kind = searched(study.stage({}, scale, info), study.space).kind
    if kind not in METRICS:
        return []
    epochs = _shortest(study, kind, scale, info)
    found = dict.fromkeys(max(1, round(share * epochs)) for share in study.rungs)
    return [Rung(epoch, place, METRICS[kind]) for place, epoch in enumerate(found, 1) if epoch < epochs]


def _shortest(study: Study, kind: str, scale: Scale, info: DataInfo) -> float:
    """Epochs of the shortest schedule of that stage that a trial may have."""
    name = f"{kind}.epochs"
    setting = study.space.get(name)  # whole epochs, so a choice where they are searched
    founds = [{name: value} for value in setting.values] if isinstance(setting, OneOf) else [{}]
    stages = [searched(study.stage(found, scale, info), study.space) for found in founds]
    return min(float(getattr(stage.recipe, "epochs", 0)) for stage in stages)


def trained_epochs(trial: FrozenTrial, stage: Stage, rungs: Sequence[Rung], store: Store) -> float:
    """Epochs of `stage` that a trial needed: to the rung that ended it, or to its end; none of a stated repeat.

    A trial whose stage was finished before needed as many; it found them done.
    """
    if "repeat_of" in trial.user_attrs:
        return 0.0
    if trial.state == TrialState.COMPLETE:
        return float(getattr(stage.recipe, "epochs", 0))
    passed = [rung.epoch for rung in rungs if rung.resource in trial.intermediate_values]
    if not trial.user_attrs.get(PRUNED, "").startswith(DIVERGED):
        return max(passed, default=0.0)
    rows = list(store.run(stage.signature).rows())
    return float(rows[-1]["epoch"]) if rows else 0.0
