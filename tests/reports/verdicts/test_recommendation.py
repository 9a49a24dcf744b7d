"""Recommendations: never stronger than the data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pytest
from scipy import stats

from ablations.spec import Cell
from reports.verdicts.recommendation import advice, best_beyond_noise, standing
from tests.reports.laboratory import Laboratory

NUMBERS = {"10": [60.0, 60.2, 60.1], "60": [72.0, 70.0, 71.0], "75": [70.9, 72.1, 71.2], "90": [65.0, 65.1, 65.3]}


def numbered(numbers: Mapping[str, Sequence[float]]) -> Callable[[Cell], float | None]:
    """A cell's number, under linear probing alone."""

    def number(cell: Cell) -> float | None:
        found = numbers.get(cell.case.key, ())
        return found[cell.seed] if cell.protocol == "linear_probe" and cell.seed < len(found) else None

    return number


def told(laboratory: Laboratory, numbers: Mapping[str, Sequence[float]], seeds: int = 3) -> str:
    """The advice on linear probing."""
    (line,) = advice(laboratory.imagine(numbered(numbers), seeds))
    return line


def test_rows_within_noise_are_not_told_apart_and_the_ends_are_worse(laboratory: Laboratory) -> None:
    rows = {key: NUMBERS.get(key, [71.0, 71.5, 70.5]) for key in ("20", "30", "40", "50", "60", "70", "75", "80")}
    line = told(laboratory, rows | {"10": NUMBERS["10"], "90": NUMBERS["90"]})
    assert "cannot tell apart" in line
    assert "below 20 % and above 80 % is worse" in line


def test_clear_winner_is_taken(three_rows: Laboratory) -> None:
    line = told(three_rows, {key: NUMBERS[key] for key in ("10", "75", "90")})
    assert line.startswith("linear probing: take 75 %; every other row is worse")


@pytest.mark.parametrize("seeds", [1, 2])
def test_few_seeds_recommend_nothing(three_rows: Laboratory, seeds: int) -> None:
    assert "cannot tell yet" in told(three_rows, {key: NUMBERS[key] for key in ("10", "75", "90")}, seeds)


def test_single_row_is_no_comparison(three_rows: Laboratory) -> None:
    assert advice(three_rows.imagine(numbered({"75": NUMBERS["75"]}), 3)) == []


def test_intervals_hold_together(laboratory: Laboratory) -> None:
    """A row that a single 95 % interval would call worse is not, where nine comparisons are made."""
    lead = [0.5, 1.0, 0.9]
    rows = {key: [70.0 - x for x in lead] for key in ("10", "20", "30", "40", "50", "60", "70", "80", "90")}
    assert stats.ttest_1samp(lead, 0).pvalue < 0.05
    results = laboratory.imagine(numbered(rows | {"75": [70.0] * 3}), 3)
    found = standing(results, "linear_probe")
    assert found is not None
    assert (found.best, found.worse, len(found.alike)) == ("75", (), 9)
    assert best_beyond_noise(results, "linear_probe") is None
