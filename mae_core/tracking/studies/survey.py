"""The survey of studies: what was written down of them that a destination does not have. It loads no MLflow."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mae_core.store.attempt import PROGRESS, Attempt, Watch
from mae_core.tracking.content.curve import Point
from mae_core.tracking.content.description import Description
from mae_core.tracking.destination import Destination
from mae_core.tracking.positions import Position, Positions
from mae_core.tracking.studies.description import describe_study, describe_trial, marks, points
from mae_core.tracking.studies.record import Study, Trial, read_studies


@dataclass(frozen=True)
class StudyItem:
    """A study or one of its trials, as it was written down and as far as the destination has it."""

    key: str  # of its position
    marks: Mapping[str, str]  # the tags by which it is found there
    description: Description
    points: list[Point]
    position: Position
    ablations: tuple[str, ...]  # the tables it has a row in

    @property
    def params(self) -> str:
        """A digest of the parameters: MLflow cannot change them, and a study's budget may be raised."""
        told = json.dumps(dict(self.description.params), sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()[:16]

    @property
    def pending(self) -> bool:
        """Whether the destination lacks anything of it."""
        return self.description.digest != self.position.told or self.params != self.position.digest


def study_items(destination: Destination, watch: Watch | None = None) -> Iterator[StudyItem]:
    """All studies, each before its trials, each looked at only when its turn comes, after the runs of the store."""
    positions = Positions(destination.folder)
    for study in read_studies(destination.home):
        yield _of_study(study, positions, running=_at_work(destination.home / study.workers, watch))
        for trial in study.trials:
            yield _of_trial(study, trial, positions)


def _of_study(study: Study, positions: Positions, *, running: bool) -> StudyItem:
    key, told = f"study-{study.origin}", describe_study(study, running=running)
    return StudyItem(key, marks(study), told, points(study, told), positions.of(key), ())


def _of_trial(study: Study, trial: Trial, positions: Positions) -> StudyItem:
    key = f"trial-{study.origin}-{trial.number}"
    told = describe_trial(study, trial, positions.of(f"study-{study.origin}").run_id, positions.of(trial.signature))
    curve = [Point(name, 0, told.end or 0, value) for name, value in told.metrics.items()]
    return StudyItem(key, marks(study, trial), told, curve, positions.of(key), (study.table,))


def _at_work(workers: Path, watch: Watch | None) -> bool:
    """Whether a worker may be at it; the launcher, which has no heartbeat, is none."""
    beating = [Attempt(path.parent) for path in workers.glob(f"attempt-*/{PROGRESS}")]
    return any(attempt.alive() is not False and (watch is None or watch.alive(attempt)) for attempt in beating)
