"""Learning: where a run's losses began, where they are, and what a guess without learning would score."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mae_core.recipes import FinetuneRecipe, PretrainRecipe
from mae_core.store.run import Store
from reports.doctor.patient import PANELS, Patient
from reports.measures.predictors import Shown, constant_guess, read

FEWEST = 10  # rows of a journal that is judged
WARMED = 4  # warm-ups, after which a run under way has begun to learn; healthy ones have after three
SEEN = ("fingerprint", "image_size", "in_chans", "patch_size", "augmentation", "crop_scale")  # what views depend on


@dataclass(frozen=True)
class Course:
    """Mean losses of the first and of the last tenth of a journal."""

    first: float
    last: float


def course(patient: Patient) -> Course | None:
    """How the loss of a pre-training or fine-tuning went; None where that is no sign of health or illness yet."""
    recipe, losses = patient.recipe, [float(row["loss"]) for row in patient.journal]
    if not isinstance(recipe, PretrainRecipe | FinetuneRecipe) or len(losses) < FEWEST:
        return None
    if patient.run.status in ("failed", "diverged"):  # of which there is graver to tell
        return None
    if patient.run.status != "done" and float(patient.journal[-1]["epoch"]) < WARMED * recipe.warmup_epochs:
        return None
    tenth = max(1, len(losses) // 10)
    first, last = (sum(part) / tenth for part in (losses[:tenth], losses[-tenth:]))
    return Course(first, last)


def constant(patient: Patient) -> tuple[str, float] | None:
    """The constant guess of a pre-training's target, and its loss; None where it is no pre-training or this not known.

    It needs train views. A run that remembers none yet, or has its panels elsewhere, is judged by those of another run
    in its home that sees the same images in the same way.
    """
    if type(patient.recipe) is not PretrainRecipe:
        return None
    store = Store(patient.home)
    fitted = (store.run(parent.signature).metrics for parent in patient.stage.parents)
    return constant_guess(patient.recipe, next(fitted, {}), lambda: _shown(patient, store))


def _shown(patient: Patient, store: Store) -> Shown | None:
    assert isinstance(patient.recipe, PretrainRecipe)
    own = read(patient.folder / PANELS, patient.recipe) if patient.folder else None
    found = (read(path, other) for path, other in _alike(patient, patient.recipe, store))
    return own or next((shown for shown in found if shown), None)


def _alike(patient: Patient, recipe: PretrainRecipe, store: Store) -> Iterator[tuple[Path, PretrainRecipe]]:
    """The panels of finished pre-trainings on the same images, and their recipes."""
    for path in sorted(store.folder.glob(f"{PretrainRecipe.KIND}-*/attempt-*/{PANELS}")):
        other = Patient.of(store.run(path.parents[1].name), patient.home)
        if other is None or other.folder != path.parent or type(other.recipe) is not PretrainRecipe:
            continue
        if all(getattr(other.recipe, name) == getattr(recipe, name) for name in SEEN):
            yield path, other.recipe
