"""The doctor names each illness by its symptom, and says nothing of healthy runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mae_core.recipes import FinetuneRecipe, LinearProbeRecipe
from mae_core.signature import Stage
from mae_core.store.attempt import RECORD
from mae_core.store.files import checksum, write_sealed
from mae_core.store.journal import NAME
from mae_core.store.run import RECIPE as RECIPE_FILE
from mae_core.store.run import Store
from reports.doctor.__main__ import main
from reports.doctor.checks import SPIKE, examine
from reports.doctor.patient import WEIGHTS, Patient
from reports.figures.panels import NAME as PANELS
from tests.reports.doctor.patients import RECIPE, Arrays, healthy, patient, rows


def test_healthy_pretraining_is_met_with_silence(tmp_path: Path) -> None:
    assert examine(patient(tmp_path, Stage(RECIPE), healthy(np.random.default_rng(0)))) == []


def with_(name: str, change: Callable[[Arrays], Any]) -> Callable[[Arrays], Arrays]:
    """Healthy panels but for one array."""
    return lambda arrays: arrays | {name: change(arrays)}


def patch_means(arrays: Arrays) -> Any:
    """Each patch's own mean."""
    means = arrays["originals"].reshape(8, 1, 4, 4, 4, 4).mean(axis=(3, 5))
    return means.repeat(4, axis=2).repeat(4, axis=3)


@pytest.mark.parametrize(
    ("ill", "symptom"),
    [
        (with_("reconstructed", lambda a: np.full_like(a["originals"], 0.5)), "trivial predictor"),
        (with_("reconstructed", lambda a: np.random.default_rng(1).random((8, 1, 16, 16))), "trivial predictor"),
        (with_("hidden", lambda a: a["hidden"][:1].repeat(8, axis=0)), "masks are constant"),
        (with_("hidden", lambda a: a["hidden"] & (np.arange(16) < 8)), "should be"),
        (with_("originals", lambda a: np.full_like(a["originals"], 0.3)), "no variance"),
    ],
)
def test_ill_panels_show_their_symptom(tmp_path: Path, ill: Callable[[Arrays], Arrays], symptom: str) -> None:
    found = examine(patient(tmp_path, Stage(RECIPE), ill(healthy(np.random.default_rng(0)))))
    assert any(symptom in finding.symptom for finding in found)


def smooth(rng: np.random.Generator) -> Arrays:
    """Panels of images whose patches differ by far more than the pixels within one."""
    arrays = healthy(rng)
    arrays["originals"] = np.clip(patch_means({"originals": rng.random((8, 1, 16, 16))}) * 3 - 1, 0, 1)
    arrays["originals"] = arrays["originals"] + 0.1 * rng.random((8, 1, 16, 16))
    return arrays


@pytest.mark.parametrize(
    ("guess", "symptom"),
    [
        (patch_means, "guesses are flat"),
        (lambda a: a["originals"].mean(axis=0, keepdims=True).repeat(8, axis=0), "same for all images"),
    ],
)
def test_flat_and_equal_guesses_are_told_apart(tmp_path: Path, guess: Callable[[Arrays], Any], symptom: str) -> None:
    arrays = smooth(np.random.default_rng(0))
    found = examine(patient(tmp_path, Stage(RECIPE), arrays | {"reconstructed": guess(arrays)}))
    assert [symptom in finding.symptom for finding in found] == [True]


@pytest.mark.parametrize(
    ("journal", "warmup", "words"),
    [
        (rows([1.0, 0.5, 0.4, 2.0, *[0.3] * 16]), 0.2, "warm-up that is too short"),
        (rows([1.0, 0.5, 0.4, 2.0, *[0.3] * 16]), 2.0, "learning rate that is too high"),
        (rows([2.0 / (1 + i) for i in range(20)], peak=8e-3), 2.0, "rate given as absolute"),
        (rows([2.0 / (1 + i) for i in range(20)], peak=1e-4), 2.0, "rate given as absolute"),
    ],
)
def test_journal_tells_of_the_schedule(
    tmp_path: Path, journal: list[dict[str, float]], warmup: float, words: str
) -> None:
    stage = Stage(replace(RECIPE, warmup_epochs=warmup))
    (found,) = examine(patient(tmp_path, stage, healthy(np.random.default_rng(0)), journal))
    assert words in found.cause


def noisy(rise: float = 1.0) -> list[dict[str, float]]:
    """A fine-tuning in small batches, whose rows differ by a tenth and more; its loss may rise for thirty of them."""
    noise = np.random.default_rng(0).normal(0, 0.13, 300)
    return rows(
        [float((0.8 + 1.5 / (1 + i / 20)) * np.exp(x) * (rise if 100 < i < 130 else 1)) for i, x in enumerate(noise)]
    )


def test_noise_of_small_batches_is_no_jump(tmp_path: Path) -> None:
    losses = [row["loss"] for row in noisy()]
    assert max(b / min(losses[: i + 1]) for i, b in enumerate(losses)) > SPIKE
    stage = Stage(FinetuneRecipe(epochs=300, warmup_epochs=30.0, batch_size=256), (Stage(RECIPE),))
    assert examine(patient(tmp_path / "well", stage, journal=noisy())) == []
    (found,) = examine(patient(tmp_path / "ill", stage, journal=noisy(rise=2.0)))
    assert found.symptom.startswith("The loss jumped")


@pytest.mark.parametrize(("chosen", "count"), [(10.0, 0), (100.0, 1), (1.0, 1)])
def test_choice_at_the_edge_of_its_grid_is_named(tmp_path: Path, chosen: float, count: int) -> None:
    stage = Stage(LinearProbeRecipe(base_lrs=(1.0, 10.0, 100.0)), (Stage(RECIPE),))
    assert len(examine(patient(tmp_path, stage, metrics={"best_base_lr": chosen}))) == count


def test_command_is_silent_on_health_and_names_illness(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arrays = healthy(np.random.default_rng(0))
    well = patient(tmp_path, Stage(RECIPE), arrays)
    constant = arrays | {"hidden": arrays["hidden"][:1].repeat(8, axis=0)}
    ill = patient(tmp_path, Stage(replace(RECIPE, seed=1)), constant)
    assert (main([well.run.signature, "--home", str(tmp_path)]), capsys.readouterr().out) == (0, "")
    assert main([ill.run.signature, "--home", str(tmp_path)]) == 1
    assert "masks are constant" in capsys.readouterr().out
    assert main(["pretrain-0000", "--home", str(tmp_path)]) == 2
    assert main(["pretrain-", "--home", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 2


@pytest.fixture
def finished(tmp_path: Path) -> Patient:
    """A healthy pre-training whose record has the checksums of its files, and an evaluation of it."""
    well = patient(tmp_path, Stage(RECIPE), healthy(np.random.default_rng(0)))
    assert well.folder is not None
    sums = {name: checksum(well.folder / name) for name in (NAME, PANELS)}
    write_sealed(well.folder / RECORD, {"state": "done", "reason": "", "metrics": {"loss": 0.1}, "artefacts": sums})
    return Patient(Store(tmp_path).run(well.run.signature), well.stage, tmp_path)


def cut(path: Path) -> None:
    """Leave the first half of a file."""
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


@pytest.mark.parametrize(
    ("spoil", "name"),
    [
        (lambda run: cut(run / "attempt-1" / RECORD), "attempt-1/record.json"),
        (lambda run: (run / "attempt-1" / RECORD).unlink(), "attempt-1/record.json"),
        (lambda run: cut(run / "attempt-1" / PANELS), "attempt-1/panels.npz"),
        (lambda run: cut(run / "attempt-1" / NAME), "attempt-1/journal.jsonl"),
        (lambda run: (run / "attempt-1" / WEIGHTS).write_bytes(b"no weights"), "attempt-1/weights.safetensors"),
        (lambda run: (run / RECIPE_FILE).write_text("{}"), "recipe.json"),
        (lambda run: (run / RECIPE_FILE).unlink(), "recipe.json"),
    ],
)
def test_damaged_file_is_named_and_ends_with_1(
    finished: Patient, capsys: pytest.CaptureFixture[str], spoil: Callable[[Path], None], name: str
) -> None:
    words = [finished.run.signature, "--home", str(finished.home)]
    assert (main(words), capsys.readouterr().out) == (0, "")
    spoil(finished.run.folder)
    assert main(words) == 1
    printed = capsys.readouterr().out
    assert printed.count(f"{finished.run.signature}: The run is damaged: {name}.\n") == 1
    assert printed.count("The run is damaged") == 1


def test_run_that_nothing_has_worked_on_is_said_not_to_have_begun(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Store(tmp_path).plan(Stage(RECIPE))
    assert main([run.signature, "--home", str(tmp_path)]) == 1
    assert "The run has not begun" in capsys.readouterr().out
