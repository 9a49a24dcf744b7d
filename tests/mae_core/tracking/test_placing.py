"""Where runs lie in MLflow and what lies beside their points: parents, experiments, labels, artefacts."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.mae_core.tracking.labelled import PRETRAIN, TUNE, label

Sync = Callable[[], None]


def test_an_evaluation_lies_under_its_pretraining(trainer: Any, tables: Any, sync: Sync) -> None:
    trainer.run(TUNE)
    trainer.run(PRETRAIN)
    sync()
    assert tables.of("tags", TUNE.signature)["mlflow.parentRunId"] == tables.run(PRETRAIN.signature)[0]


def test_an_evaluation_repeats_what_its_encoder_was_trained_with(trainer: Any, tables: Any, sync: Sync) -> None:
    trainer.run(TUNE)
    sync()
    params = tables.of("params", TUNE.signature)
    assert (params["kind"], params["base_lr"], params["pretrain.mask_ratio"]) == ("finetune", "0.001", "0.75")


def test_labels_written_later_reach_a_finished_run(trainer: Any, tables: Any, sync: Sync, tmp_path: Path) -> None:
    trainer.run(TUNE)
    label(tmp_path)
    sync()
    label(tmp_path, "decoder_depth", "8")
    sync()
    tags = tables.of("tags", TUNE.signature)
    assert tags["mae.cells"] == "decoder_depth/8/finetune/0,mask_ratio/75/finetune/0"
    assert tags["mlflow.runName"] == "decoder_depth/8/finetune/0 +1"


def test_runs_of_one_scale_and_data_set_share_an_experiment(
    trainer: Any, tables: Any, sync: Sync, tmp_path: Path
) -> None:
    trainer.run(PRETRAIN)
    trainer.run(TUNE)
    label(tmp_path)
    sync()
    found = tables.rows("SELECT experiments.name, runs.name FROM runs JOIN experiments USING (experiment_id)")
    name = "mae-mini-fashion_mnist"
    assert sorted(found) == [(name, "mask_ratio/75/finetune/0"), (name, "mask_ratio/75/pretrain/0")]


def test_whatever_reports_are_built_from_is_an_artefact(trainer: Any, tables: Any, sync: Sync, tmp_path: Path) -> None:
    attempt, journal = trainer.start(PRETRAIN)
    (attempt.folder / "panels.png").write_bytes(b"a picture")
    trainer.end(attempt, journal)
    sync()
    run_id = tables.run(PRETRAIN.signature)[0]
    kept = next((tmp_path / "mlartifacts").glob(f"*/{run_id}/artifacts"))
    names = ["journal.jsonl", "labels.json", "panels.png", "recipe.json", "record.json"]
    assert sorted(path.name for path in kept.iterdir()) == names
    assert json.loads((kept / "recipe.json").read_text())["signature"] == PRETRAIN.signature


def test_an_ablation_has_a_table_in_its_experiment(trainer: Any, tables: Any, sync: Sync, tmp_path: Path) -> None:
    trainer.run(TUNE, top1=84.9)
    label(tmp_path)
    sync()
    ((view,),) = tables.rows("SELECT value FROM experiment_tags WHERE key = 'mlflow.sharedViewState.mask_ratio'")
    assert "metrics.`top1`" in json.loads(view)["selectedColumns"]
