"""Learning: where a run's losses began, where they are, and what a guess without learning would score."""

from __future__ import annotations

from dataclasses import dataclass

from mae_core.recipes import FinetuneRecipe, PretrainRecipe
from mae_core.store.run import Store
from reports.doctor.patient import Patient
from reports.doctor.views import Views
from reports.figures.panels import NAME as PANELS
from reports.measures.predictors import Shown, constant_guess, read

FEWEST = 10  # rows of a journal that is judged
WARMED = 4  # warm-ups, after which a run under way has begun to learn; healthy ones have after three


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
    return constant_guess(patient.recipe, next(fitted, {}), lambda: _shown(patient))


def _shown(patient: Patient) -> Shown | None:
    assert isinstance(patient.recipe, PretrainRecipe)
    own = read(patient.folder / PANELS, patient.recipe) if patient.folder else None
    return own or (patient.views or Views(patient.home)).like(patient.recipe)
