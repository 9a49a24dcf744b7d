"""Trials: asked for under a lock, owned by a worker, returned when it dies, told once, counted to the study's end."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from filelock import FileLock
from optuna.trial import FrozenTrial, Trial, TrialState

from mae_core.data.catalogue import DataInfo
from mae_core.scales import Scale
from mae_core.signature import Stage
from mae_core.store.attempt import Attempt, Watch, take
from sweeps.halving import FEWEST, GOES_ON, PASSED, PRUNED, gone_on, to_go_on
from sweeps.journal import open_study, studies_in
from sweeps.study import Study

COUNTED = (TrialState.COMPLETE, TrialState.PRUNED)
MOST_FAILURES = 5  # one after the other: something is wrong with the study then, not with a trial
FOLDER = "sweeps"
BLOCKED = 75  # a worker's exit status for what another one would meet, too: EX_TEMPFAIL


@dataclass(frozen=True)
class Files:
    """Where a study's memory is, and at which scale and on which data it searches."""

    home: Path
    name: str  # of the file: several studies may share one, and one study at several scales
    scale: Scale
    info: DataInfo

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
    """One worker's view of a study's trials; `since`, in seconds since the epoch, is the launch's begin, else now."""

    def __init__(self, study: Study, files: Files, worker: Attempt, trials: int, since: float | None = None) -> None:
        self.study, self.files, self.worker, self.wanted = study, files, worker, trials
        self.since = time.time() if since is None else since
        self._front = f"{study.name} ({files.scale.name}, {files.info.name})"
        self.name = f"{self._front} {study.question(files.scale, files.info)}"
        self.optuna = open_study(study, self.name, files.journal, worker.number)
        self._distributions = {name: setting.distribution for name, setting in study.space.items()}
        self._watch = Watch()
        self._asked: tuple[Trial, Stage] | None = None  # what waits for a trial with the same settings

    @property
    def others(self) -> list[str]:
        """Studies of the same name in the journal that asked another question."""
        return [name for name in studies_in(self.files.journal) if name.startswith(self._front) and name != self.name]

    @property
    def counted(self) -> int:
        """Complete and pruned trials."""
        return len(self.all())

    def all(self) -> list[FrozenTrial]:
        """The trials that count, in order: not those that went on under another number."""
        gone = gone_on(self._every)
        return [trial for trial in self._in(*COUNTED) if trial.number not in gone]

    @property
    def ended(self) -> bool:
        """Whether the study has all its trials."""
        return self.lacking == 0

    @property
    def lacking(self) -> int:
        """How many trials are still to end, those among them that were stopped at a rung and are to go on."""
        return max(0, self.wanted - self.counted + len(self._to_go_on()))

    @property
    def failed(self) -> bool:
        """Whether so many trials failed one after the other since the launch that going on is useless."""
        return sum(1 for _ in takewhile(lambda trial: trial.state == TrialState.FAIL, self._recent())) >= MOST_FAILURES

    @property
    def reasons(self) -> list[str]:
        """Why trials failed since the launch; what several have in common is told of the last."""
        told = [trial.user_attrs["reason"] for trial in self._recent() if trial.state == TrialState.FAIL]
        return list({reason.rpartition(": ")[2]: reason for reason in reversed(told)}.values())

    def _recent(self) -> list[FrozenTrial]:
        """Trials that have ended by themselves since the launch, the last first."""
        ended = self._in(*COUNTED, TrialState.FAIL)
        worked = [
            (trial.datetime_complete.timestamp(), trial)
            for trial in ended
            if trial.datetime_complete is not None
            and "repeat_of" not in trial.user_attrs
            and (trial.state in COUNTED or "reason" in trial.user_attrs)
        ]
        last_first = sorted(worked, key=lambda one: -one[0])
        return [trial for moment, trial in last_first if moment >= self.since]

    def next(self) -> tuple[Trial, Stage] | None:
        """A trial for this worker; None while others are at the last ones, or when the study has ended.

        A setting that was tried already is told at once, as a repeat of the trial it equals.
        """
        with self.files.lock:
            self._take_back()
            self._let_go_on()
            if self._asked is not None and self._mine(self._asked[0]) is None:
                self._asked = None  # this worker was taken for dead, and somebody else waits in its place
            while True:
                if self._asked is None:
                    if self.counted + len(self._in(TrialState.RUNNING)) >= self.wanted:
                        return None
                    self._asked = self._ask()
                trial, stage = self._asked
                twin = self._twin(trial.number, stage.signature)
                if twin is not None and twin.state == TrialState.RUNNING:
                    return None  # its number is on the way, and will be this one's
                self._asked = None
                if twin is None:
                    return trial, stage
                self._repeat(trial, twin)

    def _ask(self) -> tuple[Trial, Stage]:
        trial = self.optuna.ask(self._distributions)
        trial.set_user_attr("worker", self.worker.number)
        stage = self.study.stage(trial.params, self.files.scale, self.files.info)
        trial.set_user_attr("settings", self.study.settings(stage))
        trial.set_user_attr("signature", stage.signature)
        return trial, stage

    @property
    def _every(self) -> list[FrozenTrial]:
        return self.optuna.get_trials(deepcopy=False)

    def _in(self, *states: TrialState) -> list[FrozenTrial]:
        return self.optuna.get_trials(deepcopy=False, states=states)

    def _repeat(self, trial: Trial, twin: FrozenTrial) -> None:
        """Tell what became of the trial it equals; Optuna gives a pruned one its last loss as value, and takes none."""
        trial.set_user_attr("repeat_of", twin.number)
        if twin.state == TrialState.PRUNED:
            trial.set_user_attr(PRUNED, twin.user_attrs.get(PRUNED, ""))
        self.optuna.tell(trial, twin.value if twin.state == TrialState.COMPLETE else None, state=twin.state)

    def _twin(self, number: int, signature: str) -> FrozenTrial | None:
        gone = gone_on(self._every)
        for trial in self._in(*COUNTED, TrialState.RUNNING):
            if trial.number < number and trial.number not in gone and trial.user_attrs.get("signature") == signature:
                return trial  # never one that was asked for later: two would wait for each other
        return None

    def _take_back(self) -> None:
        """Trials of workers that died are queued again with their settings; their stages go on from checkpoints."""
        for trial in self._in(TrialState.RUNNING):
            number = trial.user_attrs.get("worker")
            if number == self.worker.number:
                continue
            if number is None or not self._watch.alive(Attempt(self.files.workers / f"attempt-{number}")):
                self._queue_again(trial)

    def _queue_again(self, trial: FrozenTrial) -> None:
        """Queue the settings, once, then end the trial: who is killed between the two loses none."""
        queued = [one.user_attrs.get("returned_from") for one in self._in(TrialState.WAITING)]
        if trial.number not in queued:
            goes_on = {name: trial.user_attrs[name] for name in (GOES_ON, PASSED) if name in trial.user_attrs}
            self.optuna.enqueue_trial(trial.params, user_attrs={"returned_from": trial.number, **goes_on})
        self.optuna.tell(trial.number, state=TrialState.FAIL)

    def _to_go_on(self) -> list[FrozenTrial]:
        """Stopped trials that are to go on; once all trials are in, their comparison waits for no more."""
        return to_go_on(self._every, FEWEST if self.counted < self.wanted else 1)

    def _let_go_on(self) -> None:
        """Queue the stopped trials that have turned out to be among the better half; each is the next to be asked."""
        if self.ended:
            return
        for trial in self._to_go_on():
            self.optuna.enqueue_trial(trial.params, user_attrs={GOES_ON: trial.number, PASSED: trial.last_step})

    def report(self, trial: Trial, value: float, resource: int) -> bool:
        """Note how the trial does at a rung; False where it is not this worker's any more."""
        with self.files.lock:
            mine = self._mine(trial) is not None
            if mine:
                trial.report(value, resource)
            return mine

    def complete(self, trial: Trial, value: float) -> None:
        """The trial's number."""
        self._end(trial, TrialState.COMPLETE, value)

    def prune(self, trial: Trial, why: str) -> None:
        """The trial ends early, or for the time being."""
        self._end(trial, TrialState.PRUNED, pruned=why)

    def fail(self, trial: Trial, reason: str) -> None:
        """The trial's stage failed."""
        self._end(trial, TrialState.FAIL, reason=reason)

    def give_back(self, trial: Trial) -> None:
        """This worker has to stop; somebody else goes on."""
        with self.files.lock:
            found = self._mine(trial)
            if found is not None:
                self._queue_again(found)

    def _end(self, trial: Trial, state: TrialState, value: float | None = None, **told: str) -> None:
        with self.files.lock:
            if self._mine(trial) is None:
                return
            for name, text in told.items():
                trial.set_user_attr(name, text)
            self.optuna.tell(trial, value, state=state)

    def _mine(self, trial: Trial) -> FrozenTrial | None:
        """The trial, unless this worker was taken for dead and its trial given to another; the lock is held."""
        found = self._every[trial.number]
        mine = found.state == TrialState.RUNNING and found.user_attrs.get("worker") == self.worker.number
        return found if mine else None

    def best(self, count: int) -> list[FrozenTrial]:
        """The best complete trials of distinct settings, best first."""
        complete = self._in(TrialState.COMPLETE)
        ranked = sorted(complete, key=lambda trial: (-(trial.value or 0.0), trial.number))
        distinct = {trial.user_attrs["signature"]: trial for trial in reversed(ranked)}
        return [trial for trial in ranked if distinct[trial.user_attrs["signature"]] is trial][:count]


def missing(views: Iterable[Trials]) -> int:
    """How many trials their studies lack."""
    return sum(view.lacking for view in views)
