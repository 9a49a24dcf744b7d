"""Views: an ablation's table in MLflow's page has its cells as rows and what varies as columns."""

import json
from dataclasses import replace

from mae_core.tracking.content.description import Description
from mae_core.tracking.content.views import views

RUN = Description("", "", "FINISHED", 0, 1, {}, {"pretrain.mask_ratio": "0.75", "pretrain.depth": "24"}, {}, (), {})
OTHER = replace(RUN, params={**RUN.params, "pretrain.mask_ratio": "0.5"}, metrics={"top1": 80.0})


def state(*runs: Description) -> dict[str, object]:
    tags = views(("7", ("mask_ratio",), run) for run in runs).tags["7"]
    return json.loads(tags["mlflow.sharedViewState.mask_ratio"])


def test_parameters_that_vary_are_columns_and_others_are_not() -> None:
    columns = state(RUN, OTHER)["selectedColumns"]
    assert [name for name in columns if name.startswith("params.")] == ["params.`pretrain.mask_ratio`"]


def test_final_metrics_of_any_run_are_columns() -> None:
    assert "metrics.`top1`" in state(RUN, OTHER)["selectedColumns"]


def test_the_metric_that_most_runs_have_is_the_first() -> None:
    runs = [replace(RUN, metrics={"C": 1.0, "top1": 80.0}), replace(RUN, metrics={"top1": 81.0})]
    assert state(*runs)["selectedColumns"][-2:] == ["metrics.`top1`", "metrics.`C`"]


def test_the_note_links_to_each_table() -> None:
    tags = views([("7", ("mask_ratio", "target"), RUN)]).tags["7"]
    assert tags["mlflow.note.content"].count("#/experiments/7/runs?viewStateShareKey=") == 2


def test_each_experiment_has_the_tables_of_its_own_runs() -> None:
    made = views([("7", ("mask_ratio",), RUN), ("8", ("target",), RUN)])
    assert [address for address, _ in made.addresses] == ["mask_ratio", "target"]
    assert made.tags.keys() == {"7", "8"}


def test_without_runs_there_is_nothing_to_show() -> None:
    assert views([]).digest == ""
