"""Recovery: the way back, a home-shaped folder made of what a tracker has. Part of a process of its own.

What is recovered of a run is what reports are built from: its recipe, its record with the final numbers, its journal,
its panels, the cells it gives, and where it stands. The files are those that the store had, and carry its checksums;
of a run that has not ended, the journal is made of the points that are there. Weights stay where they are.
"""

from __future__ import annotations

import json
import platform
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Run as Tracked
from mlflow.entities import ViewType

from mae_core.errors import TrackerError
from mae_core.store import journal
from mae_core.store.attempt import OWNER, Attempt, finish
from mae_core.store.files import write_sealed
from mae_core.store.left_out import leave_out
from mae_core.store.run import RECIPE, Store
from mae_core.tracking.content.description import LABELS
from mae_core.tracking.content.labels import Label, write_labels

A_PAGE = 1000
USAGE = "system/"  # what the run took of its machine, which was never in its journal
AT_ONCE = 8  # downloads
RANK = ("FINISHED", "RUNNING", "FAILED", "KILLED")  # which of several runs of one signature counts


def recover(uri: str, home: Path, scale: str, data: str) -> int:
    """Put the runs that the tracker at `uri` has of `scale` and `data` into the empty `home`; how many.

    Raises:
        TrackerError: a finished run has no record there.
        Exception: whatever MLflow raises where the tracker cannot be read.
    """
    client = MlflowClient(tracking_uri=uri)
    chosen = _chosen(run for run in _tracked(client) if _is_of(run, scale, data))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        labels = [label for some in pool.map(lambda run: _recover(client, run, home), chosen) for label in some]
    bare = [run for run in chosen if run.info.status == "FINISHED" and not _is_whole(run, home)]
    if bare:
        raise TrackerError(
            f"{len(bare)} of {len(chosen)} runs there have no whole record; repeat `python -m mae_core.tracking sync` "
            f"from the home that they were made in."
        )
    for launch in sorted({(label.ablation, label.scale, label.data) for label, _ in labels}):
        cells = [
            {**asdict(label), "name": label.cell, "label": label.words, "signature": signature}
            for label, signature in sorted(labels)
            if (label.ablation, label.scale, label.data) == launch
        ]
        write_labels(home, *launch, cells)
    return len(chosen)


def _tracked(client: MlflowClient) -> Iterator[Tracked]:
    """All runs of this project that the tracker has."""
    ids, token = list[str](), None
    while True:
        page = client.search_experiments(ViewType.ACTIVE_ONLY, filter_string="name LIKE 'mae-%'", page_token=token)
        ids += [experiment.experiment_id for experiment in page]
        token = page.token
        if not token:
            break
    while ids:
        runs = client.search_runs(ids, "tags.`mae.signature` LIKE '%'", max_results=A_PAGE, page_token=token)
        yield from runs
        token = runs.token
        if not token:
            return


def _is_of(run: Tracked, scale: str, data: str) -> bool:
    tags = run.data.tags
    return scale in tags.get("mae.scale", "").split(",") and data in tags.get("mae.data", "").split(",")


def _chosen(runs: Iterator[Tracked]) -> list[Tracked]:
    """One run for each signature: several homes may have sent theirs. The furthest counts, of equals the first."""
    best: dict[str, Tracked] = {}
    for run in sorted(runs, key=lambda run: (RANK.index(run.info.status), run.info.start_time)):
        best.setdefault(run.data.tags["mae.signature"], run)
    return list(best.values())


def _recover(client: MlflowClient, tracked: Tracked, home: Path) -> list[tuple[Label, str]]:
    """Make the run's folder; the cells whose number it gives, with its signature."""
    signature = tracked.data.tags["mae.signature"]
    run = Store(home).folder / signature
    attempt = Attempt(run / f"attempt-{tracked.data.tags.get('mae.attempts', '1')}")
    attempt.folder.mkdir(parents=True)
    write_sealed(attempt.folder / OWNER, _owner(tracked), durable=False)
    with tempfile.TemporaryDirectory(dir=home) as folder:
        labels: list[tuple[Label, str]] = []
        for artefact in client.list_artifacts(tracked.info.run_id):
            if not artefact.is_dir:  # a report, which is built anew
                client.download_artifacts(tracked.info.run_id, artefact.path, folder)
        for path in Path(folder).iterdir():
            if path.name == LABELS:
                labels = [(Label(**label), signature) for label in json.loads(path.read_text(encoding="utf-8"))]
            else:
                path.rename((run if path.name == RECIPE else attempt.folder) / path.name)
    record = attempt.record or {}
    if not record:  # else the journal came along, or there was none
        _replay(client, tracked, attempt.folder / journal.NAME)
    absent = [name for name in record.get("artefacts", {}) if not (attempt.folder / name).is_file()]
    leave_out(attempt.folder, absent, "recovered from a tracker")
    if record.get("state") == "done":
        finish(attempt)
    return labels


def _replay(client: MlflowClient, tracked: Tracked, path: Path) -> None:
    """A journal of the points that the tracker has."""
    rows: dict[tuple[int, int], dict[str, float]] = {}
    for key in (key for key in tracked.data.metrics if not key.startswith(USAGE)):
        for point in client.get_metric_history(tracked.info.run_id, key):
            rows.setdefault((point.step, point.timestamp), {})[key] = point.value
    writer = journal.Journal(path)
    for (step, time), values in sorted(rows.items()):
        writer.append({"step": step, **values, "time": time / 1000})
    writer.close()


def _is_whole(tracked: Tracked, home: Path) -> bool:
    run = Store(home).run(tracked.data.tags["mae.signature"])
    return run.finished is not None and run.document is not None


def _owner(tracked: Tracked) -> dict[str, object]:
    """An owner of whom is known only whether it may live: elsewhere, or in an earlier life of this machine."""
    running = tracked.info.status == "RUNNING"
    return {
        "host": "" if running else platform.node(),
        "boot": "",
        "pid": 0,
        "started": 0.0,
        "job": "",
        "taken": tracked.info.start_time / 1000,
    }
