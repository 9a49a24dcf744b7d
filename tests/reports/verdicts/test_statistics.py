"""Spread, intervals, paired differences and rank correlation agree with scipy and with counting."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from reports.verdicts.statistics import kendall, paired, sampling_error, spread

SCORES = st.floats(0, 100).map(lambda value: round(value, 1))


def test_one_number_has_a_mean_and_no_spread() -> None:
    found = spread([84.9])
    assert (found.n, found.mean, found.std, found.low, found.high) == (1, 84.9, None, None, None)


def test_no_number_has_no_mean() -> None:
    assert spread([]).mean is None


@given(st.lists(SCORES, min_size=2, max_size=6, unique=True))
def test_interval_is_students(values: list[float]) -> None:
    found, oracle = spread(values), stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((oracle.low, oracle.high), abs=1e-9)


def test_paired_differences_use_the_seeds_both_have() -> None:
    one, other = {0: 80.0, 1: 81.0, 2: 83.0, 7: 10.0}, {0: 79.0, 1: 81.5, 2: 81.0, 9: 99.0}
    found = paired(one, other)
    oracle = stats.ttest_rel([80.0, 81.0, 83.0], [79.0, 81.5, 81.0]).confidence_interval(0.95)
    assert (found.n, found.low, found.high) == (3, pytest.approx(oracle.low), pytest.approx(oracle.high))


def test_sampling_error_is_the_binomials() -> None:
    assert sampling_error(90.0, 10_000) == pytest.approx(100 * stats.binom(10_000, 0.9).std() / 10_000)


@given(st.permutations(range(7)))
def test_without_ties_tau_and_p_are_scipys(ours: list[int]) -> None:
    found, oracle = kendall(range(7), ours), stats.kendalltau(range(7), ours, method="exact")
    assert found is not None
    assert (found.tau, found.p, found.exact) == (pytest.approx(oracle.statistic), pytest.approx(oracle.pvalue), True)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=9))
def test_with_ties_tau_is_scipys_tau_b(pairs: list[tuple[int, int]]) -> None:
    paper, ours = zip(*pairs, strict=True)
    found, oracle = kendall(paper, ours), stats.kendalltau(paper, ours).statistic
    assert (math.isnan(oracle) and found is None) or (found and found.tau == pytest.approx(oracle))


@settings(max_examples=20)
@given(st.lists(st.tuples(SCORES, st.integers(0, 4)), min_size=3, max_size=6), st.sampled_from([0.0, 0.25, 20.0]))
def test_p_is_the_share_of_all_orders_that_agree_as_much(pairs: list[tuple[float, int]], tie: float) -> None:
    paper, ours = zip(*pairs, strict=True)
    found = kendall(paper, ours, tie)
    if found is None:
        return
    scores = [abs(_score(paper, order, tie)) for order in itertools.permutations(ours)]
    assert found.p == pytest.approx(np.mean([score >= abs(_score(paper, ours, tie)) for score in scores]))


def _score(paper: tuple[float, ...], ours: tuple[int, ...], tie: float) -> int:
    """Concordant minus discordant pairs, counted one by one."""
    score = 0
    for (p, o), (q, r) in itertools.combinations(zip(paper, ours, strict=True), 2):
        if abs(p - q) >= tie and p != q and o != r:
            score += 1 if (p < q) == (o < r) else -1
    return score


def test_small_differences_of_the_paper_are_ties() -> None:
    found = kendall([84.9, 85.0, 80.0, 70.0, 60.0], [1.0, 2.0, 0.9, 0.8, 0.7], tie=0.25)
    swapped = kendall([85.0, 84.9, 80.0, 70.0, 60.0], [1.0, 2.0, 0.9, 0.8, 0.7], tie=0.25)
    assert found == swapped


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=13, max_size=30))
def test_p_of_many_rows_is_scipys_asymptotic_one(pairs: list[tuple[int, int]]) -> None:
    paper, ours = zip(*pairs, strict=True)
    found = kendall(paper, ours)
    oracle = stats.kendalltau(paper, ours, method="asymptotic").pvalue
    assert (math.isnan(oracle) and found is None) or (found and found.p == pytest.approx(oracle))


@pytest.mark.parametrize("tie", [1.5, 4.5])
def test_p_of_many_rows_honours_the_same_ties_as_tau(tie: float) -> None:
    """Held against shuffled orders, where ties do not go from pair to pair."""
    random = np.random.default_rng(1)
    paper = list(map(float, range(16)))
    ours = (np.arange(16) + random.normal(0, 8, 16)).tolist()
    found = kendall(paper, ours, tie)
    assert found is not None
    observed = abs(_score(tuple(paper), tuple(ours), tie))
    scores = [abs(_score(tuple(paper), tuple(random.permutation(ours)), tie)) for _ in range(4000)]
    assert found.p == pytest.approx(np.mean([score >= observed for score in scores]), abs=0.03)


def test_many_rows_are_approximated_and_say_so() -> None:
    found = kendall(range(20), range(20))
    assert found is not None
    assert (found.tau, found.exact) == (1.0, False)
