"""Statistics over a few seeds: spread, t-intervals, paired differences, and Kendall's τ-b with its p-value."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

CONFIDENCE = 0.95
EXACT_ROWS = 12  # the exact null distribution takes 2^rows steps


@dataclass(frozen=True)
class Spread:
    """n numbers: mean, standard deviation (n - 1 below the line) and 95 % t-interval. None where n does not give it."""

    n: int
    mean: float | None = None
    std: float | None = None
    low: float | None = None
    high: float | None = None


def t_quantile(n: int) -> float:
    """Half-width of the 95 % interval of a mean of `n` numbers, in standard errors (Student, 1908)."""
    from scipy.special import stdtrit

    return float(stdtrit(n - 1, (1 + CONFIDENCE) / 2))


def spread(values: Sequence[float]) -> Spread:
    """Mean and spread of `values`, one per seed."""
    n = len(values)
    if n == 0:
        return Spread(0)
    mean = statistics.fmean(values)
    if n == 1:
        return Spread(1, mean)
    std = statistics.stdev(values)
    half = t_quantile(n) * std / math.sqrt(n)
    return Spread(n, mean, std, mean - half, mean + half)


def paired(one: Mapping[int, float], other: Mapping[int, float]) -> Spread:
    """The differences `one` - `other` over the seeds that both have."""
    return spread([one[seed] - other[seed] for seed in sorted(one.keys() & other.keys())])


def sampling_error(top1: float, n_test: int) -> float:
    """Standard error, in points, of an accuracy of `top1` per cent on `n_test` images: binomial, whatever the seeds."""
    share = top1 / 100
    return 100 * math.sqrt(share * (1 - share) / n_test)


@dataclass(frozen=True)
class Correlation:
    """Kendall's τ-b of two columns, and the two-sided p-value of no association."""

    tau: float
    p: float
    rows: int
    exact: bool


def kendall(paper: Sequence[float], ours: Sequence[float], tie: float = 0.0) -> Correlation | None:
    """Kendall's τ-b (Kendall, 1945) where differences of `paper` below `tie` are ties; None if a column is all ties.

    The p-value is of the same score, with the same ties. It counts every order of our rows, so it is exact, up to
    `EXACT_ROWS` rows; beyond, it is the normal approximation with the score's own variance over all orders.
    """
    x = _signs(paper, tie)
    y = _signs(ours, 0.0)
    untied = math.sqrt(np.count_nonzero(x) * np.count_nonzero(y))
    if not untied:
        return None
    score = int((x * y).sum())  # every pair counts twice, above and below the line
    rows = len(ours)
    if rows <= EXACT_ROWS:
        return Correlation(score / untied, _exact_p(x, _tie_sizes(ours), abs(score) // 2), rows, exact=True)
    return Correlation(score / untied, math.erfc(abs(score) / math.sqrt(2 * _variance(x, y))), rows, exact=False)


def _signs(values: Sequence[float], tie: float) -> npt.NDArray[np.int64]:
    """(n, n): 1 where the column's value is the larger of the pair, -1 where the smaller, 0 for a tie."""
    column = np.asarray(values, dtype=float)
    difference = column[None, :] - column[:, None]
    return np.where(np.abs(difference) < tie, 0, np.sign(difference)).astype(np.int64)


def _variance(x: npt.NDArray[np.int64], y: npt.NDArray[np.int64]) -> float:
    """Variance of the sum of `x` * `y` over all orders of the rows (Daniels, 1944): whatever pairs are ties.

    "Smaller than `tie`" need not go from pair to pair, so that no formula that counts groups of equal values would do.
    """
    n = len(x)
    squares = [int((signs * signs).sum()) for signs in (x, y)]
    rows = [int((signs.sum(axis=1) ** 2).sum()) - square for signs, square in zip((x, y), squares, strict=True)]
    return 4 * math.prod(rows) / (n * (n - 1) * (n - 2)) + 2 * math.prod(squares) / (n * (n - 1))


def _tie_sizes(values: Sequence[float]) -> list[int]:
    return [len(list(equal)) for _, equal in itertools.groupby(sorted(values))]


def _exact_p(x: npt.NDArray[np.int64], tie_sizes: Sequence[int], score: int) -> float:
    """Share of all orders of the rows whose concordant - discordant pairs are `score` or more, either way.

    Rows are laid down from our smallest to our largest; what a row adds depends on the set below it alone, so orders
    are counted by set.
    """
    n, width = len(x), len(x) * (len(x) - 1) + 1
    middle = width // 2
    start = np.zeros(width, dtype=np.int64)
    start[middle] = 1
    orders = {0: start}  # rows laid down, as bits → how many orders give each score, 0 in the middle
    for size in tie_sizes:
        following: dict[int, npt.NDArray[np.int64]] = {}
        for below, counts in orders.items():
            gains = x[[row for row in range(n) if below >> row & 1]].sum(axis=0).tolist()
            for chosen in itertools.combinations([row for row in range(n) if not below >> row & 1], size):
                above = following.setdefault(below | sum(1 << row for row in chosen), np.zeros_like(start))
                gain = sum(gains[row] for row in chosen)
                low, high = max(gain, 0), width + min(gain, 0)
                above[low:high] += counts[low - gain : high - gain]
        orders = following
    counts = orders[2**n - 1]
    return float(counts[np.abs(np.arange(width) - middle) >= score].sum() / counts.sum())
