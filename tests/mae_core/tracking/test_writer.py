"""The writer: what MLflow holds of a store, told by its tables."""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mae_core.store import journal
from mae_core.store.run import Store
from mae_core.store.upkeep import usage
from mae_core.tracking.survey import nothing_to_do
from mae_core.tracking.synchronise import synchronise
from tests.mae_core.tracking.labelled import PRETRAIN, TUNE, label

Sync = Callable[[], None]


def test_every_point_of_the_store_is_there_once(trainer: Any, tables: Any, sync: Sync, journal_points: Any) -> None:
    trainer.runs(9)
    sync()
    assert tables.points() == journal_points()


EXPERIMENTS = "SELECT e.name FROM experiments e JOIN runs USING (experiment_id) WHERE runs.lifecycle_stage = 'active'"


def test_a_pretraining_has_its_place_before_its_evaluations_begin(
    trainer: Any, tables: Any, sync: Sync, tmp_path: Path
) -> None:
    trainer.run(PRETRAIN)
    Store(tmp_path).plan(TUNE)
    label(tmp_path)
    sync()
    assert tables.rows(EXPERIMENTS) == [("mae-mini-fashion_mnist",)]


def test_a_run_without_cells_moves_once_it_has_some(
    trainer: Any, tables: Any, sync: Sync, journal_points: Any, tmp_path: Path
) -> None:
    trainer.run(PRETRAIN)
    points = journal_points()
    sync()
    assert tables.rows(EXPERIMENTS) == [("mae-unplanned",)]
    Store(tmp_path).plan(TUNE)
    label(tmp_path)
    sync()
    assert tables.rows(EXPERIMENTS) == [("mae-mini-fashion_mnist",)]
    assert tables.points() == points


def test_a_second_look_sends_nothing(trainer: Any, tables: Any, sync: Sync, tmp_path: Path) -> None:
    trainer.runs(3)
    sync()
    assert nothing_to_do(tmp_path)
    assert synchronise(tmp_path).replayed == 0


def test_a_long_journal_is_sent_in_batches(trainer: Any, tables: Any, sync: Sync, journal_points: Any) -> None:
    trainer.run(PRETRAIN, rows=1100)
    sync()
    assert tables.points() == journal_points()


def test_a_living_run_is_there_up_to_its_last_checkpoint(trainer: Any, tables: Any, sync: Sync) -> None:
    attempt, journal = trainer.start(PRETRAIN)
    trainer.train(journal, range(4))
    trainer.checkpoint(attempt, journal, 4)
    trainer.train(journal, range(4, 9))
    sync()
    assert {step for _, _, step, _, _ in tables.points()} == set(range(4))
    assert tables.run(PRETRAIN.signature)[1] == "RUNNING"


@pytest.mark.parametrize("state", ["done", "failed", "diverged"])
def test_the_tail_follows_when_the_run_has_ended(
    trainer: Any, tables: Any, sync: Sync, journal_points: Any, state: str
) -> None:
    attempt, journal = trainer.start(PRETRAIN)
    trainer.train(journal, range(4))
    trainer.checkpoint(attempt, journal, 4)
    sync()
    trainer.train(journal, range(4, 9))
    trainer.end(attempt, journal, state)
    sync()
    assert tables.points() == journal_points()


def test_a_resumed_run_goes_on_in_the_same_mlflow_run(
    trainer: Any, tables: Any, sync: Sync, journal_points: Any
) -> None:
    first, journal = trainer.start(PRETRAIN)
    trainer.train(journal, range(4))
    length = trainer.checkpoint(first, journal, 4)
    trainer.train(journal, range(4, 6))  # lost with its process
    trainer.die(first, journal)
    sync()
    before = tables.run(PRETRAIN.signature)
    second, journal = trainer.start(PRETRAIN, inherit=(first, length))
    sync()
    assert tables.run(PRETRAIN.signature)[:2] == (before[0], "RUNNING")
    trainer.train(journal, range(4, 9))
    trainer.end(second, journal)
    sync()
    assert tables.run(PRETRAIN.signature)[:2] == (before[0], "FINISHED")
    assert tables.points() == journal_points()


@pytest.mark.parametrize("state", ["failed", "diverged"])
def test_a_retry_from_an_older_checkpoint_leaves_no_point_of_what_it_took_back(
    trainer: Any, tables: Any, sync: Sync, journal_points: Any, state: str
) -> None:
    first, journal = trainer.start(PRETRAIN)
    trainer.train(journal, range(4))
    length = trainer.checkpoint(first, journal, 4)
    trainer.train(journal, range(4, 9))
    trainer.end(first, journal, state)
    sync()
    second, journal = trainer.start(PRETRAIN, inherit=(first, length))
    trainer.train(journal, range(4, 12))
    trainer.end(second, journal)
    sync()
    assert tables.points() == journal_points()
    assert set(Counter(point[1:3] for point in tables.points()).values()) == {1}


def test_a_point_sent_but_not_noted_is_taken_back_too(
    trainer: Any, tables: Any, sync: Sync, journal_points: Any, tmp_path: Path
) -> None:
    first, journal = trainer.start(PRETRAIN)
    trainer.train(journal, range(4))
    trainer.end(first, journal, "failed")
    sync()
    (noted,) = (tmp_path / "tracking").glob(f"*/{PRETRAIN.signature}.json")
    from mae_core.tracking.positions import Positions

    positions = Positions(noted.parent)
    positions.put(PRETRAIN.signature, replace(positions.of(PRETRAIN.signature), rows=0, length=0, told=""))
    second, journal = trainer.start(PRETRAIN)
    trainer.train(journal, range(4))
    trainer.end(second, journal)
    sync()
    assert tables.points() == journal_points()


def test_lost_positions_double_nothing(
    trainer: Any, tables: Any, sync: Sync, journal_points: Any, tmp_path: Path
) -> None:
    trainer.runs(6)
    sync()
    for path in (tmp_path / "tracking").glob("*/*.json"):
        path.unlink()
    sync()
    assert len(tables.names()) == 6
    assert tables.points() == journal_points()


def test_equal_runs_of_two_homes_in_one_database_are_two(
    trainer: Any, tables: Any, sync: Sync, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tables.database}")
    trainer.run(PRETRAIN)
    sync()
    other = replace(trainer, home=tmp_path / "other")
    other.run(PRETRAIN)
    assert synchronise(other.home).failure == ""
    assert tables.names() == [PRETRAIN.signature] * 2


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # MLflow's migrations use what SQLAlchemy 2.1 deprecates
def test_a_database_that_was_deleted_is_filled_again(
    trainer: Any, tables: Any, sync: Sync, journal_points: Any
) -> None:
    trainer.runs(3)
    sync()
    tables.closed().unlink()
    sync()
    assert tables.points() == journal_points()


def test_a_run_that_was_deleted_in_mlflow_comes_back_when_it_goes_on(
    trainer: Any, tables: Any, sync: Sync, journal_points: Any, tmp_path: Path
) -> None:
    from mlflow import MlflowClient

    attempt, journal = trainer.start(PRETRAIN)
    trainer.train(journal, range(4))
    trainer.checkpoint(attempt, journal, 4)
    sync()
    MlflowClient(f"sqlite:///{tables.database}").delete_run(tables.run(PRETRAIN.signature)[0])
    trainer.end(attempt, journal)
    sync()
    assert tables.points() == journal_points()


def test_a_run_that_mlflow_refuses_holds_up_no_other(trainer: Any, tables: Any, tmp_path: Path) -> None:
    attempt, journal = trainer.start(PRETRAIN)
    trainer.train(journal, range(2), **{"a metric's name?": 1.0})
    trainer.end(attempt, journal)
    trainer.run(TUNE)
    outcome = synchronise(tmp_path)
    assert PRETRAIN.signature in outcome.failure
    assert tables.run(TUNE.signature)[1] == "FINISHED"


def test_times_are_those_of_the_run(trainer: Any, tables: Any, sync: Sync) -> None:
    attempt = trainer.run(PRETRAIN)
    sync()
    began, ended = attempt.owner["taken"], attempt.record["ended"]
    assert tables.run(PRETRAIN.signature)[2:] == (round(began * 1000), round(ended * 1000))


def test_the_final_metric_stands_at_the_last_step(trainer: Any, tables: Any, sync: Sync) -> None:
    trainer.run(PRETRAIN, rows=4, top1=83.5)
    sync()
    end = tables.run(PRETRAIN.signature)[3]
    assert list(tables.points("top1")) == [(PRETRAIN.signature, "top1", 3, end, 83.5)]


def test_a_final_metric_that_ends_the_curve_is_not_repeated(trainer: Any, tables: Any, sync: Sync) -> None:
    trainer.run(PRETRAIN, rows=4, loss=1 / 4)
    sync()
    assert len(tables.points("loss")) == 4


def test_a_value_that_is_no_number_reaches_mlflow(trainer: Any, tables: Any, sync: Sync) -> None:
    attempt, journal = trainer.start(PRETRAIN)
    trainer.train(journal, range(2), grad_norm=math.nan)
    trainer.end(attempt, journal, "diverged")
    sync()
    assert tables.rows("SELECT step, is_nan FROM metrics WHERE key = 'grad_norm'") == [(0, 1), (1, 1)]


def used(attempt: Any, seconds: range) -> None:
    """Samples of what the attempt takes of its machine, one for each of the seconds."""
    with (attempt.folder / usage.NAME).open("ab") as file:
        for second in seconds:
            row = {"step": second, "system/cpu_utilization_percentage": 50.0, "time": 1_700_000_000 + second}
            file.write(journal.line(row))


def test_system_metrics_of_all_attempts_are_there_once(trainer: Any, tables: Any, sync: Sync) -> None:
    first, rows = trainer.start(PRETRAIN)
    used(first, range(0, 20, 10))
    sync()
    trainer.die(first, rows)
    used(first, range(20, 30, 10))
    second, rows = trainer.start(PRETRAIN)
    used(second, range(40, 60, 10))
    sync()
    trainer.end(second, rows)
    used(second, range(60, 70, 10))
    sync()
    points = tables.points("system/cpu_utilization_percentage")
    assert sorted(step for _, _, step, _, _ in points.elements()) == [0, 10, 20, 40, 50, 60]
