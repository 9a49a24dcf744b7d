"""The record of a study: what a sweep wrote down of it and of its trials, for whoever does not know Optuna.

It lies among the plans and names cells as they do, so that whatever reads labels finds a trial's stage by its name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

from mae_core.store.files import read_sealed, write_sealed
from mae_core.tracking.content.labels import FOLDER

PREFIX = "sweep-"  # tells the names of studies from those of ablations

State = Literal["complete", "pruned", "failed", "continued"]  # the last: as another trial


@dataclass(frozen=True)
class Trial:
    """A trial that has ended."""

    number: int
    state: State
    value: float | None  # top-1 on held-out train images, per cent; None unless complete
    settings: Mapping[str, Any]  # what its stages were given
    found: Mapping[str, Any]  # what the sampler proposed: for some settings a factor
    reason: str  # why it was pruned or failed, or as what it went on
    repeat_of: int | None  # the trial with the same settings that it was told from
    signature: str  # of its stage
    began: float  # seconds since the epoch
    ended: float


@dataclass(frozen=True)
class Study:
    """A study, and those of its trials that have ended."""

    name: str
    title: str
    scale: str
    data: str
    origin: str  # tells it from others of its name
    began: float  # seconds since the epoch
    protocol: str  # of the stage that gives the value
    space: Mapping[str, str]  # setting → where it is searched
    sampler: str
    budget: int  # complete and pruned trials after which it ends
    workers: str  # the folder of its workers, beneath the home
    trials: tuple[Trial, ...]

    @property
    def counted(self) -> list[Trial]:
        """Complete and pruned trials."""
        return [trial for trial in self.trials if trial.state in ("complete", "pruned")]

    @property
    def table(self) -> str:
        """The name its trials are listed under, beside those of ablations."""
        return f"{PREFIX}{self.name}"


def origin_of(name: str, scale: str, data: str, began: float) -> str:
    """What tells a study from others: its name, where it searches, and when its first trial began."""
    return hashlib.sha256(json.dumps([name, scale, data, began]).encode()).hexdigest()[:16]


def write_study(home: Path, study: Study, stages: Mapping[int, str]) -> Path:
    """Write the study down, in the place of what was written of it before.

    Args:
        home: the home that holds the store.
        study: the study with all trials that have ended.
        stages: signatures of the stages of all trials, by number, those under way among them.
    """
    cells = [
        {
            "name": f"{study.table}/trial-{number}/{study.protocol}/0",
            "case": f"trial-{number}",
            "label": f"trial {number}",
            "protocol": study.protocol,
            "seed": 0,
            "signature": signature,
        }
        for number, signature in sorted(stages.items())
    ]
    path = home / FOLDER / f"{study.table}-{study.origin}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    launch = {"ablation": study.table, "scale": study.scale, "data": study.data, "cells": cells}
    write_sealed(path, {**launch, "study": asdict(study)})
    return path


def read_studies(home: Path) -> Iterator[Study]:
    """The studies of a home; a damaged file, or one of another version of this code, counts as absent."""
    for path in sorted((home / FOLDER).glob(f"{PREFIX}*.json")):
        found = (read_sealed(path) or {}).get("study")
        if found is not None and _has_fields(found, Study) and all(_has_fields(one, Trial) for one in found["trials"]):
            yield Study(**{**found, "trials": tuple(Trial(**one) for one in found["trials"])})


def _has_fields(found: Mapping[str, Any], kind: type[Study] | type[Trial]) -> bool:
    return found.keys() == {field.name for field in fields(kind)}
