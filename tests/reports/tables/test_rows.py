"""Lines of table.csv: their columns, their numbers, their origin."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
from scipy import stats

from ablations.spec import Cell
from mae_core.errors import UserError
from mae_core.recipes import BASELINE, VIT_B, VIT_H
from reports.bundle import Bundle
from reports.results import Results
from reports.tables.rows import COLUMNS, Row, baseline_rows, model_label, table_rows, worst, write_cells, write_rows
from reports.tables.table import layout
from tests.reports.laboratory import Laboratory

DESIGN = (
    "ablation, case_key, case, model, protocol, metric, unit, scale, data, n_seeds, mean, std, ci_low, ci_high, diff, "
    "diff_low, diff_high, paper, status, seconds, images_per_second, signatures"
)
NUMBERS = {"10": [60.0, 61.0, 63.0], "75": [70.0, 72.0, 71.5], "90": [65.0, 65.5, 66.0]}


def number(cell: Cell) -> float | None:
    """Made-up accuracies of linear probing."""
    return NUMBERS[cell.case.key][cell.seed] if cell.protocol == "linear_probe" and cell.case.key in NUMBERS else None


def row(rows: list[Row], key: str, protocol: str = "linear_probe") -> Row:
    """The one of that case and protocol."""
    return next(row for row in rows if (row.case_key, row.protocol) == (key, protocol))


def test_columns_are_the_contracts() -> None:
    assert ", ".join(COLUMNS) == DESIGN


def test_spread_and_paired_difference_are_scipys(three_rows: Laboratory) -> None:
    found = row(table_rows(three_rows.imagine(number, seeds=3)), "10")
    paired = stats.ttest_rel(NUMBERS["10"], NUMBERS["75"]).confidence_interval(0.95)
    alone = stats.ttest_1samp(NUMBERS["10"], 0).confidence_interval(0.95)
    assert (found.mean, found.std) == pytest.approx((61.3333, 1.5275))
    assert (found.ci_low, found.ci_high) == pytest.approx((alone.low, alone.high), abs=1e-4)
    assert (found.diff_low, found.diff_high) == pytest.approx((paired.low, paired.high), abs=1e-4)


def test_one_seed_has_a_difference_and_no_interval(three_rows: Laboratory) -> None:
    found = row(table_rows(three_rows.imagine(number)), "90")
    assert (found.n_seeds, found.mean, found.diff) == (1, 65.0, -5.0)
    assert (found.std, found.ci_low, found.diff_low) == (None, None, None)


def half_done(cell: Cell) -> float | None:
    """The default row with three seeds, 10 % with two, 90 % with one."""
    missing = {"10": (2,), "90": (1, 2)}
    return None if cell.seed in missing.get(cell.case.key, ()) else number(cell)


def test_pairs_are_told_where_a_mean_has_more_seeds_than_the_difference(three_rows: Laboratory) -> None:
    rows = table_rows(three_rows.imagine(half_done, seeds=3))
    assert [row(rows, key).few_pairs for key in ("10", "75", "90")] == [2, None, 1]
    done = table_rows(three_rows.imagine(number, seeds=3))
    assert [row(done, key).few_pairs for key in ("10", "75", "90")] == [None, None, None]


def test_notebook_tells_the_pairs_that_a_difference_rests_on(three_rows: Laboratory, tmp_path: Path) -> None:
    found = bundled(three_rows.imagine(half_done, seeds=3), tmp_path).differences()
    assert found["pairs"].tolist() == [2, 1]
    assert found["diff"].tolist() == [-10.5, -5.0]


def bundled(results: Results, folder: Path) -> Bundle:
    """The files that the notebook reads its numbers from."""
    write_rows(table_rows(results), folder / "table.csv")
    write_rows(baseline_rows(results), folder / "baselines.csv")
    write_cells(results, folder / "cells.csv")
    (folder / "report.json").write_text(json.dumps({"default": "75"}))
    return Bundle(folder)


def test_row_says_model_scale_data_and_the_papers_number(three_rows: Laboratory) -> None:
    found = row(table_rows(three_rows.imagine(number)), "10")
    assert (found.case, found.model, found.scale, found.data, found.paper) == (
        "10 %",
        "ViT-2x32/4",
        "smoke",
        "fashion_mnist",
        54.6,
    )


def test_row_names_the_runs_its_number_rests_on(three_rows: Laboratory) -> None:
    found = row(table_rows(three_rows.imagine(number, seeds=2)), "10")
    stages = [three_rows.cell(f"10/linear_probe/{seed}").stage for seed in range(2)]
    assert found.signatures == " ".join(stage.signature for stage in stages if stage)


def test_run_that_serves_all_seeds_counts_once(three_rows: Laboratory) -> None:
    results = three_rows.imagine(lambda cell: 80.0 if cell.protocol == "logistic_regression" else None, seeds=3)
    found = row(baseline_rows(results), "raw_pixels", "logistic_regression")
    assert (found.n_seeds, found.std, len(found.signatures.split())) == (1, None, 1)


def test_four_baselines_have_rows_of_the_same_columns(three_rows: Laboratory) -> None:
    rows = baseline_rows(three_rows.imagine(number))
    assert [row.case_key for row in rows] == ["raw_pixels", "pca_features", "untrained", "scratch"]


def test_worst_news_is_the_rows_status() -> None:
    assert [worst(["done", "missing"]), worst(["missing", "failed"]), worst(["done", "done"])] == [
        "missing",
        "failed",
        "done",
    ]


def test_data_sets_of_one_name_are_not_mixed(three_rows: Laboratory, tmp_path: Path) -> None:
    rows = table_rows(three_rows.results())
    unknown = [replace(row, fingerprint="") for row in rows]
    write_rows([*rows, *unknown], tmp_path / "table.csv")
    with pytest.raises(UserError, match="two data sets, though both are smoke on fashion_mnist"):
        write_rows([*rows, replace(rows[0], fingerprint="another")], tmp_path / "table.csv")


def test_mixed_scales_and_data_are_refused(three_rows: Laboratory, tmp_path: Path) -> None:
    rows = table_rows(three_rows.results())
    for other in ({"scale": "mini"}, {"data": "cifar10"}):
        mixed = [*rows, replace(rows[0], **other)]
        with pytest.raises(UserError, match="build a report for each"):
            write_rows(mixed, tmp_path / "table.csv")
        with pytest.raises(UserError, match="build a report for each"):
            layout(three_rows.results(), mixed)


def test_csv_leaves_unknown_numbers_empty(three_rows: Laboratory, tmp_path: Path) -> None:
    write_rows(table_rows(three_rows.imagine(number)), tmp_path / "table.csv")
    with (tmp_path / "table.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert [(line["mean"], line["std"], line["status"]) for line in lines[:2]] == [
        ("", "", "missing"),
        ("60.0", "", "done"),
    ]


@pytest.mark.parametrize(
    ("shape", "label"), [({}, "ViT-L/16"), (VIT_B, "ViT-B/16"), (VIT_H, "ViT-H/14"), ({"depth": 4}, "ViT-4x1024/16")]
)
def test_models_have_the_papers_names(shape: dict[str, int], label: str) -> None:
    assert model_label(replace(BASELINE, image_size=448 if shape is VIT_H else 224, **shape)) == label


def test_rows_on_other_data_have_no_difference_and_the_notebook_agrees(three_rows: Laboratory, tmp_path: Path) -> None:
    cases = [replace(case, data="digits" if case.key == "90" else "") for case in three_rows.ablation.cases]
    three_rows.ablation = replace(three_rows.ablation, cases=tuple(cases))
    results = three_rows.imagine(number, 3)
    rows = table_rows(results)
    assert (row(rows, "90").mean, row(rows, "90").diff) == (65.5, None)
    assert row(rows, "10").diff == pytest.approx(-9.8333)
    bundled(results, tmp_path).recomputed()  # raises where the table says anything else
    with (tmp_path / "cells.csv").open(newline="") as file:
        evaluated = {line["case_key"]: line["evaluated_on"] for line in csv.DictReader(file)}
    assert (evaluated["75"], evaluated["90"]) == ("fashion_mnist", "digits")
