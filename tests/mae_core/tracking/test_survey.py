"""The survey: whether anything is to do is known without MLflow, at once."""

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from mae_core.recipes import BASELINE, FINETUNE
from mae_core.signature import Stage
from mae_core.tracking.content.labels import write_labels
from mae_core.tracking.destination import Destination
from mae_core.tracking.positions import Positions
from mae_core.tracking.survey import items, nothing_to_do

ROOT = Path(__file__).parents[3]
PRETRAIN = Stage(BASELINE)
TUNE = Stage(FINETUNE, (PRETRAIN,))


def all_noted(home: Path) -> None:
    """Positions as a writer leaves them that has sent everything."""
    destination = Destination.of(home)
    positions = Positions(destination.folder)
    for item in items(destination):
        there = replace(item.position, run_id=item.run.signature, attempt=item.attempt.number, length=item.length or 0)
        positions.put(item.run.signature, there)
    for item in items(destination):  # again, as parents have ids by now
        positions.put(item.run.signature, replace(item.position, told=item.description.digest))


def test_an_empty_home_leaves_nothing_to_do(tmp_path: Path) -> None:
    assert nothing_to_do(tmp_path)


def test_a_stage_that_nobody_began_leaves_nothing_to_do(trainer: Any, tmp_path: Path) -> None:
    from mae_core.store.run import Store

    Store(tmp_path).plan(PRETRAIN)
    assert nothing_to_do(tmp_path)


def test_a_run_that_was_never_sent_is_to_do(trainer: Any, tmp_path: Path) -> None:
    trainer.run(PRETRAIN)
    assert not nothing_to_do(tmp_path)


def test_a_hundred_runs_are_looked_through_at_once(trainer: Any, tmp_path: Path) -> None:
    trainer.runs(102)
    all_noted(tmp_path)
    begun = time.process_time()
    assert nothing_to_do(tmp_path)
    assert time.process_time() - begun < 0.3


def test_rows_without_a_checkpoint_are_nothing_to_do(trainer: Any, tmp_path: Path) -> None:
    attempt, journal = trainer.start(PRETRAIN)
    trainer.checkpoint(attempt, journal, 0)
    all_noted(tmp_path)
    trainer.train(journal, range(3))
    assert nothing_to_do(tmp_path)
    trainer.checkpoint(attempt, journal, 3)
    assert not nothing_to_do(tmp_path)


def test_a_new_attempt_is_to_do(trainer: Any, tmp_path: Path) -> None:
    attempt, journal = trainer.start(PRETRAIN)
    trainer.die(attempt, journal)
    all_noted(tmp_path)
    trainer.start(PRETRAIN)
    assert not nothing_to_do(tmp_path)


def test_a_new_label_is_to_do(trainer: Any, tmp_path: Path) -> None:
    trainer.run(TUNE)
    all_noted(tmp_path)
    cell = {"name": "n", "case": "75", "label": "75 %", "protocol": "finetune", "seed": 0, "signature": TUNE.signature}
    write_labels(tmp_path, "mask_ratio", "mini", "fashion_mnist", [cell])
    assert not nothing_to_do(tmp_path)


def test_a_run_with_a_damaged_recipe_file_is_passed_over(trainer: Any, tmp_path: Path) -> None:
    trainer.run(PRETRAIN)
    (tmp_path / "runs" / PRETRAIN.signature / "recipe.json").write_text("{")
    assert nothing_to_do(tmp_path)


def test_a_database_that_was_replaced_is_to_do(
    trainer: Any, tables: Any, sync: Callable[[], None], empty_database: Path, tmp_path: Path
) -> None:
    trainer.run(PRETRAIN)
    sync()
    tables.closed().write_bytes(empty_database.read_bytes())
    assert not nothing_to_do(tmp_path)


def test_a_destination_that_is_refused_never_counts_as_done(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "mlruns")
    assert not nothing_to_do(tmp_path)


def test_asking_imports_neither_mlflow_nor_torch(trainer: Any, tmp_path: Path) -> None:
    trainer.run(PRETRAIN)
    code = """
import sys, pathlib
import mae_core.tracking.follow, mae_core.tracking.content.labels, mae_core.tracking.__main__
from mae_core.tracking.survey import nothing_to_do
nothing_to_do(pathlib.Path(sys.argv[1]))
sys.exit(" ".join({"mlflow", "torch", "pandas", "sqlalchemy"} & sys.modules.keys()) or 0)
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_parents_come_before_what_starts_from_them(trainer: Any, tmp_path: Path) -> None:
    trainer.run(TUNE)
    trainer.run(PRETRAIN)
    assert [item.run.signature for item in items(Destination.of(tmp_path))] == [PRETRAIN.signature, TUNE.signature]
