"""The study's journal: Optuna's log file, safe on NFS, mended where a killed writer left half a line."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from pathlib import Path

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, BruteForceSampler, GPSampler, QMCSampler, TPESampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import FrozenTrial, TrialState

from mae_core import randomness
from sweeps.halving import Halving
from sweeps.study import Study

LOCK_SECONDS = 15  # a lock older than this was left by the dead; appending a line takes milliseconds


class MendingLock(JournalFileOpenLock):
    """Optuna's lock of the log file; half a line at the file's end is cut off before the next one is written.

    Optuna itself would append to the torn line, and refuse the whole file from then on.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(str(path), grace_period=LOCK_SECONDS)
        self._path = path

    def acquire(self) -> bool:
        """Wait for the lock; whole lines alone are in the file then."""
        acquired = super().acquire()
        try:
            _cut_torn_line(self._path)
        except BaseException:
            self.release()
            raise
        return acquired


def _cut_torn_line(path: Path) -> None:
    with path.open("rb+") as file:
        end = file.seek(0, os.SEEK_END)
        start = max(0, end - 2**16)
        file.seek(start)
        tail = file.read()
        if tail and not tail.endswith(b"\n"):
            file.truncate(start + tail.rfind(b"\n") + 1)


def _storage(path: Path) -> JournalStorage:
    path.parent.mkdir(parents=True, exist_ok=True)
    return JournalStorage(JournalFileBackend(str(path), MendingLock(path)))


def open_study(study: Study, name: str, path: Path, worker: int) -> optuna.Study:
    """The study under `name` in its journal, made where it is new; `worker` seeds the sampler."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.filterwarnings(
        "ignore", category=ExperimentalWarning
    )  # samplers may change; the trials stay what they are
    return optuna.create_study(
        study_name=name,
        storage=_storage(path),
        direction="maximize",
        load_if_exists=True,
        sampler=_sampler(study, worker),
        pruner=Halving(),
    )


def studies_in(path: Path) -> list[str]:
    """The names of all studies in a journal."""
    return optuna.get_all_study_names(_storage(path))


class _Exhaustive(BruteForceSampler):
    """Every point of a grid once; how many trials there are is counted elsewhere."""

    def after_trial(
        self, study: optuna.Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None
    ) -> None:
        """Nothing: Optuna would stop a loop of its own here, and there is none."""


def _sampler(study: Study, worker: int) -> BaseSampler:
    seed = randomness.key(0, "sweep", study.name, worker) % 2**31
    match study.sampler:
        case "gp":
            return GPSampler(seed=seed)
        case "quasi-random":
            return QMCSampler(seed=randomness.key(0, "sweep", study.name) % 2**31)  # one sequence for all workers
        case "exhaustive":
            return _Exhaustive(seed=seed)
        case "tpe":
            return TPESampler(seed=seed, constant_liar=True, multivariate=True)
