"""A study as a sweep writes it down, and a reader of its MLflow runs that knows no MLflow."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mae_core.recipes import BASELINE, FINETUNE
from mae_core.signature import Stage
from mae_core.tracking.studies.record import Study, Trial, write_study

BEGAN = 1_700_000_000.0
PRETRAIN = Stage(BASELINE)
TUNE = Stage(FINETUNE, (PRETRAIN,))


def trial(number: int, **given: Any) -> Trial:
    """A complete trial but for what is `given`."""
    told: dict[str, Any] = {
        "number": number,
        "state": "complete",
        "value": 50.0 + number % 7,
        "settings": {"finetune.base_lr": 0.001 * (number + 1)},
        "found": {"finetune.base_lr": number + 1.0},
        "reason": "",
        "repeat_of": None,
        "signature": TUNE.signature,
        "began": BEGAN + number,
        "ended": BEGAN + number + 10,
    }
    return Trial(**{**told, **given})


def study(*trials: Trial, **given: Any) -> Study:
    """A study of these trials that wants four."""
    told: dict[str, Any] = {
        "name": "finetune_lr",
        "title": "Learning rate of fine-tuning",
        "scale": "mini",
        "data": "fashion_mnist",
        "origin": "0123456789abcdef",
        "began": BEGAN,
        "protocol": "finetune",
        "space": {"finetune.base_lr": "Times(low=0.25, high=4.0)"},
        "sampler": "tpe",
        "budget": 4,
        "workers": "sweeps/.finetune_lr.workers",
        "trials": trials,
    }
    return Study(**{**told, **given})


class Written:
    """Studies in a home."""

    trial = staticmethod(trial)
    study = staticmethod(study)
    stage = TUNE

    def __init__(self, home: Path) -> None:
        self.home = home

    def write(self, *trials: Trial, **given: Any) -> Path:
        """Write the study of these trials down."""
        return write_study(self.home, study(*trials, **given), {one.number: one.signature for one in trials})


@pytest.fixture
def written(tmp_path: Path) -> Written:
    return Written(tmp_path)


@pytest.fixture
def told(tables: Any) -> Callable[[str], dict[str, dict[str, str]]]:
    """The tags or params of the runs of studies and trials that are not deleted, by name; each name is there once."""

    def read(table: str) -> dict[str, dict[str, str]]:
        query = f"""
            SELECT runs.name, {table}.key, {table}.value FROM {table} JOIN runs USING (run_uuid)
            JOIN tags AS mark USING (run_uuid)
            WHERE lifecycle_stage = 'active' AND mark.key = 'mae.kind' AND mark.value IN ('study', 'trial')
        """
        found: dict[str, dict[str, str]] = {}
        for name, key, value in tables.rows(query):
            assert key not in found.setdefault(name, {}), f"{name} is there twice"
            found[name][key] = value
        return found

    return read
