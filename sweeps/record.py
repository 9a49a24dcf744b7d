"""The record that a sweep keeps of a study for the tracker: made from Optuna's journal, which stays the truth."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from datetime import datetime

from optuna.trial import FrozenTrial, TrialState

from mae_core.tracking.studies.record import State, Study, Trial, origin_of, write_study
from sweeps.halving import PRUNED, gone_on
from sweeps.trials import Trials

STATES: Mapping[TrialState, State] = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}


class Recorder:
    """Writes the study of some trials down as they begin and end; any worker may, and the launcher."""

    def __init__(self, trials: Trials) -> None:
        self.trials = trials
        self._written: tuple[Study, Mapping[int, str]] | None = None

    def write(self) -> None:
        """Write down what the journal has by now, unless that was the last thing written here.

        The lock lets no writer put an older state in the place of a newer one. A file that cannot be written ends no
        search: the next one holds everything again.
        """
        with self.trials.files.lock, contextlib.suppress(OSError):
            found = self.trials.optuna.get_trials(deepcopy=False)
            begun = [trial for trial in found if trial.datetime_start is not None and "signature" in trial.user_attrs]
            if not begun:
                return
            told = self._study(begun), _stages(begun)
            if told != self._written:
                write_study(self.trials.files.home, *told)
                self._written = told

    def _study(self, begun: list[FrozenTrial]) -> Study:
        study, files = self.trials.study, self.trials.files
        began = min(_seconds(trial.datetime_start) for trial in begun)
        return Study(
            name=study.name,
            title=study.title,
            scale=files.scale.name,
            data=files.info.name,
            origin=origin_of(study.name, files.scale.name, files.info.name, began),
            began=began,
            protocol=study.evaluation.KIND,
            space={name: repr(setting) for name, setting in study.space.items()},
            sampler=study.sampler,
            budget=self.trials.wanted,
            workers=str(files.workers.relative_to(files.home)),
            trials=tuple(_ended(begun)),
        )


def _stages(begun: Iterable[FrozenTrial]) -> dict[int, str]:
    """The stage of each trial that is under way or has ended, but for those given back."""
    return {
        trial.number: trial.user_attrs["signature"]
        for trial in begun
        if trial.state == TrialState.RUNNING or _counts(trial)
    }


def _counts(trial: FrozenTrial) -> bool:
    """Whether the trial has ended by itself; one that a worker gave back goes on under another number."""
    return trial.state in STATES and (trial.state != TrialState.FAIL or "reason" in trial.user_attrs)


def _ended(begun: Iterable[FrozenTrial]) -> Iterable[Trial]:
    begun = list(begun)
    gone = gone_on(begun)
    for trial in filter(_counts, begun):
        told, went_on = trial.user_attrs, gone.get(trial.number)
        yield Trial(
            number=trial.number,
            state=STATES[trial.state] if went_on is None else "continued",
            value=trial.value if trial.state == TrialState.COMPLETE else None,
            settings=told.get("settings", {}),
            found=dict(trial.params),
            reason=_reason(told, went_on),
            repeat_of=told.get("repeat_of"),
            signature=told["signature"],
            began=_seconds(trial.datetime_start),
            ended=_seconds(trial.datetime_complete),
        )


def _reason(told: Mapping[str, str], went_on: int | None) -> str:
    reason = told.get(PRUNED) or told.get("reason") or ""
    return reason if went_on is None else f"stopped {reason}, went on as trial {went_on}"


def _seconds(moment: datetime | None) -> float:
    assert moment is not None  # Optuna notes both before anybody can see the trial so
    return moment.timestamp()
