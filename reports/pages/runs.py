"""The page of runs: the numbers of all reports of one scale and data, each with the folder of the run that gave it.

It stands beside the reports and not in their folders, so that a report can be moved or mailed without a dead link.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mae_core.store.files import replacing
from reports.pages.page import page

NAME = "runs.html"


@dataclass(frozen=True)
class Run:
    """One number and what gave it."""

    cell: str
    status: str
    signature: str
    link: str  # relative to the page; empty where this home has no such run


def write(setting: Path) -> Path | None:
    """Write `runs.html` to `setting`, a folder of reports/by-scale; None where no report there has cells."""
    reports = [(title, name, list(_runs(folder))) for title, name, folder in _reports(setting)]
    if not reports:
        return None
    tracked = (setting.parents[2] / "mlflow.db").is_file()
    text = page("runs.html.j2", title=f"Runs of {setting.name}", script="", reports=reports, tracked=tracked)
    with replacing(setting / NAME, durable=False) as file:
        file.write(text.encode())
    return setting / NAME


def _reports(setting: Path) -> Iterator[tuple[str, str, Path]]:
    """Title, name and folder of each report that has cells."""
    for cells in sorted(setting.glob("*/cells.csv")):
        try:
            facts = json.loads((cells.parent / "report.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        yield f"{facts['title']} ({facts['source']})", cells.parent.name, cells.parent


def _runs(report: Path) -> Iterator[Run]:
    store = report.parents[3] / "runs"
    with (report / "cells.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            signature = row["signature"]
            there = bool(signature) and (store / signature).is_dir()
            yield Run(row["cell"], row["status"], signature, f"../../../runs/{signature}/" if there else "")
