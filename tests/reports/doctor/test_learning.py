"""A loss that stays where it began, or at what a guess without learning scores, is named for every target."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mae_core.recipes import FinetuneRecipe, PcaRecipe, TokenizerRecipe
from mae_core.signature import Stage
from mae_core.store.journal import NAME, Journal
from mae_core.store.run import Store
from reports.doctor import views
from reports.doctor.checks import examine
from reports.doctor.patient import Patient
from tests.reports.doctor.patients import RECIPE, healthy, patient, rows
from tests.reports.laboratory import Laboratory

FITTED = PcaRecipe(image_size=(16, 16), in_chans=1, patch_size=4)
TOKENS = TokenizerRecipe(image_size=(16, 16), in_chans=1, patch_size=4)
# target → what fitted it, its metrics, what a constant guess scores on patches of uniform noise
TARGETS: dict[str, tuple[Any, dict[str, float], float]] = {
    "pixel": (None, {}, 1 / 12 / 0.29**2),
    "norm_pixel": (None, {}, 15 / 16),
    "pca": (FITTED, {"explained_variance": 50.0, "components": 2.0}, 0.5 * 16 / 12 / 0.29**2 / 2),
    "token": (TOKENS, {"perplexity": 8.0}, np.log(8.0)),
}


def stage_of(target: str, home: Path) -> Stage:
    """A pre-training on that target, which is fitted."""
    fitted, metrics, _ = TARGETS[target]
    parents = () if fitted is None else (Stage(fitted),)
    for parent in parents:
        Laboratory(home, None).end(parent, metrics=metrics)  # type: ignore[arg-type]  # no ablation is asked for
    return Stage(replace(RECIPE, target=target), parents)


def falling_to(loss: float) -> list[dict[str, float]]:
    """A journal whose loss soon stays there."""
    return rows([loss * (1 + 3 * np.exp(-i)) for i in range(40)])


def symptoms(one: Patient) -> list[str]:
    return [finding.symptom for finding in examine(one)]


@pytest.mark.parametrize("target", TARGETS)
def test_journal_that_ends_at_a_constant_guess_is_named(tmp_path: Path, target: str) -> None:
    loss = TARGETS[target][2]
    well, ill = (
        patient(home, stage_of(target, home), healthy(np.random.default_rng(0)), falling_to(share * loss))
        for home, share in ((tmp_path / "well", 0.75), (tmp_path / "ill", 1.0))
    )
    assert symptoms(well) == []
    (symptom,) = symptoms(ill)
    assert symptom.startswith("The loss stands at a trivial predictor: ")
    assert "over the last tenth of its journal" in symptom


@pytest.mark.parametrize("target", TARGETS)
def test_pretraining_whose_loss_stays_where_it_began_is_named(tmp_path: Path, target: str) -> None:
    one = patient(tmp_path, stage_of(target, tmp_path), healthy(np.random.default_rng(0)), rows([9.0] * 20))
    assert symptoms(one) == ["Nothing was learnt: the loss went from 9.000 to 9.000."]


def under_way(home: Path, losses: list[float]) -> Patient:
    """A pre-training of twenty epochs, two of them warm-up, an epoch a row, that goes on."""
    stage = Stage(replace(RECIPE, seed=1))
    journal = Journal(Laboratory(home, None).take(stage).folder / NAME)  # type: ignore[arg-type]
    for row in rows(losses):
        journal.append(row | {"lr": 1e-4})
    journal.close()
    run = Store(home).run(stage.signature)
    assert run.status == "running"
    return Patient(run, stage, home)


@pytest.mark.parametrize(("length", "told"), [(8, 0), (12, 1)])
def test_run_under_way_is_judged_well_after_its_warmup(tmp_path: Path, length: int, told: int) -> None:
    assert len(symptoms(under_way(tmp_path, [2.4] * length))) == told


def test_run_under_way_is_held_against_views_of_another_of_the_same_images(tmp_path: Path) -> None:
    losses = [row["loss"] for row in falling_to(1.0)[:15]]
    assert symptoms(under_way(tmp_path / "alone", losses)) == []
    patient(tmp_path / "beside", Stage(RECIPE), healthy(np.random.default_rng(0)))
    (symptom,) = symptoms(under_way(tmp_path / "beside", losses))
    assert "mean colour of the data scores" in symptom


def test_views_are_looked_for_once_however_many_runs_ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    patient(tmp_path, Stage(RECIPE), healthy(np.random.default_rng(0)))
    asked: list[Path] = []
    read = views.read
    monkeypatch.setattr(views, "read", lambda path, recipe: asked.append(path) or read(path, recipe))
    shared = views.Views(tmp_path)
    found = [shared.like(replace(RECIPE, seed=seed)) for seed in range(3)]
    assert len(asked) == 1
    assert found[0] is not None
    assert all(one is found[0] for one in found)
    assert shared.like(replace(RECIPE, patch_size=2 * RECIPE.patch_size)) is None


def test_finetuning_that_learns_nothing_is_named(tmp_path: Path) -> None:
    stage = Stage(FinetuneRecipe(epochs=20, warmup_epochs=2.0, batch_size=256), (Stage(RECIPE),))
    (found,) = examine(patient(tmp_path, stage, journal=rows([2.3] * 20)))
    assert found.symptom.startswith("Nothing was learnt")


def test_journal_under_way_with_an_altered_line_is_damaged_and_one_with_half_a_line_is_not(tmp_path: Path) -> None:
    one = under_way(tmp_path, [2.0 / (1 + i) for i in range(15)])
    path = one.run.attempts[-1].folder / NAME
    path.write_bytes(path.read_bytes()[:-9])
    assert symptoms(Patient(Store(tmp_path).run(one.run.signature), one.stage, tmp_path)) == []
    path.write_bytes(path.read_bytes().replace(b'"loss":1.0', b'"loss":7.0'))
    (symptom,) = symptoms(Patient(Store(tmp_path).run(one.run.signature), one.stage, tmp_path))
    assert symptom == "The run is damaged: attempt-1/journal.jsonl."
