"""Power: how many seeds would tell, were mean and spread what they are so far."""

from __future__ import annotations

import math
from collections.abc import Sequence

from reports.verdicts.statistics import t_quantile

POWER = 0.8  # with which the seeds that are named would tell
MOST_SEEDS = 200  # beyond which no number of seeds is named: more would be a guess about a guess


def seeds_to_clear(gaps: Sequence[float], std: float, fewest: int) -> int:
    """The fewest seeds, `fewest` or more, whose 95 % interval stays short of all `gaps` with a probability of `POWER`.

    `gaps` are distances from the mean to what the interval must not reach, `std` is the standard deviation over seeds.
    `MOST_SEEDS` + 1 stands for more than can be named.
    """
    for seeds in range(fewest, MOST_SEEDS + 1):
        missed = sum(_missed(gap, std, seeds) for gap in gaps)  # of two margins, no less than it is
        if 1 - missed >= POWER:
            return seeds
    return MOST_SEEDS + 1


def _missed(gap: float, std: float, seeds: int) -> float:
    """How likely the interval of `seeds` numbers reaches what is `gap` away from their mean (non-central t)."""
    from scipy.special import nctdtr

    if not std:
        return float(not gap)
    return float(nctdtr(seeds - 1, gap * math.sqrt(seeds) / std, t_quantile(seeds)))
