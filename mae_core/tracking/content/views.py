"""Views: in MLflow's page of an experiment, one table for each ablation, its cells as rows, what varies as columns.

A study has one too, its trials as rows.

A shared view is an experiment tag that the page reads when its address ends in `?viewStateShareKey=NAME`. A page of
another version may not know it; then the address shows the experiment's plain list of runs.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mae_core.tracking.content.description import TAG_LENGTH, Description
from mae_core.tracking.content.reports import PAGE, ReportItem

KEY = "mlflow.sharedViewState."
NOTE = "mlflow.note.content"
TAG_COLUMNS = ("mae.case", "mae.row", "mae.protocol", "mae.seed")
TRIAL_COLUMNS = ("mae.trial", "mae.state", "mae.repeat_of")
MOST_PARAMS = 8  # columns; more would not be read


@dataclass(frozen=True)
class Views:
    """The tags of each experiment, by its id."""

    tags: Mapping[str, Mapping[str, str]]

    @property
    def digest(self) -> str:
        """What tells them from any others."""
        return hashlib.sha256(json.dumps(self.tags, sort_keys=True).encode()).hexdigest()[:16] if self.tags else ""

    @property
    def addresses(self) -> list[tuple[str, str]]:
        """(ablation, address in the MLflow page) of each view."""
        return [
            (key.removeprefix(KEY), _address(experiment, key.removeprefix(KEY)))
            for experiment, tags in self.tags.items()
            for key in sorted(tags)
            if key.startswith(KEY)
        ]


def views(described: Iterable[tuple[str, tuple[str, ...], Description]], reports: Iterable[ReportItem] = ()) -> Views:
    """The views of runs given as (experiment id, the ablations or the study whose numbers they give, description).

    `reports`: those that the experiments' descriptions link to.
    """
    tables: dict[str, dict[str, list[Description]]] = {}
    for experiment, ablations, description in described:
        for ablation in ablations:
            tables.setdefault(experiment, {}).setdefault(ablation, []).append(description)
    pages: dict[str, list[ReportItem]] = {}
    for report in reports:
        pages.setdefault(report.run.experiment_id, []).append(report)
    return Views(
        {experiment: _tags(experiment, of, pages.get(experiment, [])) for experiment, of in sorted(tables.items())}
    )


def _tags(experiment: str, tables: dict[str, list[Description]], reports: list[ReportItem]) -> dict[str, str]:
    tags = {f"{KEY}{ablation}": _state(ablation, runs) for ablation, runs in tables.items()}
    note = "Tables: " + ", ".join(f"[{ablation}]({_address(experiment, ablation)})" for ablation in sorted(tables))
    if reports:
        note += "\n\nReports: " + ", ".join(f"[{report.ablation}]({_page(report)})" for report in reports)
    return {**tags, NOTE: note[:TAG_LENGTH]}


def _page(report: ReportItem) -> str:
    return f"#/experiments/{report.run.experiment_id}/runs/{report.run.run_id}/artifacts/{report.place}/{PAGE}"


def _address(experiment: str, ablation: str) -> str:
    return f"#/experiments/{experiment}/runs?viewStateShareKey={ablation}"


def _state(ablation: str, runs: list[Description]) -> str:
    """A page's state: which runs, in which order, with which columns."""
    study = runs[0].tags.get("mae.study", "")
    columns = [f"tags.`{tag}`" for tag in (TRIAL_COLUMNS if study else TAG_COLUMNS)]
    columns += [f"params.`{name}`" for name in _varying(runs)[:MOST_PARAMS]]
    given = Counter(name for run in runs for name in run.metrics)
    columns += [f"metrics.`{name}`" for name in sorted(given, key=lambda name: (-given[name], name))]
    state = {
        "searchFilter": _of_study(study) if study else _of_ablation(ablation),
        "orderByKey": columns[-1] if study else columns[0],  # the best trial first
        "orderByAsc": not study,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "selectedColumns": columns,
    }
    return json.dumps(state)


def _of_ablation(ablation: str) -> str:
    """Only the stages that give a number have a protocol."""
    return f"tags.`mae.cells` LIKE '%{ablation}/%' AND tags.`mae.protocol` LIKE '%'"


def _of_study(study: str) -> str:
    return f"tags.`mae.study` = '{study}' AND tags.`mae.kind` = 'trial'"


def _varying(runs: list[Description]) -> list[str]:
    """The parameters of the encoder's stages that are not the same in all runs, whatever the protocol."""
    names = {name for run in runs for name in run.params if "." in name and not name.endswith(".seed")}
    return sorted(name for name in names if len({run.params[name] for run in runs if name in run.params}) > 1)
