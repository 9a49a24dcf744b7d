"""The report says of each baseline whether MAE at the default row beats it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablations.paper import ABLATIONS
from ablations.spec import Cell
from mae_core.scales import SCALES
from reports.tables.baselines import Comparison, compare, sentence
from reports.verdicts.statistics import spread
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
    assert "MAE at the default row (75 %) so far does not beat" in told
    assert "raw pixels (MAE linearly probed minus it: -5.00 points" in told
    assert "PCA features (MAE linearly probed minus it: -3.00 points" in told
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


def test_numbers_of_few_seeds_do_not_cast_doubt_on_those_of_three(three_rows: Laboratory) -> None:
    """Training from scratch has one seed, the others three."""
    lead = {"raw_pixels": 90.0, "scratch": 85.0}
    results = three_rows.imagine(
        lambda c: (
            None if c.case.key == "scratch" and c.seed else lead.get(c.case.key, 70.0) + 10 * (c.case.key == "75")
        ),
        seeds=3,
    )
    told = sentence(results, compare(results))
    assert "(75 %) is beaten by logistic regression on raw pixels (MAE fine-tuned minus it: -10.00 points" in told
    assert "so far does not beat fine-tuning from scratch (MAE fine-tuned minus it: -5.00 points, 1 seed)" in told
    assert told.endswith("and beats every other; some of this rests on 1 seed and may be luck (3 are needed).")


def test_a_lead_of_one_seed_may_be_luck(three_rows: Laboratory) -> None:
    results = three_rows.imagine(lambda cell: 10.0 if cell.case.key in BASELINES else 90.0)
    assert sentence(results, compare(results)).endswith(
        "so far beats every baseline; this rests on 1 seed and may be luck (3 are needed)."
    )


def test_a_loss_of_two_seeds_may_be_luck_too(three_rows: Laboratory) -> None:
    results = three_rows.imagine(lambda cell: 90.0 if cell.case.key in BASELINES else 10.0, seeds=2)
    told = sentence(results, compare(results))
    assert "(75 %) so far does not beat logistic regression on raw pixels" in told
    assert told.endswith("; this rests on 2 seeds and may be luck (3 are needed).")


@pytest.mark.parametrize(
    ("lead", "state"),
    [
        ([0.4, 0.5, 0.6], "beats"),
        ([-0.4, -0.5, -0.6], "is beaten by"),
        ([-0.5, 0.2, 0.5], "cannot be told from"),
        ([-0.5, 0.2, 0.1], "cannot be told from"),
    ],
)
def test_three_seeds_decide_where_the_interval_lies_on_one_side_of_zero(
    three_rows: Laboratory, lead: list[float], state: str
) -> None:
    results = three_rows.imagine(lambda cell: 80.0 + (lead[cell.seed] if cell.case.key == "75" else 0.0), seeds=3)
    told = sentence(results, compare(results))
    assert {c.state for c in compare(results)} == {state}
    assert f"MAE at the default row (75 %) {state} " in told
    assert "luck" not in told


@given(st.lists(st.floats(-9, 9).map(lambda value: round(value, 2)), min_size=1, max_size=5))
def test_what_is_said_of_a_loss_is_what_is_said_of_the_same_win(lead: list[float]) -> None:
    """Hedged alike: the state of the opposite differences is the opposite state."""
    opposite = {
        "beats": "is beaten by",
        "so far beats": "so far does not beat",
        "cannot be told from": "cannot be told from",
    }
    states = [Comparison("finetune", "a rival", spread([s * x for x in lead]), "done").state for s in (1, -1)]
    won, lost = sorted(map(str, states), key=lambda state: state not in opposite)
    assert lost == opposite.get(won) or sum(lead) == 0


def test_the_rival_is_not_said_to_be_fine_tuned(three_rows: Laboratory) -> None:
    told = [comparison.told() for comparison in compare(three_rows.imagine(number))]
    assert told[0] == "MAE fine-tuned minus logistic regression on raw pixels: +5.00 points, 1 seed"
    assert told[3] == "MAE linearly probed minus logistic regression on raw pixels: -5.00 points, 1 seed"


def test_baselines_that_are_not_there_are_not_beaten(three_rows: Laboratory) -> None:
    results = three_rows.imagine(lambda cell: 90.0 if cell.case.key in ("75", "scratch") else None)
    assert "not all are there yet: 1 of 6 comparisons" in sentence(results, compare(results))
    assert "cannot be compared" in sentence(results, compare(three_rows.imagine(lambda _: None)))
