"""The study's journal: Optuna's log file, safe on NFS, mended where a killed writer left half a line."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, GPSampler, QMCSampler, TPESampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

from mae_core import randomness
from sweeps.study import Study

LOCK_SECONDS = 15  # a lock older than this was left by the dead; appending a line takes milliseconds


class MendingBackend(JournalFileBackend):
    """Optuna's log file; half a line at its end is cut off before the next one is written.

    Optuna itself would append to the torn line, and refuse the whole file from then on.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path, self._mending = path, JournalFileOpenLock(str(path) + ".mend", grace_period=LOCK_SECONDS)
        super().__init__(str(path), JournalFileOpenLock(str(path), grace_period=LOCK_SECONDS))

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Append whole lines after the last whole line."""
        self._mending.acquire()
        try:
            _cut_torn_line(self._path)
            super().append_logs(logs)
        finally:
            self._mending.release()


def _cut_torn_line(path: Path) -> None:
    with path.open("rb+") as file:
        end = file.seek(0, os.SEEK_END)
        start = max(0, end - 2**16)
        file.seek(start)
        tail = file.read()
        if tail and not tail.endswith(b"\n"):
            file.truncate(start + tail.rfind(b"\n") + 1)


def open_study(study: Study, name: str, path: Path, worker: int) -> optuna.Study:
    """The study under `name` in its journal, made where it is new; `worker` seeds the sampler."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.filterwarnings(
        "ignore", category=ExperimentalWarning
    )  # samplers may change; the trials stay what they are
    return optuna.create_study(
        study_name=name,
        storage=JournalStorage(MendingBackend(path)),
        direction="maximize",
        load_if_exists=True,
        sampler=_sampler(study, worker),
        pruner=optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=3),
    )


def _sampler(study: Study, worker: int) -> BaseSampler:
    seed = randomness.key(0, "sweep", study.name, worker) % 2**31
    match study.sampler:
        case "gp":
            return GPSampler(seed=seed)
        case "quasi-random":
            return QMCSampler(seed=randomness.key(0, "sweep", study.name) % 2**31)  # one sequence for all workers
        case "tpe":
            return TPESampler(seed=seed, constant_liar=True, multivariate=True)
