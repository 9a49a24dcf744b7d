"""Patients: runs in a store with panels and journals made up by a test, healthy unless it says otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mae_core.recipes import PretrainRecipe
from mae_core.signature import Stage
from mae_core.store.attempt import RECORD, finish
from mae_core.store.files import write_sealed
from mae_core.store.journal import NAME, Journal
from mae_core.store.run import Store
from reports.doctor.patient import Patient
from reports.figures.panels import NAME as PANELS
from tests.reports.laboratory import Laboratory

RECIPE = PretrainRecipe(
    image_size=(16, 16), in_chans=1, patch_size=4, embed_dim=8, depth=1, num_heads=2, mask_ratio=0.5, epochs=20,
    warmup_epochs=2.0, batch_size=256, base_lr=1e-3,
)  # fmt: skip
Arrays = dict[str, Any]


def healthy(rng: np.random.Generator) -> Arrays:
    """Panels of a model that has learnt: guesses near the originals, masks that differ."""
    originals = rng.random((8, 1, 16, 16))
    order = rng.random((8, 16)).argsort(axis=1).reshape(8, 1, 4, 4) < 8
    hidden = order.repeat(4, axis=2).repeat(4, axis=3)
    guessed = originals + 0.05 * rng.standard_normal(originals.shape)
    return {"originals": originals, "reconstructed": guessed, "hidden": hidden, "mean": [0.5], "std": [0.29]}


def rows(losses: list[float], peak: float = 1e-3) -> list[dict[str, float]]:
    """A journal of those losses, warmed up for a tenth."""
    n = len(losses)
    return [{"step": i, "epoch": i, "loss": x, "lr": peak * min(1, 10 * i / n)} for i, x in enumerate(losses)]


def patient(
    home: Path, stage: Stage, arrays: Arrays | None = None, journal: list[dict[str, float]] | None = None, **record: Any
) -> Patient:
    """A finished run with those panels, journal and metrics."""
    attempt = Laboratory(home, None).take(stage)  # type: ignore[arg-type]  # no ablation is asked for
    lines = Journal(attempt.folder / NAME)
    for row in journal or rows([2.0 / (1 + i) + 0.1 for i in range(20)]):
        lines.append(row)
    lines.close()
    if arrays is not None:
        masked = np.where(arrays["hidden"], 0.5, arrays["originals"])
        np.savez(attempt.folder / PANELS, masked=masked, **arrays)
    write_sealed(attempt.folder / RECORD, {"state": "done", "reason": "", "metrics": {}, "seconds": 1.0} | record)
    finish(attempt)
    return Patient(Store(home).run(stage.signature), stage, home)
