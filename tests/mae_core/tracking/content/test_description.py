"""The description: how a run of the store is put into MLflow's words."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mae_core.recipes import BASELINE, FINETUNE
from mae_core.signature import Stage
from mae_core.store.run import Run, Store
from mae_core.tracking.content.description import TAG_LENGTH, Description, describe, origin
from mae_core.tracking.content.labels import Label

PRETRAIN = Stage(BASELINE)
TUNE = Stage(FINETUNE, (PRETRAIN,))
CELL = Label("mask_ratio", "75", "finetune", 0, "mini", "fashion_mnist", "75 %", "mask_ratio/75/finetune/0")
Describe = Callable[..., Description]


def described(run: Run, own: tuple[Label, ...] = (), served: tuple[Label, ...] = (), **more: Any) -> Description:
    return describe(run, run.status, run.attempts[-1], own, served or own, more.get("parent", ""))


@pytest.fixture
def finished(trainer: Any) -> Run:
    trainer.run(TUNE, top1=83.5)
    return Store(trainer.home).run(TUNE.signature)


@pytest.mark.parametrize(
    ("state", "status"),
    [("done", "FINISHED"), ("failed", "FAILED"), ("diverged", "FAILED"), ("stopped", "KILLED")],
)
def test_status_says_how_the_run_ended(trainer: Any, state: str, status: str) -> None:
    attempt, journal = trainer.start(TUNE)
    trainer.end(attempt, journal, state)
    assert described(Store(trainer.home).run(TUNE.signature)).status == status


def test_a_run_whose_owner_lives_has_no_end(trainer: Any) -> None:
    trainer.start(TUNE)
    told = described(Store(trainer.home).run(TUNE.signature))
    assert (told.status, told.end) == ("RUNNING", None)


def test_a_run_whose_owner_died_ended_with_its_last_heartbeat(trainer: Any) -> None:
    attempt, journal = trainer.start(TUNE)
    trainer.die(attempt, journal)
    (attempt.folder / "progress.json").touch()
    os.utime(attempt.folder / "progress.json", (1_700_000_123.5, 1_700_000_123.5))
    told = described(Store(trainer.home).run(TUNE.signature))
    assert (told.status, told.end) == ("KILLED", 1_700_000_123_500)


def test_every_field_of_the_recipe_is_a_parameter(finished: Run) -> None:
    params = described(finished).params
    assert params.keys() >= {"kind", "version", *finished.document["recipe"]}
    assert (params["betas"], params["labels"], params["pooling"]) == ("[0.9, 0.999]", "null", "cls")


def test_parameters_of_the_encoder_are_under_its_stages_kind(finished: Run) -> None:
    params = described(finished).params
    assert (params["warmup_epochs"], params["pretrain.warmup_epochs"]) == ("5.0", "40.0")


def test_of_two_ancestors_of_one_kind_the_nearer_gives_the_parameters(trainer: Any) -> None:
    farther = Stage(replace(BASELINE, seed=5))
    stage = Stage(FINETUNE, (Stage(replace(BASELINE, seed=4), (farther,)),))
    trainer.run(stage)
    assert described(Store(trainer.home).run(stage.signature)).params["pretrain.seed"] == "4"


def test_tags_name_the_cell(finished: Run) -> None:
    tags = described(finished, (CELL,)).tags
    assert (
        tags.items()
        >= {
            "mae.signature": TUNE.signature,
            "mae.kind": "finetune",
            "mae.ablation": "mask_ratio",
            "mae.case": "75",
            "mae.protocol": "finetune",
            "mae.scale": "mini",
            "mae.data": "fashion_mnist",
            "mae.seed": "0",
            "mae.commit": "c0ffee",
            "mae.attempts": "1",
        }.items()
    )


def test_a_stage_that_prepares_cells_is_named_after_its_own_work(trainer: Any) -> None:
    trainer.run(PRETRAIN)
    told = described(Store(trainer.home).run(PRETRAIN.signature), served=(CELL,))
    assert told.name == "mask_ratio/75/pretrain/0"
    assert told.tags["mae.cells"] == "mask_ratio/75/finetune/0"
    assert "mae.protocol" not in told.tags


def test_a_name_counts_the_other_rows_that_share_the_stage(finished: Run) -> None:
    others = tuple(replace(CELL, ablation=name, cell=f"{name}/75/finetune/0") for name in ("target", "width"))
    assert described(finished, (CELL, *others)).name == "mask_ratio/75/finetune/0 +2"


def test_more_cells_than_a_tag_holds_are_cut_between_two(finished: Run) -> None:
    cells = tuple(replace(CELL, cell=f"mask_ratio/75/finetune/{number:06d}") for number in range(1000))
    told = described(finished, cells).tags["mae.cells"]
    assert len(told) <= TAG_LENGTH
    assert told.endswith(",…")
    assert set(told.split(",")[:-1]) <= {cell.cell for cell in cells}


def test_the_experiment_of_a_folder_of_images_is_named_after_the_folder(finished: Run) -> None:
    assert described(finished, (replace(CELL, data="some/where/birds"),)).experiment == "mae-mini-birds"


def test_final_metrics_are_those_of_a_finished_run(trainer: Any, finished: Run) -> None:
    assert described(finished).metrics == {"top1": 83.5}
    attempt, journal = trainer.start(PRETRAIN)
    trainer.end(attempt, journal, "failed", top1=1.0)
    assert described(Store(trainer.home).run(PRETRAIN.signature)).metrics == {}


@pytest.mark.parametrize("change", [{"own": (CELL,)}, {"parent": "0123"}])
def test_what_is_told_changes_the_digest(finished: Run, change: dict[str, Any]) -> None:
    assert described(finished, **change).digest != described(finished).digest == described(finished).digest


def test_origin_tells_equal_runs_of_two_homes_apart(trainer: Any, finished: Run, tmp_path: Path) -> None:
    other = replace(trainer, home=tmp_path / "other")
    other.run(TUNE)
    assert origin(Store(other.home).run(TUNE.signature)) != origin(finished)


def test_origin_goes_with_a_run_that_is_moved(finished: Run, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere" / finished.signature
    moved.parent.mkdir()
    before = origin(finished)
    assert origin(Run(finished.folder.rename(moved))) == before
