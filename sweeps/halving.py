"""Successive halving, asynchronously: a trial stops at a rung until it is among the better half that came by.

After Li et al. 2020, "A System for Massively Parallel Hyperparameter Tuning" (ASHA). Optuna's own pruner lets a trial
that is the best so far go on and ends all others for good, so the first trials go on for want of rivals, and a trial
that many worse ones follow never comes back.
"""

from __future__ import annotations

from collections.abc import Sequence

from optuna import Study
from optuna.pruners import BasePruner
from optuna.trial import FrozenTrial, TrialState

from sweeps.study import FACTOR

FEWEST = 4  # settings that came by a rung before any goes on from it: the best of few says little
GOES_ON = "goes_on"  # the number of the trial that was stopped at a rung and that this one takes up
PASSED = "passed"  # the rung that it need not pass again
PRUNED = "pruned"  # why a trial ended early
DIVERGED = "diverged"  # begins the reason of one that will never go on


class Halving(BasePruner):
    """Stops a trial at a rung unless it is among the better half there; `to_go_on` tells who goes on later."""

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Whether the trial stops at the rung that it reported last."""
        step = trial.last_step
        if step is None or step <= trial.user_attrs.get(PASSED, 0):
            return False
        return trial.user_attrs["signature"] not in _better_half(study.get_trials(deepcopy=False), step, FEWEST)


def gone_on(trials: Sequence[FrozenTrial]) -> dict[int, int]:
    """Trials that were stopped and taken up again, each with the number of the latest that does so."""
    return {trial.user_attrs[GOES_ON]: trial.number for trial in trials if GOES_ON in trial.user_attrs}


def to_go_on(trials: Sequence[FrozenTrial], fewest: int = FEWEST) -> list[FrozenTrial]:
    """Stopped trials that belong to the better half of their rung by now; of the lowest rung that has any.

    Args:
        trials: all that there are of the study.
        fewest: settings that must have come by a rung; 1, once no more will come.
    """
    gone = gone_on(trials)
    stopped = [
        trial
        for trial in trials
        if trial.state == TrialState.PRUNED
        and trial.intermediate_values
        and trial.number not in gone
        and not trial.user_attrs.get(PRUNED, "").startswith(DIVERGED)
    ]
    for step in sorted({max(trial.intermediate_values) for trial in stopped}):
        half = _better_half(trials, step, fewest)
        found = [one for one in stopped if one.last_step == step and one.user_attrs["signature"] in half]
        if found:  # the higher rungs wait for these: they are compared there with those who came by before
            return found
    return []


def _better_half(trials: Sequence[FrozenTrial], step: int, fewest: int) -> set[str]:
    """Signatures of the better half of the settings that came by the rung `step`; of a tie, those that came first.

    A setting counts once, however many trials had it: workers die, and stopped trials go on under another number.
    """
    states = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.RUNNING)
    values = {
        trial.user_attrs["signature"]: trial.intermediate_values[step]
        for trial in trials
        if trial.state in states and step in trial.intermediate_values
    }
    if len(values) < fewest:
        return set()
    ranked = sorted(values, key=lambda signature: -values[signature])
    return set(ranked[: max(1, len(values) // FACTOR)])
