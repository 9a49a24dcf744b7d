"""Rounds: the doctor looks at every run behind ablations, and tells like findings once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from mae_core.store.run import Store
from mae_core.store.upkeep.inventory import size
from reports.doctor.checks import examine
from reports.doctor.finding import Finding
from reports.doctor.patient import WEIGHTS, Patient
from reports.results import Results

MOST_ROWS = 4  # named
LARGEST_READ = 32_000_000  # bytes of a run; more would keep a report waiting
DEFAULT = "the default row"


def rounds(found: Sequence[Results], home: Path) -> list[str]:
    """What ails the runs of all seeds, a line for each kind of finding; empty where all are healthy.

    Weights are looked at where they are there and small; else a last line says of how many runs they are not.
    """
    groups: dict[tuple[str, str], list[tuple[str, Finding]]] = {}
    unseen = 0
    for label, patient in _patients(found, home):
        small = size(patient.run.folder) <= LARGEST_READ
        unseen += patient.made_weights and not (small and patient.has_weights)
        for finding in examine(patient, weights=small):
            groups.setdefault((finding.cause, finding.remedy), []).append((label, finding))
    told = [_told(of_kind) for of_kind in groups.values()]
    return [*told, _not_looked_at(unseen)] if unseen else told


def _patients(found: Sequence[Results], home: Path) -> Iterator[tuple[str, Patient]]:
    """Every run once, with the label of the first row that rests on it."""
    store, seen = Store(home), set[str]()
    for results in found:
        for result in results.everything:
            case = result.cell.case
            label = DEFAULT if case.key == results.ablation.default else case.label
            for stage in result.cell.stages():
                if stage.signature not in seen:
                    seen.add(stage.signature)
                    yield label, Patient(store.run(stage.signature), stage, home)


def _told(found: Sequence[tuple[str, Finding]]) -> str:
    labels = list(dict.fromkeys(label for label, _ in found))
    more = f" and {len(labels) - MOST_ROWS} more" if len(labels) > MOST_ROWS else ""
    return f"{', '.join(labels[:MOST_ROWS])}{more}: {found[0][1].told()}"


def _not_looked_at(runs: int) -> str:
    return (
        f"Not looked at: the {WEIGHTS} of {runs} {'run' if runs == 1 else 'runs'}, which are not here or too large to "
        "read for a report, and so neither collapsed features nor a missing decoder. `python -m reports.doctor RUN` "
        "looks at them where they are."
    )
