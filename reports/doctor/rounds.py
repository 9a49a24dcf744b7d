"""Rounds: the doctor looks at every run behind ablations, and tells findings of one cause together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mae_core.store.run import Store
from mae_core.store.upkeep.inventory import size
from reports.doctor.checks import examine
from reports.doctor.patient import Patient
from reports.doctor.unexamined import unexamined
from reports.doctor.views import Views
from reports.results import Results

MOST_RUNS = 4  # named of a symptom
MOST_SYMPTOMS = 4  # told of a cause
LARGEST_READ = 32_000_000  # bytes of a run; more would keep a report waiting
DEFAULT = "the default row"


@dataclass(frozen=True)
class Visited:
    """A run, and the first row and seed that rest on it."""

    label: str
    patient: Patient

    def named(self) -> str:
        """So that a reader finds the row, and can type the run."""
        return f"{self.label}, `{self.patient.run.signature}`"


def rounds(found: Sequence[Results], home: Path) -> list[str]:
    """What ails the runs of all seeds, a line for each cause, each symptom with its runs; empty where all are healthy.

    Last comes what was not examined, for want of files or as a run is too large to be read for a report.
    """
    ills: dict[tuple[str, str], dict[str, list[Visited]]] = {}
    unseen: dict[tuple[str, str], dict[str, list[Visited]]] = {}
    for visited in _visited(found, home):
        small = size(visited.patient.run.folder) <= LARGEST_READ
        for kept, findings in (
            (ills, examine(visited.patient, weights=small)),
            (unseen, unexamined(visited.patient, weights=small)),
        ):
            for one in findings:
                kept.setdefault((one.cause, one.remedy), {}).setdefault(one.symptom, []).append(visited)
    return [_told(symptoms, _runs, *why) for why, symptoms in ills.items()] + [
        _told(symptoms, _counted, *why) for why, symptoms in unseen.items()
    ]


def _visited(found: Sequence[Results], home: Path) -> Iterator[Visited]:
    """Every run once."""
    store, views, seen = Store(home), Views(home), set[str]()
    for results in found:
        for result in results.everything:
            case, seed = result.cell.case, result.cell.seed
            label = DEFAULT if case.key == results.ablation.default else case.label
            label += f", seed {seed}" if results.seeds > 1 else ""
            for stage in result.cell.stages():
                if stage.signature not in seen:
                    seen.add(stage.signature)
                    yield Visited(label, Patient(store.run(stage.signature), stage, home, views))


def _told(
    symptoms: Mapping[str, Sequence[Visited]], whose: Callable[[Sequence[Visited]], str], cause: str, remedy: str
) -> str:
    """One line: the symptoms, each with the runs that have it, then what they have in common."""
    said = [f"**{symptom}** ({whose(visited)})" for symptom, visited in list(symptoms.items())[:MOST_SYMPTOMS]]
    left = [visited for of_symptom in list(symptoms.values())[MOST_SYMPTOMS:] for visited in of_symptom]
    said += [f"And likewise {whose(left)}."] if left else []
    return " ".join([*said, f"Likely cause: {cause} What to do: {remedy}"])


def _runs(visited: Sequence[Visited]) -> str:
    named = "; ".join(one.named() for one in visited[:MOST_RUNS])
    more = len(visited) - MOST_RUNS
    return f"{named}; and {more} more" if more > 0 else named


def _counted(visited: Sequence[Visited]) -> str:
    return f"{len(visited)} runs, the first: {visited[0].named()}" if len(visited) > 1 else visited[0].named()
