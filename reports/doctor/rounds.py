"""Rounds: the doctor looks at every run behind an ablation, and tells like findings once."""

from __future__ import annotations

from pathlib import Path

from mae_core.store.run import Store
from reports.doctor.checks import Finding, examine
from reports.doctor.patient import Patient
from reports.results import Results

MOST_ROWS = 4  # named


def rounds(results: Results, home: Path) -> list[str]:
    """What ails the runs of the first seed, a line for each kind of finding; empty where all are healthy.

    Weights are not looked at: trackers and bundles come without, and a report built from them says the same.
    """
    store, seen = Store(home), set[str]()
    groups: dict[tuple[str, str], list[tuple[str, Finding]]] = {}
    for result in results.everything:
        for stage in result.cell.stages():
            if stage.signature in seen or result.cell.seed:
                continue
            seen.add(stage.signature)
            for finding in examine(Patient(store.run(stage.signature), stage, home), weights=False):
                groups.setdefault((finding.cause, finding.remedy), []).append((result.cell.case.label, finding))
    return [_told(found) for found in groups.values()]


def _told(found: list[tuple[str, Finding]]) -> str:
    labels = list(dict.fromkeys(label for label, _ in found))
    more = f" and {len(labels) - MOST_ROWS} more" if len(labels) > MOST_ROWS else ""
    return f"{', '.join(labels[:MOST_ROWS])}{more}: {found[0][1].told()}"
