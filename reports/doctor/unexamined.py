"""Unexamined: which checks a run's absent, large or too large files leave undone, so that silence means health."""

from __future__ import annotations

from collections.abc import Iterator

from mae_core.recipes import FinetuneRecipe, ImportRecipe, PretrainRecipe, ReconstructRecipe
from mae_core.store.journal import NAME as JOURNAL
from reports.doctor.features import LARGEST, parameters
from reports.doctor.finding import Finding
from reports.doctor.patient import WEIGHTS, Patient
from reports.figures.panels import NAME as PANELS

TOLD = {  # file → the recipes that make it and are examined by it, and for what
    JOURNAL: (PretrainRecipe | FinetuneRecipe, "the course of the loss"),
    PANELS: (PretrainRecipe | ReconstructRecipe, "guesses, masks and the target's variance"),
    WEIGHTS: (PretrainRecipe | ImportRecipe, "collapsed features and a missing decoder"),
}
FEATURES = "collapsed features"
ABSENT = (
    "a bundle, which has no weights, and panels of the first seed alone; or a store that was pruned.",
    "`python -m reports.doctor RUN` in the home where the run was computed.",
)
NOT_FOR_A_REPORT = (
    "a run that is too large to be read while a report is built.",
    "`python -m reports.doctor RUN`, which takes the time.",
)
NOT_AT_ALL = (
    f"an encoder of more than {LARGEST / 1e6:.0f} million parameters, which would take too long without torch.",
    "look at its probes: those of collapsed features are at chance.",
)
GONE = Finding(
    "Not examined: nothing is here of this run, on which the other rests.",
    "a copy of some runs without those they rest on.",
    "copy it, too, or ask in the home where it was computed.",
)


def unexamined(patient: Patient, *, weights: bool = True) -> Iterator[Finding]:
    """What is not known of a finished run for want of its files; without `weights`, as they are too large to read."""
    if patient.folder is None:
        return
    absent = {name: what for name, what in _due(patient).items() if not (patient.folder / name).is_file()}
    for name, what in absent.items():
        yield Finding(f"Not examined, as {name} is not here: {what}.", *ABSENT)
    if not weights:
        features = f", {TOLD[WEIGHTS][1]}" if WEIGHTS in _due(patient).keys() - absent.keys() else ""
        yield Finding(f"Not examined: altered files{features}.", *NOT_FOR_A_REPORT)
    elif patient.has_weights and isinstance(patient.recipe, PretrainRecipe) and parameters(patient.recipe) > LARGEST:
        yield Finding(f"Not examined: {FEATURES}.", *NOT_AT_ALL)


def _due(patient: Patient) -> dict[str, str]:
    """The files that the run made, by its record or as they lie there, and is examined by; and for what."""
    made = patient.record.get("artefacts", {})
    there = patient.folder
    return {
        name: what
        for name, (recipes, what) in TOLD.items()
        if isinstance(patient.recipe, recipes) and (name in made or (there is not None and (there / name).is_file()))
    }
