"""Studies in MLflow, told by its tables: a run for each, its trials under it, nothing twice."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mae_core.store.attempt import PROGRESS, take
from mae_core.store.files import write_sealed
from mae_core.tracking.survey import nothing_to_do
from mae_core.tracking.synchronise import synchronise

Sync = Callable[[], None]

POINTS = """
    SELECT runs.name, metrics.key, step, metrics.value FROM metrics JOIN runs USING (run_uuid)
    WHERE lifecycle_stage = 'active' ORDER BY 1, 2, 3
"""
STATUSES = "SELECT name, status FROM runs WHERE lifecycle_stage = 'active' ORDER BY name"


def ids(tables: Any) -> dict[str, str]:
    return dict(tables.rows("SELECT name, run_uuid FROM runs WHERE lifecycle_stage = 'active'"))


def test_a_study_has_a_run_and_its_trials_lie_under_it(written: Any, tables: Any, told: Any, sync: Sync) -> None:
    written.write(written.trial(0), written.trial(1))
    sync()
    tags, parent = told("tags"), ids(tables)["finetune_lr"]
    assert set(tags) == {"finetune_lr", "trial 0", "trial 1"}
    assert {tags[name]["mlflow.parentRunId"] for name in ("trial 0", "trial 1")} == {parent}
    assert told("params")["finetune_lr"] == {
        "space.finetune.base_lr": "Times(low=0.25, high=4.0)",
        "sampler": "tpe",
        "budget": "4",
        "protocol": "finetune",
    }


def test_a_study_has_the_best_value_and_the_number_of_trials(written: Any, tables: Any, sync: Sync) -> None:
    pruned = written.trial(1, state="pruned", value=None)
    written.write(written.trial(0, value=40.0), pruned, written.trial(2, value=60.0), written.trial(3, value=50.0))
    sync()
    found = {(key, step): value for name, key, step, value in tables.rows(POINTS) if name == "finetune_lr"}
    assert found == {
        ("heldout_top1", 0): 40.0,
        ("heldout_top1", 2): 60.0,
        ("heldout_top1", 3): 50.0,
        ("best_heldout_top1", 4): 60.0,
        ("trials", 4): 4.0,
        ("trials_pruned", 4): 1.0,
        ("trials_failed", 4): 0.0,
    }


def test_a_trial_says_what_it_was_and_how_it_ended(written: Any, tables: Any, told: Any, sync: Sync) -> None:
    reason = "after 3 epochs of finetune"
    written.write(
        written.trial(0), written.trial(1, repeat_of=0), written.trial(2, state="pruned", value=None, reason=reason)
    )
    sync()
    tags = told("tags")
    assert told("params")["trial 0"] == {"finetune.base_lr": "0.001", "found.finetune.base_lr": "1.0"}
    assert {name: tags[name]["mae.state"] for name in ("trial 0", "trial 2")} == {
        "trial 0": "complete",
        "trial 2": "pruned",
    }
    assert (tags["trial 1"]["mae.repeat_of"], tags["trial 2"]["mae.reason"]) == ("0", reason)
    assert dict(tables.rows(STATUSES))["trial 2"] == "KILLED"


def test_a_trial_is_linked_to_the_run_of_its_stage_whichever_came_first(
    written: Any, trainer: Any, tables: Any, told: Any, sync: Sync
) -> None:
    written.write(written.trial(0))
    sync()
    assert "mae.stage_run" not in told("tags")["trial 0"]
    trainer.run(written.stage, top1=50.0)
    sync()
    run_id, *_ = tables.run(written.stage.signature)
    tags = told("tags")["trial 0"]
    assert (tags["mae.stage"], tags["mae.stage_run"]) == (written.stage.signature, run_id)
    assert f"/runs/{run_id})" in tags["mlflow.note.content"]


def test_the_run_of_a_trials_stage_stands_in_the_studys_experiment(
    written: Any, trainer: Any, tables: Any, sync: Sync
) -> None:
    trainer.run(written.stage, top1=50.0)
    written.write(written.trial(0))
    sync()
    query = "SELECT DISTINCT e.name FROM experiments e JOIN runs USING (experiment_id)"
    assert tables.rows(query) == [("mae-mini-fashion_mnist",)]


def test_trials_follow_as_they_end_and_a_second_look_sends_nothing(
    written: Any, tables: Any, sync: Sync, tmp_path: Path
) -> None:
    trials = [written.trial(number) for number in range(4)]
    for count in (1, 4):
        written.write(*trials[:count])
        assert not nothing_to_do(tmp_path)
        sync()
        assert nothing_to_do(tmp_path)
        assert len(ids(tables)) == 1 + count
    assert synchronise(tmp_path).replayed == 0


def test_lost_positions_double_nothing(written: Any, tables: Any, told: Any, sync: Sync, tmp_path: Path) -> None:
    written.write(*(written.trial(number) for number in range(4)))
    sync()
    before = ids(tables), tables.rows(POINTS)
    for path in (tmp_path / "tracking").glob("*/*.json"):
        path.unlink()
    sync()
    assert (ids(tables), tables.rows(POINTS)) == before
    assert len(told("tags")) == 5


@pytest.mark.parametrize("forgotten", [False, True])
def test_a_budget_that_is_raised_is_told(
    written: Any, tables: Any, told: Any, sync: Sync, tmp_path: Path, forgotten: bool
) -> None:
    written.write(written.trial(0))
    sync()
    if forgotten:
        for path in (tmp_path / "tracking").glob("*/study-*.json"):
            path.unlink()
    written.write(written.trial(0), written.trial(1), budget=30)
    sync()
    assert told("params")["finetune_lr"]["budget"] == "30"
    parents = {tags["mlflow.parentRunId"] for name, tags in told("tags").items() if name.startswith("trial")}
    assert parents == {ids(tables)["finetune_lr"]}


def test_a_study_under_way_is_running_then_killed_and_finished_at_its_number(
    written: Any, tables: Any, sync: Sync, tmp_path: Path
) -> None:
    workers = tmp_path / "sweeps" / ".finetune_lr.workers"
    workers.mkdir(parents=True)
    worker, found = take(workers, 1), []
    assert worker is not None
    trials = [written.trial(number) for number in range(4)]
    write_sealed(worker.folder / PROGRESS, {"beat": 1})
    for count, owner in ((1, os.getpid()), (1, 2**22 + 1), (4, os.getpid())):
        write_sealed(worker.folder / "owner.json", {**worker.owner, "pid": owner})
        written.write(*trials[:count])
        sync()
        found.append(dict(tables.rows(STATUSES))["finetune_lr"])
    assert found == ["RUNNING", "KILLED", "FINISHED"]


def test_a_study_has_a_table_of_its_trials_best_first(written: Any, tables: Any, sync: Sync) -> None:
    written.write(written.trial(0), written.trial(1))
    sync()
    query = "SELECT value FROM experiment_tags WHERE key = 'mlflow.sharedViewState.sweep-finetune_lr'"
    ((view,),) = tables.rows(query)
    state = json.loads(view)
    assert state["searchFilter"] == "tags.`mae.study` = 'finetune_lr' AND tags.`mae.kind` = 'trial'"
    assert (state["orderByKey"], state["orderByAsc"]) == ("metrics.`heldout_top1`", False)
    assert {"tags.`mae.state`", "params.`finetune.base_lr`"} <= set(state["selectedColumns"])
