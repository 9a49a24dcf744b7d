"""The report says of each baseline whether MAE at the default row beats it."""

from pathlib import Path

from ablations.paper import ABLATIONS
from ablations.spec import Cell
from mae_core.scales import SCALES
from reports.tables.baselines import compare, sentence
from tests.reports.laboratory import BASELINES, Laboratory

MAE = {"finetune": 85.0, "linear_probe": 75.0}  # probing loses to the logistic regressions


def number(cell: Cell) -> float:
    """The baselines' numbers, and the same for every row."""
    return BASELINES.get(cell.case.key, MAE.get(cell.protocol, 0.0)) + cell.seed


def test_each_baseline_meets_the_columns_it_shares_a_protocol_with(three_rows: Laboratory) -> None:
    compared = [(c.protocol, c.baseline) for c in compare(three_rows.imagine(number))]
    assert compared == [
        ("finetune", "logistic regression on raw pixels"),
        ("finetune", "logistic regression on PCA features"),
        ("finetune", "fine-tuning from scratch"),
        ("linear_probe", "logistic regression on raw pixels"),
        ("linear_probe", "logistic regression on PCA features"),
        ("linear_probe", "probe of the untrained encoder"),
    ]


def test_every_baseline_that_is_not_beaten_is_named(three_rows: Laboratory) -> None:
    results = three_rows.imagine(number)
    told = sentence(results, compare(results))
    assert "MAE at the default row (75 %) does not beat" in told
    assert "raw pixels, under linear probing: -5.00 points" in told
    assert "PCA features, under linear probing: -3.00 points" in told
    assert "untrained" not in told
    assert "scratch" not in told


def test_why_there_are_no_baselines_is_true(tmp_path: Path) -> None:
    results = Laboratory(tmp_path, ABLATIONS["robustness"]).imagine(lambda _: None)
    assert sentence(results, compare(results)).endswith("no column is an accuracy of fine-tuning or linear probing.")
    ours = Laboratory(tmp_path, ABLATIONS["mask_ratio"], SCALES["paper"]).imagine(lambda _: None)
    assert "at the paper's scale" in sentence(ours, compare(ours))


def test_beating_all_is_said(three_rows: Laboratory) -> None:
    results = three_rows.imagine(lambda cell: 50.0 if cell.case.key in BASELINES else 90.0, seeds=3)
    assert sentence(results, compare(results)) == "MAE at the default row (75 %) beats every baseline."


def test_a_lead_of_one_seed_may_be_luck(three_rows: Laboratory) -> None:
    results = three_rows.imagine(lambda cell: 10.0 if cell.case.key in BASELINES else 90.0)
    assert "beats every baseline with 1 seed, which may be luck" in sentence(results, compare(results))


def test_a_lead_within_the_interval_does_not_beat(three_rows: Laboratory) -> None:
    lead = [-0.5, 0.2, 0.5]
    results = three_rows.imagine(lambda cell: 80.0 + (lead[cell.seed] if cell.case.key == "75" else 0.0), seeds=3)
    assert [c.beaten for c in compare(results)] == [False] * 6


def test_baselines_that_are_not_there_are_not_beaten(three_rows: Laboratory) -> None:
    results = three_rows.imagine(lambda cell: 90.0 if cell.case.key in ("75", "scratch") else None)
    assert "not all are there yet: 1 of 6 comparisons" in sentence(results, compare(results))
    assert "cannot be compared" in sentence(results, compare(three_rows.imagine(lambda _: None)))
