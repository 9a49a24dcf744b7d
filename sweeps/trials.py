"""Trials: asked for under a lock, owned by a worker, returned when it dies, told once, counted to the study's end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock
from optuna.trial import FrozenTrial, Trial, TrialState

from mae_core.signature import Stage
from mae_core.store.attempt import Attempt, Watch, take
from sweeps.journal import open_study
from sweeps.study import Study

COUNTED = (TrialState.COMPLETE, TrialState.PRUNED)
MOST_FAILURES = 5  # beyond them something is wrong with the study, not with a trial
FOLDER = "sweeps"


@dataclass(frozen=True)
class Files:
    """Where a study's memory is."""

    home: Path
    name: str  # of the file: several studies may share one, and one study at several scales
    scale: str
    data: str

    @property
    def journal(self) -> Path:
        """Optuna's log."""
        return self.home / FOLDER / f"{self.name}.journal"

    @property
    def workers(self) -> Path:
        """A folder for each worker, with its owner and its heartbeat."""
        return self.home / FOLDER / f".{self.name}.workers"

    @property
    def lock(self) -> FileLock:
        """Held while trials change hands."""
        return FileLock(self.home / FOLDER / f".{self.name}.lock")


def register(files: Files) -> Attempt:
    """A number of its own for this worker process."""
    files.workers.mkdir(parents=True, exist_ok=True)
    number = 1 + max((int(path.name.partition("-")[2]) for path in files.workers.glob("attempt-*")), default=0)
    while (worker := take(files.workers, number)) is None:
        number += 1
    return worker


class Trials:
    """One worker's view of a study's trials."""

    def __init__(self, study: Study, files: Files, worker: Attempt, trials: int) -> None:
        self.study, self.files, self.worker, self.wanted = study, files, worker, trials
        self.optuna = open_study(study, f"{study.name} ({files.scale}, {files.data})", files.journal, worker.number)
        self._distributions = {name: setting.distribution for name, setting in study.space.items()}
        self._watch = Watch()

    @property
    def counted(self) -> int:
        """Complete and pruned trials."""
        return len(self.all())

    def all(self) -> list[FrozenTrial]:
        """The trials that count, in order."""
        return self.optuna.get_trials(deepcopy=False, states=COUNTED)

    @property
    def ended(self) -> bool:
        """Whether the study has all its trials."""
        return self.counted >= self.wanted

    @property
    def failed(self) -> bool:
        """Whether so many trials failed that going on is useless."""
        failures = self.optuna.get_trials(deepcopy=False, states=(TrialState.FAIL,))
        return sum("reason" in trial.user_attrs for trial in failures) >= MOST_FAILURES

    def next(self, stage_of: Callable[[dict[str, Any]], Stage]) -> tuple[Trial, Stage] | None:
        """A trial for this worker; None while others are at the last ones, or when the study has ended.

        A setting that was tried already is told at once, as a repeat of the trial it equals.
        """
        with self.files.lock:
            self._take_back()
            while True:
                running = self.optuna.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
                if self.counted + len(running) >= self.wanted:
                    return None
                trial = self.optuna.ask(self._distributions)
                trial.set_user_attr("worker", self.worker.number)
                stage = stage_of(trial.params)
                trial.set_user_attr("settings", self.study.settings(stage))
                trial.set_user_attr("signature", stage.signature)
                twin = self._twin(trial.number, stage.signature)
                if twin is None:
                    return trial, stage
                trial.set_user_attr("repeat_of", twin.number)
                if twin.state == TrialState.RUNNING:  # its number is on the way; this one is not needed
                    self.optuna.tell(trial, state=TrialState.FAIL)
                    return None
                self._repeat(trial, twin)

    def _repeat(self, trial: Trial, twin: FrozenTrial) -> None:
        """Tell what became of the trial it equals; Optuna gives a pruned one its last loss as value, and takes none."""
        if twin.state == TrialState.PRUNED:
            trial.set_user_attr("pruned", twin.user_attrs.get("pruned", ""))
        self.optuna.tell(trial, twin.value if twin.state == TrialState.COMPLETE else None, state=twin.state)

    def _twin(self, number: int, signature: str) -> FrozenTrial | None:
        states = (*COUNTED, TrialState.RUNNING)
        for trial in self.optuna.get_trials(deepcopy=False, states=states):
            if trial.number != number and trial.user_attrs.get("signature") == signature:
                return trial
        return None

    def _take_back(self) -> None:
        """Trials of workers that died are queued again with their settings; their stages go on from checkpoints."""
        for trial in self.optuna.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            number = trial.user_attrs.get("worker")
            if number == self.worker.number:
                continue
            if number is None or not self._watch.alive(Attempt(self.files.workers / f"attempt-{number}")):
                self.optuna.tell(trial.number, state=TrialState.FAIL)
                self.optuna.enqueue_trial(trial.params, user_attrs={"returned_from": trial.number})

    def complete(self, trial: Trial, value: float) -> None:
        """The trial's number."""
        self._tell(trial, value=value)

    def prune(self, trial: Trial, why: str) -> None:
        """The trial is not worth going on with."""
        trial.set_user_attr("pruned", why)
        self._tell(trial, state=TrialState.PRUNED)

    def fail(self, trial: Trial, reason: str) -> None:
        """The trial's stage failed."""
        trial.set_user_attr("reason", reason)
        self._tell(trial, state=TrialState.FAIL)

    def give_back(self, trial: Trial) -> None:
        """This worker was asked to stop; somebody else goes on."""
        with self.files.lock:
            self._tell(trial, state=TrialState.FAIL)
            self.optuna.enqueue_trial(trial.params, user_attrs={"returned_from": trial.number})

    def _tell(self, trial: Trial, value: float | None = None, state: TrialState | None = None) -> None:
        self.optuna.tell(trial, value, state=state, skip_if_finished=True)

    def best(self, count: int) -> list[FrozenTrial]:
        """The best complete trials of distinct settings, best first."""
        complete = self.optuna.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        ranked = sorted(complete, key=lambda trial: (-(trial.value or 0.0), trial.number))
        distinct = {trial.user_attrs["signature"]: trial for trial in reversed(ranked)}
        return [trial for trial in ranked if distinct[trial.user_attrs["signature"]] is trial][:count]
