"""Verdicts: whether the paper's claims hold at the scale that was run, or cannot be told yet."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, assert_never, get_args

from ablations.spec import PROTOCOL_LABELS, Case
from ablations.spec.claims import Alike, Better, Claim, NoBetter, Pair, Trend
from reports.metrics import metric
from reports.results import Results
from reports.verdicts.statistics import Correlation, Spread, kendall, t_quantile

TIE = 0.25  # points; smaller differences in the paper are ties (its own fine-tuning seeds have std 0.08)
FEWEST_ROWS = 5  # for a rank correlation
FEWEST_SEEDS = 3  # for any verdict
SIGNIFICANT = 0.05
POWER = 0.8  # with which the seeds that are named would tell
MOST_SEEDS = 200  # beyond which no number of seeds is named: more would be a guess about a guess

State = Literal["holds", "does not hold", "cannot tell yet", "cannot tell at this scale"]


@dataclass(frozen=True)
class Judgement:
    """A claim, what is to be said of it, and the numbers that say so."""

    claim: Claim
    state: State
    evidence: str
    seeds: int  # that the evidence rests on
    seeds_to_tell: int | None = None  # an estimate, where the spread so far gives one
    correlation: Correlation | None = None
    measured: bool = False  # the rows it is about are done and differ

    @property
    def seeds_wanted(self) -> str:
        """How many seeds would tell, as a reader is told; empty where it is told, or nothing says how many."""
        if self.seeds_to_tell is not None:
            count = f"about {self.seeds_to_tell}" if self.seeds_to_tell <= MOST_SEEDS else f"more than {MOST_SEEDS}"
            return f"{count}, if mean and spread stay"
        return f"at least {FEWEST_SEEDS}" if self.measured and self.seeds < FEWEST_SEEDS else ""


def judge(results: Results) -> list[Judgement]:
    """A judgement of each of the ablation's claims, in its order."""
    return [_judge(claim, results) for claim in results.ablation.claims]


def _judge(claim: Claim, results: Results) -> Judgement:
    match claim:
        case Trend():
            return _trend(claim, results)
        case Better():
            return _pair(claim, results, claim.better, claim.worse)
        case Alike() | NoBetter():
            return _pair(claim, results, claim.one, claim.other)
        case _:
            assert_never(claim)


def _trend(claim: Trend, results: Results) -> Judgement:
    """Compare the order of rows by their means over the seeds that all of them have.

    Rows that the scale makes one count once, at the mean of the paper's numbers: a run that stands for many rows is no
    evidence for each of them.
    """
    curve = [case for case in results.ablation.cases if claim.series in ("", case.series)]
    rows = [case for case in curve if claim.protocol in case.paper]
    values = {case.key: results.values(case.key, claim.protocol) for case in rows}
    done = [case for case in rows if values[case.key]]
    seeds = set[int].intersection(*(set(values[case.key]) for case in done)) if done else set()
    shared: dict[tuple[str, ...], list[Case]] = {}
    for case in done:
        shared.setdefault(results.runs(case.key, claim.protocol), []).append(case)
    alike = f", {len(shared)} of them different at this scale" if len(shared) < len(done) else ""
    if len(shared) < FEWEST_ROWS or not seeds:
        if (differ := _different(results, rows, claim.protocol)) < FEWEST_ROWS:
            counted = f"{differ} of {len(rows)} rows differ at this scale, {FEWEST_ROWS} are needed"
            return Judgement(claim, "cannot tell at this scale", counted, len(seeds))
        counted = f"{len(done)} of {len(rows)} rows are done{alike}, {FEWEST_ROWS} are needed"
        return Judgement(claim, "cannot tell yet", counted, len(seeds))
    means = [sum(values[cases[0].key][seed] for seed in seeds) / len(seeds) for cases in shared.values()]
    papers = [statistics.fmean(case.paper[claim.protocol] for case in cases) for cases in shared.values()]
    found = kendall(papers, means, TIE)
    if found is None:
        return Judgement(claim, "cannot tell yet", "a column is all ties", len(seeds))
    state: State = "cannot tell yet"
    if len(seeds) >= FEWEST_SEEDS and found.p < SIGNIFICANT:
        state = "holds" if found.tau > 0 else "does not hold"
    evidence = (
        f"Kendall's τ-b = {found.tau:.2f}, {'exact' if found.exact else 'approximate'} p = {found.p:.2g}, "
        f"{len(done)} of {len(rows)} rows{alike}, {count_of_seeds(len(seeds))}"
    )
    return Judgement(claim, state, evidence, len(seeds), correlation=found, measured=True)


def _different(results: Results, rows: Sequence[Case], protocol: str) -> int:
    """How many of `rows` can differ at this scale once all is done: a run that stands for several counts once."""
    found = {case.key: results.runs(case.key, protocol) for case in rows if not case.cited}
    return len({runs or (key,) for key, runs in found.items()})  # what needs weights has no runs yet


def _pair(claim: Pair, results: Results, one: str, other: str) -> Judgement:
    """Judge the difference `one` - `other`, paired by seed, against the claim's margin."""
    quantity = metric(claim.protocol)
    if not isinstance(claim, Alike) and quantity.lower_is_better:
        one, other = other, one  # then the worse one's number is the larger
    difference = results.difference((one, claim.protocol), (other, claim.protocol))
    labels = " minus ".join(results.ablation.case(key).label for key in (one, other))
    if difference.mean is None:
        return Judgement(claim, "cannot tell yet", f"{labels}: not both done", 0)
    if results.runs(one, claim.protocol) == results.runs(other, claim.protocol):
        same = f"{labels}: one and the same run at this scale"
        return Judgement(claim, "cannot tell at this scale", same, difference.n)
    evidence = f"{labels} = {quantity.plain(difference.mean, '+')}{quantity.difference_unit}"
    if difference.low is not None and difference.high is not None:
        low, high = (quantity.plain(bound, "+") for bound in (difference.low, difference.high))
        evidence += f", 95 % interval {low} to {high}"
    evidence += f", margin {claim.margin:g}, {count_of_seeds(difference.n)}"
    state: State = "cannot tell yet"
    if difference.n >= FEWEST_SEEDS:
        state = _beyond(claim, difference)
    needed = _seeds_to_tell(claim, difference) if state == "cannot tell yet" else None
    return Judgement(claim, state, evidence, difference.n, needed, measured=True)


def _beyond(claim: Pair, difference: Spread) -> State:
    """Where the whole interval lies on one side of the margin, the claim holds or does not."""
    low, high, margin = difference.low, difference.high, claim.margin
    assert low is not None
    assert high is not None
    if isinstance(claim, Better):
        return "holds" if low > margin else "does not hold" if high < margin else "cannot tell yet"
    if isinstance(claim, NoBetter):
        return "holds" if high < margin else "does not hold" if low > margin else "cannot tell yet"
    if -margin < low and high < margin:
        return "holds"
    return "does not hold" if low > margin or high < -margin else "cannot tell yet"


def _seeds_to_tell(claim: Pair, difference: Spread) -> int | None:
    """The fewest seeds that would tell with a probability of `POWER`, were mean and spread what they are so far.

    `MOST_SEEDS` + 1 stands for more than can be named.
    """
    if difference.mean is None or difference.std is None:
        return None
    size = abs(difference.mean) if isinstance(claim, Alike) else difference.mean
    gaps = [abs(size - claim.margin)]
    if isinstance(claim, Alike) and size < claim.margin:
        gaps.append(size + claim.margin)  # alike is told where the interval clears both margins
    for seeds in range(max(FEWEST_SEEDS, difference.n), MOST_SEEDS + 1):
        missed = sum(_missed(gap, difference.std, seeds) for gap in gaps)  # of two margins, no less than it is
        if 1 - missed >= POWER:
            return seeds
    return MOST_SEEDS + 1


def _missed(gap: float, std: float, seeds: int) -> float:
    """How likely the interval of `seeds` differences reaches a margin `gap` away from their mean (non-central t)."""
    from scipy.special import nctdtr

    if not std:
        return float(not gap)
    return float(nctdtr(seeds - 1, gap * math.sqrt(seeds) / std, t_quantile(seeds)))


def count_of_seeds(n: int) -> str:
    """`1 seed`, `3 seeds`."""
    return f"{n} seed" if n == 1 else f"{n} seeds"


def sentence(judgements: Sequence[Judgement]) -> str:
    """One sentence that says whether our numbers follow the paper's."""
    if not judgements:
        return "Whether our numbers follow the paper's is for the reader to judge: no claim stands in the spec."
    trends = [judgement for judgement in judgements if isinstance(judgement.claim, Trend)]
    others = [judgement for judgement in judgements if not isinstance(judgement.claim, Trend)]
    if trends:
        told = f"Does our curve follow the paper's? {_capital('; '.join(map(_told, trends)))}."
        return f"{told} {_counted(others, 'other')}" if others else told
    return _counted(others, "paper's")


def _counted(judgements: Sequence[Judgement], whose: str) -> str:
    """How many of the claims stand how; what no number of seeds would tell is counted apart, where there is any."""
    if len(judgements) == 1:
        which = "one other" if whose == "other" else f"{whose} one"
        return f"The {which} claim {_HOLDS[judgements[0].state]}."
    counts = Counter(judgement.state for judgement in judgements)
    held, not_held, open_, never = (counts[state] for state in get_args(State))
    at_scale = f", {never} cannot be told at this scale" if never else ""
    return (
        f"Of the {whose} {len(judgements)} claims {held} hold here, {not_held} do not, {open_} cannot be told yet"
        f"{at_scale}."
    )


_HOLDS: Mapping[State, str] = {
    "holds": "holds here",
    "does not hold": "does not hold here",
    "cannot tell yet": "cannot be told yet",
    "cannot tell at this scale": "cannot be told at this scale",
}
_FOLLOWS: Mapping[State, str] = {
    **_HOLDS,
    "holds": "follows the paper's order",
    "does not hold": "runs against the paper's order",
}


def _told(trend: Judgement) -> str:
    few = f", {FEWEST_SEEDS} seeds are needed" if trend.correlation and trend.seeds < FEWEST_SEEDS else ""
    protocol = PROTOCOL_LABELS.get(trend.claim.protocol, trend.claim.protocol)
    of_curve = f" of {trend.claim.series}" if isinstance(trend.claim, Trend) and trend.claim.series else ""
    return f"{protocol}{of_curve} {_FOLLOWS[trend.state]} ({trend.evidence}{few})"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
