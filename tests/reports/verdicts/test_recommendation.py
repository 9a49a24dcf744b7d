"""Recommendations: never stronger than the data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ablations.paper import ABLATIONS
from ablations.spec import Cell
from mae_core.recipes import BASELINE, ImportRecipe
from mae_core.scales import SCALES
from mae_core.signature import Stage
from reports.results import Result, Results
from reports.verdicts.cost import cheapest
from reports.verdicts.recommendation import advice, best_beyond_noise, standings
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
    assert "Cannot be told from it: 20 %, " in line
    assert "below 20 % and above 80 % is worse" in line


def test_clear_winner_is_taken(three_rows: Laboratory) -> None:
    line = told(three_rows, {key: NUMBERS[key] for key in ("10", "75", "90")})
    assert line.startswith("linear probing: take 75 %; every other row is worse")


@pytest.mark.parametrize("seeds", [1, 2])
def test_few_seeds_recommend_nothing(three_rows: Laboratory, seeds: int) -> None:
    assert "cannot tell yet" in told(three_rows, {key: NUMBERS[key] for key in ("10", "75", "90")}, seeds)


def behind(gaps: Mapping[str, Sequence[float]]) -> dict[str, list[float]]:
    """75 % at 70 per cent, the others behind it by these differences."""
    return {"75": [70.0] * 3} | {key: [70.0 - x for x in gap] for key, gap in gaps.items()}


def test_a_rival_is_named_with_its_difference_and_simultaneous_interval(three_rows: Laboratory) -> None:
    gap = [1.0, 2.5, 0.7]
    line = told(three_rows, behind({"10": gap, "90": [9.0, 9.1, 9.2]}))
    oracle = stats.ttest_1samp(gap, 0).confidence_interval(0.975)  # two comparisons at 95 % together
    assert f"10 %, -1.40 points ({-oracle.high:+.2f} to {-oracle.low:+.2f})" in line
    assert f"It may be up to {oracle.high:.2f} points worse; within 0.25 points cost alone would decide." in line


def with_costs(results: Results, seconds: Mapping[str, float]) -> Results:
    """The same, with what a number of each row cost."""
    return replace(results, cells=tuple(replace(r, seconds=seconds.get(r.cell.case.key)) for r in results.cells))


def test_the_cheapest_is_advised_only_where_the_whole_interval_is_within_the_margin(three_rows: Laboratory) -> None:
    near = three_rows.imagine(numbered(behind({"10": [0.0, 2.0, 1.0], "90": [0.00, 0.01, 0.02]})), 3)
    (line,) = advice(near)
    assert "Within 0.25 points of it lies 90 %: take the cheapest, 90 % (" in line
    assert "The other may be up to" in line
    far = three_rows.imagine(numbered(behind({"10": [0.0, 2.0, 1.0], "90": [0.0, 0.1, 0.3]})), 3)
    (line,) = advice(far)
    assert "take" not in line


def test_the_clock_does_not_say_what_is_cheapest_where_the_recipes_do(three_rows: Laboratory) -> None:
    """That 10 % ran fast, with nothing beside it, does not make it the cheapest: it leaves the most patches."""
    gaps = behind({"10": [0.00, 0.01, 0.02], "90": [0.01, 0.01, 0.0]})
    (line,) = advice(with_costs(three_rows.imagine(numbered(gaps), 3), {"10": 1.0, "75": 50.0, "90": 60.0}))
    assert "lie all of them: take the cheapest, 90 % (" in line
    assert " × the FLOPs of 10 %, from the recipes)." in line


def test_rows_of_the_same_compute_are_none_the_cheapest(three_rows: Laboratory) -> None:
    rates, cases = {"10": 1e-4, "75": 2e-4, "90": 3e-4}, three_rows.ablation.cases
    cases = tuple(replace(case, recipe=replace(BASELINE, base_lr=rates[case.key])) for case in cases)
    three_rows.ablation = replace(three_rows.ablation, cases=cases)
    line = told(three_rows, behind({"10": [0.00, 0.01, 0.02], "90": [0.01, 0.01, 0.0]}))
    assert line.endswith("take any of these, which take the same compute (FLOPs counted from the recipes).")


def test_the_clock_decides_where_an_encoder_came_from_elsewhere_and_is_named(three_rows: Laboratory) -> None:
    results = three_rows.imagine(numbered(behind({"10": [0.00, 0.01, 0.02], "90": [0.01, 0.01, 0.0]})), 3)
    elsewhere = [_imported(result) if result.cell.case.key == "10" else result for result in results.cells]
    results = replace(results, cells=tuple(elsewhere))
    (line,) = advice(results)
    assert line.endswith("Within 0.25 points of it lie all of them: take any of these.")  # no cost is guessed
    (line,) = advice(with_costs(results, {"10": 5.0, "75": 50.0, "90": 6.0}))
    assert line.endswith("take the cheapest, 10 % (5 s a number by the clock, which depends on what ran beside).")


def _imported(result: Result) -> Result:
    """The same number of an encoder whose pre-training nobody knows."""
    assert result.cell.stage is not None
    encoder = ImportRecipe(model="vit_base_patch16_224.mae")
    return replace(result, cell=replace(result.cell, stage=replace(result.cell.stage, parents=(Stage(encoder),))))


def test_rows_that_the_scale_makes_one_are_one_rival(tmp_path: Path) -> None:
    """At smoke 1, 2 and 4 blocks are one: two comparisons are made, not four."""
    depth = Laboratory(tmp_path, ABLATIONS["decoder_depth"])
    gap = [1.0, 2.5, 0.7]
    rows = {key: [70.0 - x for x in gap] for key in ("1", "2", "4")} | {"8": [70.0] * 3, "12": [60.0, 60.2, 60.1]}
    results = depth.imagine(numbered(rows), 3)
    (found,) = standings(results, "linear_probe")
    assert ([rival.key for rival in found.alike], found.rows) == (["1"], 3)
    oracle = stats.ttest_1samp(gap, 0).confidence_interval(0.975)
    (line,) = advice(results)
    assert f"from it: 1 block = 2 blocks = 4 blocks, -1.40 points ({-oracle.high:+.2f} to {-oracle.low:+.2f})" in line


def test_the_best_is_all_rows_that_are_its_run(tmp_path: Path) -> None:
    depth = Laboratory(tmp_path, ABLATIONS["decoder_depth"])
    rows = {key: [70.0, 70.1, 70.2] for key in ("1", "2", "4")} | {key: [60.0, 60.2, 60.1] for key in ("8", "12")}
    results = depth.imagine(numbered(rows), 3)
    assert best_beyond_noise(results, "linear_probe") == {"1", "2", "4"}
    (line,) = advice(results)
    assert line.startswith("linear probing: take 1 block = 2 blocks = 4 blocks; every other row is worse")


def test_the_best_is_that_of_the_seeds_all_rows_share(three_rows: Laboratory) -> None:
    """The default row has bad seeds that the others lack: over the first it is ahead, though its mean is not."""
    results = three_rows.imagine(numbered({"10": [70.0], "75": [71.0, 60.0, 60.0], "90": [69.0]}), 3)
    (found,) = standings(results, "linear_probe")
    assert (found.best, found.seeds) == ("75", 1)
    assert advice(results) == [
        "linear probing: cannot tell yet. 75 % stands best with 1 seed that all have, which may be luck; 3 seeds are "
        "needed."
    ]


@given(st.data())
def test_the_best_is_behind_no_rival_that_it_is_compared_with(data: st.DataObject) -> None:
    """Whatever seeds are not done yet: the sentence cannot contradict its own differences."""
    number = st.one_of(st.none(), st.floats(0, 100).map(lambda value: round(value, 1)))
    numbers = {key: data.draw(st.lists(number, min_size=4, max_size=4)) for key in ("10", "75", "90")}
    rows = tuple(ABLATIONS["mask_ratio"].case(key) for key in numbers)
    few = Laboratory(Path("/nowhere"), replace(ABLATIONS["mask_ratio"], cases=rows, claims=()))
    results = few.imagine(lambda c: numbers[c.case.key][c.seed] if c.case.key in numbers else None, 4)
    for found in standings(results, "linear_probe"):
        assert all(rival.behind >= 0 for rival in found.alike)


def test_rows_without_a_seed_in_common_are_not_ranked(three_rows: Laboratory) -> None:
    halves = {"10": 0, "75": 1, "90": 2}
    results = three_rows.imagine(lambda c: 70.0 if halves.get(c.case.key) == c.seed else None, 3)
    assert advice(results)[0] == "fine-tuning: cannot tell yet. No seed is done of all rows."


def test_single_row_is_no_comparison(three_rows: Laboratory) -> None:
    assert advice(three_rows.imagine(numbered({"75": NUMBERS["75"]}), 3)) == []


def test_intervals_hold_together(laboratory: Laboratory) -> None:
    """A row that a single 95 % interval would call worse is not, where nine comparisons are made."""
    lead = [0.5, 1.0, 0.9]
    rows = {key: [70.0 - x for x in lead] for key in ("10", "20", "30", "40", "50", "60", "70", "80", "90")}
    assert stats.ttest_1samp(lead, 0).pvalue < 0.05
    results = laboratory.imagine(numbered(rows | {"75": [70.0] * 3}), 3)
    (found,) = standings(results, "linear_probe")
    assert (found.best, found.worse, len(found.alike)) == ("75", (), 9)
    assert best_beyond_noise(results, "linear_probe") == frozenset()


def test_a_row_that_is_not_done_leaves_the_best_unmarked_and_is_not_spoken_of(three_rows: Laboratory) -> None:
    two = {key: NUMBERS[key] for key in ("10", "75")}
    results = three_rows.imagine(numbered(two), 3)
    assert best_beyond_noise(results, "linear_probe") == frozenset()
    assert advice(results) == [
        "linear probing: of the 2 rows done so far, take 75 %; every other of these is worse (3 seeds, simultaneous "
        "95 % intervals)."
    ]
    fewer_seeds = three_rows.imagine(numbered(two | {"90": NUMBERS["90"][:2]}), 3)
    assert best_beyond_noise(fewer_seeds, "linear_probe") == frozenset()
    done = three_rows.imagine(numbered(two | {"90": NUMBERS["90"]}), 3)
    assert best_beyond_noise(done, "linear_probe") == {"75"}


def on_other_data(laboratory: Laboratory) -> Laboratory:
    """The ratio 90 % scored on other images than the others are."""
    cases = [replace(case, data="digits" if case.key == "90" else "") for case in laboratory.ablation.cases]
    laboratory.ablation = replace(laboratory.ablation, cases=tuple(cases))
    return laboratory


def test_numbers_of_other_data_are_neither_ranked_nor_subtracted(three_rows: Laboratory) -> None:
    numbers = {"10": NUMBERS["10"], "75": NUMBERS["75"], "90": [99.0, 99.1, 99.2]}
    results = on_other_data(three_rows).imagine(numbered(numbers), 3)
    assert best_beyond_noise(results, "linear_probe") == {"75"}
    assert "90 %" not in " ".join(advice(results))
    assert results.difference(("90", "linear_probe"), ("75", "linear_probe")).n == 0
    assert results.difference(("10", "linear_probe"), ("75", "linear_probe")).n == 3


def test_losses_of_unlike_tasks_are_not_ranked(tmp_path: Path) -> None:
    shown = Laboratory(tmp_path, ABLATIONS["reconstructions"]).imagine(lambda cell: (cell.case.at or 0) + cell.seed, 3)
    assert advice(shown) == []
    assert best_beyond_noise(shown, "reconstruct") == frozenset()


def test_losses_of_pretraining_are_ranked_only_where_the_task_is_one(tmp_path: Path) -> None:
    """On data without labels: the masking ratio changes what is to be guessed, the decoder's width does not."""
    found = {}
    for name in ("mask_ratio", "decoder_width"):
        laboratory = Laboratory(tmp_path / name, ABLATIONS[name])
        info = replace(laboratory.info, labelled=False, num_classes=0)
        cells = laboratory.ablation.cells(laboratory.scale, info, 3)
        losses = tuple(Result(cell, "done", value=place % 7 + cell.seed / 9) for place, cell in enumerate(cells))
        found[name] = advice(Results(laboratory.ablation, laboratory.scale, info, 3, losses, (), {}))
    assert found["mask_ratio"] == []
    assert found["decoder_width"][0].startswith("pre-training: ")


@pytest.mark.parametrize("name", list(ABLATIONS))
def test_the_compute_of_every_row_of_the_paper_can_be_told(tmp_path: Path, name: str) -> None:
    """Whatever stages it takes, and where a recipe means all images there are: none is an imported encoder here."""
    laboratory = Laboratory(tmp_path, ABLATIONS[name], replace(SCALES["paper"], data="fashion_mnist"))
    results = laboratory.imagine(lambda _: 70.0)
    for result in results.everything:
        if result.cell.stage is not None:
            assert "the same compute" in cheapest(results, {"it": [result]})
