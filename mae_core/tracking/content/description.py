"""The description: all that MLflow is told about a run besides its curve."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mae_core.store import journal
from mae_core.store.attempt import RECORD, Attempt
from mae_core.store.run import RECIPE, Run, Status
from mae_core.tracking.content.curve import milliseconds
from mae_core.tracking.content.labels import Label

MLFLOW_STATUS: Mapping[Status, str] = {
    "running": "RUNNING",
    "interrupted": "KILLED",
    "stopped": "KILLED",
    "blocked": "KILLED",
    "failed": "FAILED",
    "diverged": "FAILED",
    "done": "FINISHED",
}
UNPLANNED = "mae-unplanned"  # the experiment of runs that serve no cell
PARAM_LENGTH = 6000  # MLflow takes no more
TAG_LENGTH = 5000  # nor does the oldest supported server
PANELS = ("panels.npz", "panels.png")
LABELS = "labels.json"  # the cells whose number a run gives, for whoever has only the tracker


@dataclass(frozen=True)
class Description:
    """A run in MLflow's words."""

    name: str
    experiment: str
    status: str
    start: int  # milliseconds since the epoch
    end: int | None  # None while it runs
    tags: Mapping[str, str]
    params: Mapping[str, str]
    metrics: Mapping[str, float]  # the final ones
    artefacts: tuple[Path, ...]
    documents: Mapping[str, str]  # artefacts that are no files here: name → text

    @property
    def digest(self) -> str:
        """What tells it from any other, its parameters aside: they never change."""
        told = [self.name, self.status, self.end, dict(self.tags), dict(self.metrics), [p.name for p in self.artefacts]]
        told.append(dict(self.documents))
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


def describe(
    run: Run, status: Status, attempt: Attempt, own: tuple[Label, ...], served: tuple[Label, ...], parent: str
) -> Description:
    """What MLflow is to know of `run`.

    Args:
        run: a run with at least one attempt and a whole recipe file.
        status: where it stands.
        attempt: the attempt that counts.
        own: the cells whose number it gives.
        served: the cells that rest on it, its own among them.
        parent: the MLflow run of the stage it starts from; empty where there is none.
    """
    record = attempt.record or {}
    done = status == "done"
    return Description(
        name=_name(run, own, served),
        experiment=experiment(served[0].scale, served[0].data) if served else UNPLANNED,
        status=MLFLOW_STATUS[status],
        start=milliseconds(run.attempts[0].owner.get("taken", 0.0)),
        end=None if status == "running" else _end(attempt, record),
        tags=dict(_tags(run, record, own, served, parent)),
        params=_params(run.document or {}),
        metrics={key: float(value) for key, value in record.get("metrics", {}).items() if _is_number(value)}
        if done
        else {},
        artefacts=_artefacts(run, attempt) if record else (),
        documents={LABELS: json.dumps([asdict(label) for label in own])} if record else {},
    )


def origin(run: Run) -> str:
    """Where and when a run began: tells runs of equal signature in two homes apart, and goes with a run's folder."""
    owner = run.attempts[0].owner
    began = [owner.get(name) for name in ("host", "boot", "pid", "started", "taken")]
    return hashlib.sha256(json.dumps(began).encode()).hexdigest()[:16]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _end(attempt: Attempt, record: dict[str, Any]) -> int:
    """When it ended: as recorded, else its last sign of life."""
    if "ended" in record:
        return milliseconds(record["ended"])
    signs = [path.stat().st_mtime for path in (attempt.folder / "progress.json", attempt.folder) if path.exists()]
    return milliseconds(signs[0] if signs else attempt.owner.get("taken", 0.0))


def experiment(scale: str, data: str) -> str:
    """The name of the experiment of a scale and a data set or folder."""
    return f"mae-{scale}-{Path(data).name}"


def _name(run: Run, own: tuple[Label, ...], served: tuple[Label, ...]) -> str:
    """The first cell it gives or prepares, and how many more rows share it."""
    if not served:
        return run.signature
    first = own[0] if own else served[0]
    kind = (run.document or {})["kind"]
    name = first.cell if own else f"{first.ablation}/{first.case}/{kind}/{first.seed}"
    more = len({(label.ablation, label.case) for label in served}) - 1
    return f"{name} +{more}" if more else name


def _tags(
    run: Run, record: dict[str, Any], own: tuple[Label, ...], served: tuple[Label, ...], parent: str
) -> Iterator[tuple[str, str]]:
    document = run.document or {}
    yield "mae.signature", run.signature
    yield "mae.origin", origin(run)
    yield "mae.kind", document["kind"]
    yield "mae.seed", str(document["recipe"].get("seed", 0))
    yield "mae.attempts", str(len(run.attempts))
    if served:
        yield "mae.ablation", _listed(label.ablation for label in served)
        yield "mae.case", _listed(label.case for label in served)
        yield "mae.row", _listed(label.words for label in served)
        yield "mae.cells", _listed(label.cell for label in served)
        yield "mae.scale", _listed(label.scale for label in served)
        yield "mae.data", _listed(label.data for label in served)
    if own:
        yield "mae.protocol", _listed(label.protocol for label in own)
    if parent:
        yield "mlflow.parentRunId", parent
    commit = record.get("provenance", {}).get("commit")
    if commit:
        yield "mae.commit", commit
        yield "mlflow.source.git.commit", commit
    if record.get("reason"):
        yield "mae.reason", record["reason"][:TAG_LENGTH]


def _listed(values: Iterable[str]) -> str:
    """The distinct values, comma-separated, as many as a tag holds."""
    listed = ""
    for value in sorted(set(values)):
        longer = f"{listed},{value}" if listed else value
        if len(longer) > TAG_LENGTH - 2:
            return f"{listed},…"
        listed = longer
    return listed


def _params(document: dict[str, Any]) -> dict[str, str]:
    """The stage's kind, version and recipe, and the recipes of the stages it starts from, nearest first, by kind."""
    found = {"kind": document["kind"], "version": str(document["version"])}
    found |= {name: text(value) for name, value in document["recipe"].items()}
    for parent in document["parents"]:
        for name, value in _params(parent).items():
            if name not in ("kind", "version"):
                found.setdefault(name if "." in name else f"{parent['kind']}.{name}", value)
    return found


def text(value: Any) -> str:
    """A parameter as MLflow keeps it."""
    return (value if isinstance(value, str) else json.dumps(value))[:PARAM_LENGTH]


def _artefacts(run: Run, attempt: Attempt) -> tuple[Path, ...]:
    named = run.folder / RECIPE, *(attempt.folder / name for name in (RECORD, journal.NAME, *PANELS))
    return tuple(path for path in named if path.is_file())
