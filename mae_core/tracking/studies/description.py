"""The descriptions: what MLflow is told about a study and about each of its trials."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mae_core.tracking.content.curve import Point, milliseconds
from mae_core.tracking.content.description import TAG_LENGTH, Description, experiment, text
from mae_core.tracking.positions import Position
from mae_core.tracking.studies.record import State, Study, Trial

VALUE = "heldout_top1"
BEST = f"best_{VALUE}"
NOTE = "mlflow.note.content"
STATUS: Mapping[State, str] = {
    "complete": "FINISHED", "pruned": "KILLED", "failed": "FAILED", "continued": "KILLED"
}  # fmt: skip


def describe_study(study: Study, *, running: bool) -> Description:
    """The study's own run: its space, sampler and budget, its best value so far; `running`: a worker is at it."""
    ended = len(study.counted) >= study.budget
    last = max((trial.ended for trial in study.trials), default=study.began)
    values = [trial.value for trial in study.trials if trial.value is not None]
    counts = {
        "trials": len(study.counted),
        "trials_pruned": sum(trial.state == "pruned" for trial in study.trials),
        "trials_failed": sum(trial.state == "failed" for trial in study.trials),
    }
    return Description(
        name=study.name,
        experiment=experiment(study.scale, study.data),
        status="FINISHED" if ended else "RUNNING" if running else "KILLED",
        start=milliseconds(study.began),
        end=None if running and not ended else milliseconds(last),
        tags={**marks(study), **_place(study), NOTE: study.title},
        params={
            **{f"space.{name}": text(where) for name, where in study.space.items()},
            "sampler": study.sampler,
            "budget": text(study.budget),
            "protocol": study.protocol,
        },
        metrics={**counts, **({BEST: max(values)} if values else {})},
        artefacts=(),
        documents={},
    )


def describe_trial(study: Study, trial: Trial, parent: str, stage: Position) -> Description:
    """A trial's run under `parent`, the study's: what it found, how it ended, and where the run of its stage is."""
    return Description(
        name=f"trial {trial.number}",
        experiment=experiment(study.scale, study.data),
        status=STATUS[trial.state],
        start=milliseconds(trial.began),
        end=milliseconds(trial.ended),
        tags=dict(_tags(study, trial, parent, stage)),
        params={
            **{name: text(value) for name, value in trial.settings.items()},
            **{f"found.{name}": text(value) for name, value in trial.found.items()},
        },
        metrics={} if trial.value is None else {VALUE: trial.value},
        artefacts=(),
        documents={},
    )


def marks(study: Study, trial: Trial | None = None) -> dict[str, str]:
    """The tags that together no other run has: the study's, or a trial's."""
    own = {"mae.kind": "study"} if trial is None else {"mae.kind": "trial", "mae.trial": str(trial.number)}
    return {"mae.study": study.name, "mae.origin": study.origin, **own}


def points(study: Study, told: Description) -> list[Point]:
    """The study's curve: each complete trial's value at its number, and its sums at the count of ended trials.

    What a count stands for never changes, so no sync, however late, says other than an earlier one.
    """
    values = [
        Point(VALUE, trial.number, milliseconds(trial.ended), trial.value)
        for trial in study.trials
        if trial.value is not None
    ]
    last = milliseconds(max((trial.ended for trial in study.trials), default=study.began))
    return values + [Point(name, len(study.trials), last, value) for name, value in told.metrics.items()]


def _place(study: Study) -> dict[str, str]:
    return {"mae.scale": study.scale, "mae.data": study.data}


def _tags(study: Study, trial: Trial, parent: str, stage: Position) -> Iterator[tuple[str, str]]:
    yield from marks(study, trial).items()
    yield from _place(study).items()
    yield "mae.state", trial.state
    yield "mae.stage", trial.signature
    if parent:
        yield "mlflow.parentRunId", parent
    if stage.run_id:
        yield "mae.stage_run", stage.run_id
        address = f"#/experiments/{stage.experiment_id}/runs/{stage.run_id}"
        yield NOTE, f"The run of its stage: [{trial.signature}]({address})"
    if trial.repeat_of is not None:
        yield "mae.repeat_of", str(trial.repeat_of)
    if trial.reason:
        yield "mae.reason", trial.reason[:TAG_LENGTH]
