"""Claims hold, fail or cannot be told yet, by the rules the project has set itself."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from ablations.paper.table_1.decoder_depth import ABLATION as DEPTH
from ablations.spec import Cell
from ablations.spec.claims import Alike, Better, Claim, NoBetter, Pair, Trend
from reports.results import Result, Results
from reports.verdicts.statistics import kendall
from reports.verdicts.verdict import TIE, Judgement, judge, sentence
from tests.reports.laboratory import Laboratory

TREND = Trend("linear_probe", "the order is the paper's")
BETTER = Better("linear_probe", "75", "10", "75 % is better", margin=0.25)
ALIKE = Alike("linear_probe", "75", "10", "no difference", margin=0.25)
NO_BETTER = NoBetter("linear_probe", "75", "10", "no advantage", margin=0.25)


def judged(laboratory: Laboratory, claim: Claim, differences: Sequence[float]) -> Judgement:
    """The claim where 75 % beats 10 % by these differences, one for each seed."""
    laboratory.ablation = replace(laboratory.ablation, claims=(claim,))
    numbers = {"10": [70.0] * len(differences), "75": [70.0 + difference for difference in differences]}
    (judgement,) = judge(
        laboratory.imagine(lambda cell: numbers.get(cell.case.key, [None] * 9)[cell.seed], len(differences))
    )
    return judgement


@pytest.mark.parametrize(
    ("claim", "differences", "state"),
    [
        (BETTER, [2.0, 2.1, 2.2], "holds"),
        (BETTER, [0.0, 2.1, 4.2], "cannot tell yet"),  # the interval reaches below the margin
        (BETTER, [0.10, 0.11, 0.12], "does not hold"),  # better, but by less than the margin
        (BETTER, [-2.0, -2.1, -2.2], "does not hold"),
        (ALIKE, [0.10, 0.11, 0.12], "holds"),
        (ALIKE, [-0.1, 0.0, 0.4], "cannot tell yet"),
        (ALIKE, [2.0, 2.1, 2.2], "does not hold"),
        (ALIKE, [-2.0, -2.1, -2.2], "does not hold"),
        (NO_BETTER, [0.10, 0.11, 0.12], "holds"),
        (NO_BETTER, [-2.0, -2.1, -2.2], "holds"),  # worse by far is no advantage either
        (NO_BETTER, [-0.1, 0.0, 0.4], "cannot tell yet"),
        (NO_BETTER, [2.0, 2.1, 2.2], "does not hold"),
    ],
)
def test_pair_is_judged_by_its_interval(
    three_rows: Laboratory, claim: Claim, differences: list[float], state: str
) -> None:
    assert judged(three_rows, claim, differences).state == state


@pytest.mark.parametrize("claim", [BETTER, ALIKE, NO_BETTER])
@pytest.mark.parametrize("seeds", [0, 1, 2])
def test_fewer_than_three_seeds_never_tell(three_rows: Laboratory, claim: Claim, seeds: int) -> None:
    found = judged(three_rows, claim, [0.1, 0.1][:seeds]) if seeds else judged(three_rows, claim, [])
    assert (found.state, found.seeds) == ("cannot tell yet", seeds)


@pytest.mark.parametrize(
    ("claim", "differences"), [(BETTER, [0.0, 1.0, 2.0]), (NO_BETTER, [0.0, 1.0, 2.0]), (ALIKE, [0.3, -0.1, -0.2])]
)
def test_seeds_that_would_tell_do_in_four_of_five_pilots_and_one_fewer_does_not(
    three_rows: Laboratory, claim: Pair, differences: list[float]
) -> None:
    """Simulated with the mean and spread of the differences so far."""
    enough = judged(three_rows, claim, differences).seeds_to_tell
    assert enough is not None
    mean, std = np.mean(differences), np.std(differences, ddof=1)
    random, told = np.random.default_rng(0), []
    for n in (enough, enough - 1):
        drawn = random.normal(mean, std, (40_000, n))
        half = stats.t.ppf(0.975, n - 1) * drawn.std(axis=1, ddof=1) / n**0.5
        low, high = drawn.mean(axis=1) - half, drawn.mean(axis=1) + half
        inside = (low > -claim.margin) & (high < claim.margin)
        told.append(np.mean(inside if isinstance(claim, Alike) else (low > claim.margin) | (high < claim.margin)))
    assert told[0] > 0.79
    assert told[1] < 0.81


def test_seeds_are_named_as_an_estimate_that_rests_on_the_pilots(three_rows: Laboratory) -> None:
    assert judged(three_rows, BETTER, [0.0, 1.0, 2.0]).seeds_wanted == "about 16, if mean and spread stay"


def test_a_difference_at_its_margin_asks_for_more_seeds_than_are_named(three_rows: Laboratory) -> None:
    found = judged(three_rows, BETTER, [0.15, 0.25, 0.35])
    assert found.seeds_wanted == "more than 200, if mean and spread stay"


def test_two_equal_differences_beyond_the_margin_ask_for_the_fewest_seeds(three_rows: Laboratory) -> None:
    assert judged(three_rows, BETTER, [1.0, 1.0]).seeds_to_tell == 3


def test_no_number_of_seeds_is_named_where_the_spread_is_unknown(three_rows: Laboratory) -> None:
    found = judged(three_rows, BETTER, [1.0])
    assert (found.seeds_to_tell, found.seeds_wanted) == (None, "at least 3")
    assert judged(three_rows, BETTER, []).seeds_wanted == "at least 3"
    assert judged(three_rows, BETTER, [2.0, 2.1, 2.2]).seeds_wanted == ""


def as_the_paper(cell: Cell) -> float | None:
    """The paper's own numbers, each seed shifted as a whole."""
    return None if cell.paper is None else cell.paper + cell.seed


def test_the_papers_own_order_follows_it(laboratory: Laboratory) -> None:
    fine_tuning, linear_probing = judge(laboratory.imagine(as_the_paper, seeds=3))[:2]
    assert (fine_tuning.state, linear_probing.state) == ("holds", "holds")


def test_the_reverse_order_does_not(laboratory: Laboratory) -> None:
    found = judge(laboratory.imagine(lambda cell: None if cell.paper is None else -cell.paper, seeds=3))
    assert [judgement.state for judgement in found[:2]] == ["does not hold", "does not hold"]


def test_trend_with_two_seeds_cannot_be_told(laboratory: Laboratory) -> None:
    trend = judge(laboratory.imagine(as_the_paper, seeds=2))[0]
    assert (trend.state, trend.correlation is not None) == ("cannot tell yet", True)


def in_orders(laboratory: Laboratory, orders: Sequence[Sequence[int]], sizes: Sequence[float]) -> Judgement:
    """The trend of linear probing where each seed has its own order of the ten rows, and size of their differences.

    An order names, for each row from the paper's worst to its best, the place that the seed gives it.
    """
    paper = sorted(laboratory.ablation.cases, key=lambda case: case.paper["linear_probe"])
    place = {case.key: at for at, case in enumerate(paper)}
    laboratory.ablation = replace(laboratory.ablation, claims=(TREND,))
    (found,) = judge(
        laboratory.imagine(
            lambda c: orders[c.seed][place[c.case.key]] * sizes[c.seed] if c.paper else None, len(orders)
        )
    )
    return found


UP, DOWN = tuple(range(10)), tuple(range(9, -1, -1))
MIXED = (0, 9, 1, 8, 2, 7, 3, 6, 4, 5)


def taus(laboratory: Laboratory, *orders: Sequence[int]) -> list[float]:
    """Kendall's τ-b of each order by itself; the paper's smallest differences are ties."""
    paper = sorted(case.paper["linear_probe"] for case in laboratory.ablation.cases)
    return [found.tau for order in orders if (found := kendall(paper, order, TIE))]


def test_a_trend_that_one_seed_alone_carries_is_not_told(laboratory: Laboratory) -> None:
    found = in_orders(laboratory, [UP, MIXED, MIXED], [10.0, 0.1, 0.1])
    assert found.correlation is not None
    assert found.correlation.p < 0.001
    assert found.state == "cannot tell yet"
    alone = taus(laboratory, UP, MIXED, MIXED)
    oracle = stats.ttest_1samp(alone, 0).confidence_interval(0.95)
    assert oracle.low < 0
    told = " / ".join(f"{tau:.2f}" for tau in alone)
    assert f"by seed τ-b = {told}, 95 % interval of their mean {oracle.low:+.2f} to +1.00" in found.evidence
    assert in_orders(laboratory, [UP, UP, UP], [10.0, 0.1, 0.1]).state == "holds"
    assert in_orders(laboratory, [DOWN, MIXED, MIXED], [10.0, 0.1, 0.1]).state == "cannot tell yet"


def test_seeds_that_would_tell_a_trend_follow_from_the_spread_of_theirs(laboratory: Laboratory) -> None:
    """Simulated with the mean and spread of the seeds' own τ-b."""
    found = in_orders(laboratory, [UP, MIXED, MIXED], [10.0, 0.1, 0.1])
    alone = taus(laboratory, UP, MIXED, MIXED)
    assert found.seeds_to_tell is not None
    assert found.seeds_wanted == f"about {found.seeds_to_tell}, if mean and spread stay"
    drawn = np.random.default_rng(0).normal(np.mean(alone), np.std(alone, ddof=1), (40_000, found.seeds_to_tell))
    half = stats.t.ppf(0.975, found.seeds_to_tell - 1) * drawn.std(axis=1, ddof=1) / found.seeds_to_tell**0.5
    assert np.mean(drawn.mean(axis=1) > half) > 0.79


def test_seeds_that_agree_on_a_weak_order_are_not_asked_for_more_of_them(laboratory: Laboratory) -> None:
    found = in_orders(laboratory, [MIXED] * 3, [1.0, 1.1, 1.2])
    assert found.state == "cannot tell yet"
    assert found.seeds_wanted.startswith("no number is known: the seeds agree")


def test_a_trend_whose_rows_are_not_done_asks_for_the_fewest_seeds(laboratory: Laboratory) -> None:
    found = judge(laboratory.imagine(lambda _: None))
    assert {judgement.seeds_wanted for judgement in found} == {"at least 3"}


def test_claims_that_take_labels_can_never_be_told_on_data_without(laboratory: Laboratory) -> None:
    info = replace(laboratory.info, name="mine", labelled=False, num_classes=0)
    cells = tuple(Result(c, "done", value=0.5) for c in laboratory.ablation.cells(laboratory.scale, info, 3))
    found = judge(Results(laboratory.ablation, laboratory.scale, info, 3, cells, (), {}))
    assert {(one.state, one.seeds_wanted) for one in found} == {("cannot tell on these data", "")}
    assert found[0].evidence == "mine has no labels, which fine-tuning takes"
    told = sentence(found)
    assert "Fine-tuning cannot be told on these data (mine has no labels, which fine-tuning takes)" in told
    assert told.endswith("0 cannot be told yet, 4 cannot be told on these data.")


def test_a_claim_says_which_files_its_rows_wait_for(laboratory: Laboratory) -> None:
    cases = [replace(c, needs="DINO weights" if c.key == "10" else "") for c in laboratory.ablation.cases]
    laboratory.ablation = replace(laboratory.ablation, cases=tuple(cases), claims=(BETTER,))
    results = laboratory.imagine(lambda _: None)
    waiting = [replace(r, reason=f"needs {r.cell.case.needs}") if r.status == "needs" else r for r in results.cells]
    (found,) = judge(replace(results, cells=tuple(waiting)))
    assert found.evidence == "75 % minus 10 %: not both done; needs DINO weights"


def test_trend_of_a_curve_is_told_by_its_own_rows(laboratory: Laboratory) -> None:
    """The order of the first five rows is the paper's, that of the others the opposite."""
    cases = laboratory.ablation.cases
    with_series = tuple(replace(case, series="first" if case in cases[:5] else "rest") for case in cases)
    claims = tuple(replace(TREND, series=series) for series in ("first", "rest"))
    laboratory.ablation = replace(laboratory.ablation, cases=with_series, claims=claims)
    sign = {case.key: 1 if case in cases[:5] else -1 for case in cases}
    judged = judge(laboratory.imagine(lambda cell: sign.get(cell.case.key, 0) * (cell.paper or 0.0), 3))
    assert [judgement.state for judgement in judged] == ["holds", "does not hold"]
    assert "Linear probing of first follows" in sentence(judged)
    assert "; linear probing of rest runs against" in sentence(judged)


def test_trend_over_four_rows_cannot_be_told(laboratory: Laboratory) -> None:
    results = laboratory.imagine(
        lambda cell: cell.paper if cell.case.key in ("10", "20", "30", "40") else None, seeds=3
    )
    found = judge(results)[1]
    assert (found.state, found.evidence) == ("cannot tell yet", "4 of 10 rows are done, 5 are needed")


def test_trend_compares_rows_over_the_seeds_all_of_them_have(laboratory: Laboratory) -> None:
    results = laboratory.imagine(
        lambda cell: None if (cell.case.key, cell.seed) == ("90", 2) else as_the_paper(cell), 3
    )
    assert judge(results)[1].seeds == 2


def test_rows_that_the_scale_makes_one_are_no_evidence(tmp_path: Path) -> None:
    depth = Laboratory(tmp_path, DEPTH)  # at smoke 1, 2 and 4 blocks are one
    found = judge(depth.imagine(as_the_paper, seeds=3))
    trend = next(judgement for judgement in found if isinstance(judgement.claim, Trend))
    assert trend.state == "cannot tell at this scale"
    assert trend.evidence == "3 of 5 rows differ at this scale, 5 are needed"
    assert "cannot be told at this scale" in sentence([trend])


def test_rows_without_numbers_yet_do_not_hide_that_the_scale_makes_them_one(tmp_path: Path) -> None:
    found = judge(Laboratory(tmp_path, DEPTH).imagine(lambda _: None))
    assert next(one.state for one in found if isinstance(one.claim, Trend)) == "cannot tell at this scale"


@pytest.mark.parametrize("kind", [Better, Alike, NoBetter])
def test_a_run_is_not_compared_with_itself(tmp_path: Path, kind: type[Pair]) -> None:
    claim = kind("finetune", "1", "2", "one and two blocks")
    depth = Laboratory(tmp_path, replace(DEPTH, claims=(claim,)))
    (found,) = judge(depth.imagine(lambda cell: 70.0 + cell.seed, seeds=3))
    assert (found.state, found.seeds_to_tell) == ("cannot tell at this scale", None)
    assert "one and the same run" in found.evidence


def test_sentence_says_what_follows_and_what_cannot_be_told(laboratory: Laboratory) -> None:
    results = laboratory.imagine(lambda cell: as_the_paper(cell) if cell.protocol == "linear_probe" else None, seeds=3)
    told = sentence(judge(results))
    assert "Fine-tuning cannot be told yet (0 of 10 rows are done, 5 are needed)" in told
    assert "linear probing follows the paper's order (Kendall's τ-b = 1.00, exact p = " in told
    assert told.endswith("Of the other 4 claims 2 hold here, 0 do not, 2 cannot be told yet.")


def test_sentence_without_a_curve_counts_the_claims(three_rows: Laboratory) -> None:
    held = judged(three_rows, BETTER, [2.0, 2.1, 2.2])
    assert sentence([held]) == "The paper's one claim holds here."
    lost = judged(three_rows, BETTER, [-2.0, -2.1, -2.2])
    assert sentence([held, lost]) == "Of the paper's 2 claims 1 hold here, 1 do not, 0 cannot be told yet."
