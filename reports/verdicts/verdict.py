"""Verdicts: whether the paper's claims hold at the scale that was run, or cannot be told yet."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, assert_never, get_args

from ablations.spec import PROTOCOL_LABELS, Case
from ablations.spec.claims import Alike, Better, Claim, NoBetter, Pair, Trend
from reports.measures.metrics import metric
from reports.results import Result, Results
from reports.verdicts.power import MOST_SEEDS, seeds_to_clear
from reports.verdicts.statistics import Correlation, Spread, kendall, spread

TIE = 0.25  # points; smaller differences in the paper are ties (its own fine-tuning seeds have std 0.08)
FEWEST_ROWS = 5  # for a rank correlation
FEWEST_SEEDS = 3  # for any verdict
SIGNIFICANT = 0.05

State = Literal["holds", "does not hold", "cannot tell yet", "cannot tell at this scale", "cannot tell on these data"]


@dataclass(frozen=True)
class Judgement:
    """A claim, what is to be said of it, and the numbers that say so."""

    claim: Claim
    state: State
    evidence: str
    seeds: int  # that the evidence rests on
    seeds_to_tell: int | None = None  # an estimate, where the spread so far gives one
    correlation: Correlation | None = None
    agreed: bool = False  # the seeds of a trend are agreed on its direction: more of them would not tell

    @property
    def seeds_wanted(self) -> str:
        """How many seeds would tell, as a reader is told; empty where it is told, or no number of them would tell."""
        if self.state != "cannot tell yet":
            return ""
        if self.agreed:
            return "no number is known: the seeds agree, but so few rows may stand in such an order by chance"
        if self.seeds_to_tell is not None:
            weak = self.correlation is not None and self.correlation.p >= SIGNIFICANT  # which must change as well
            count = f"{'at least' if weak else 'about'} {self.seeds_to_tell}"
            count = count if self.seeds_to_tell <= MOST_SEEDS else f"more than {MOST_SEEDS}"
            return f"{count}, if mean and spread stay"
        return f"at least {FEWEST_SEEDS}"


def judge(results: Results) -> list[Judgement]:
    """A judgement of each of the ablation's claims, in its order."""
    return [_judge(claim, results) for claim in results.ablation.claims]


def _judge(claim: Claim, results: Results) -> Judgement:
    if not results.info.labelled and not any(claim.protocol == r.cell.protocol for r in _rows_of(claim, results)):
        protocol = PROTOCOL_LABELS.get(claim.protocol, claim.protocol)
        without = f"{results.info.name} has no labels, which {protocol} takes"
        return Judgement(claim, "cannot tell on these data", without, 0)
    match claim:
        case Trend():
            return _trend(claim, results)
        case Better():
            return _pair(claim, results, claim.better, claim.worse)
        case Alike() | NoBetter():
            return _pair(claim, results, claim.one, claim.other)
        case _:
            assert_never(claim)


def _rows_of(claim: Claim, results: Results) -> list[Result]:
    """The cells of the rows that the claim is about."""
    match claim:
        case Trend(series=series):
            keys = {case.key for case in results.ablation.cases if series in ("", case.series)}
        case Better(better=one, worse=other) | Alike(one=one, other=other) | NoBetter(one=one, other=other):
            keys = {one, other}
        case _:
            assert_never(claim)
    return [result for result in results.cells if result.cell.case.key in keys]


def _waiting(claim: Claim, results: Results) -> str:
    """What the claim's rows need before any seed of them can run."""
    needs = dict.fromkeys(r.reason for r in _rows_of(claim, results) if r.status == "needs" and r.reason)
    return "".join(f"; {need}" for need in needs)


def _trend(claim: Trend, results: Results) -> Judgement:
    """Compare the order of rows by their means over the seeds that all of them have.

    The p-value is of the rows: it says that this order of means is none by chance, whatever gave the means. That
    another few seeds would show it too, the seeds must say, each by itself: the t-interval of their own τ-b lies on
    the same side of 0.
    Rows that the scale makes one count once, at the mean of the paper's numbers: a run that stands for many rows is no
    evidence for each of them.
    """
    curve = [case for case in results.ablation.cases if claim.series in ("", case.series)]
    rows = [case for case in curve if claim.protocol in case.paper]
    values = {case.key: results.values(case.key, claim.protocol) for case in rows}
    done = [case for case in rows if values[case.key]]
    seeds = sorted(set[int].intersection(*(set(values[case.key]) for case in done))) if done else []
    shared: dict[tuple[str, ...], list[Case]] = {}
    for case in done:
        shared.setdefault(results.runs(case.key, claim.protocol), []).append(case)
    alike = f", {len(shared)} of them different at this scale" if len(shared) < len(done) else ""
    if len(shared) < FEWEST_ROWS or not seeds:
        if (differ := _different(results, rows, claim.protocol)) < FEWEST_ROWS:
            counted = f"{differ} of {len(rows)} rows differ at this scale, {FEWEST_ROWS} are needed"
            return Judgement(claim, "cannot tell at this scale", counted, len(seeds))
        counted = f"{len(done)} of {len(rows)} rows are done{alike}, {FEWEST_ROWS} are needed"
        counted += _waiting(claim, results)
        return Judgement(claim, "cannot tell yet", counted, len(seeds))
    papers = [statistics.fmean(case.paper[claim.protocol] for case in cases) for cases in shared.values()]
    by_seed = [[values[cases[0].key][seed] for cases in shared.values()] for seed in seeds]
    counted = f"{len(done)} of {len(rows)} rows{alike}, {count_of_seeds(len(seeds))}"
    return _ordered(claim, papers, by_seed, counted)


def _ordered(claim: Trend, papers: Sequence[float], by_seed: Sequence[Sequence[float]], counted: str) -> Judgement:
    """Judge the order of our numbers, a sequence for each seed, by the paper's."""
    found = kendall(papers, [statistics.fmean(of_row) for of_row in zip(*by_seed, strict=True)], TIE)
    if found is None:
        return Judgement(claim, "cannot tell yet", "a column is all ties", len(by_seed))
    alone = [kendall(papers, numbers, TIE) for numbers in by_seed]
    taus = spread([0.0 if one is None else one.tau for one in alone])  # all ties are no order
    exact = "exact" if found.exact else "approximate"
    evidence = f"Kendall's τ-b = {found.tau:.2f}, {exact} p = {found.p:.2g}, {counted}{_by_seed(alone, taus)}"
    agreed, needed = False, None
    state: State = "cannot tell yet"
    if taus.low is not None and taus.high is not None and taus.mean is not None and taus.std is not None:
        agreed = taus.n >= FEWEST_SEEDS and (taus.low > 0 if found.tau > 0 else taus.high < 0)
        needed = seeds_to_clear([abs(taus.mean)], taus.std, max(FEWEST_SEEDS, taus.n))
    if agreed and found.p < SIGNIFICANT:
        state = "holds" if found.tau > 0 else "does not hold"
    return Judgement(claim, state, evidence, taus.n, needed, correlation=found, agreed=agreed)


def _by_seed(alone: Sequence[Correlation | None], taus: Spread) -> str:
    """The τ-b of each seed by itself, and the interval of their mean: what a p-value over rows does not show."""
    if taus.low is None or taus.high is None:
        return ""
    each = " / ".join("ties" if one is None else f"{one.tau:.2f}" for one in alone)
    return (
        f", by seed τ-b = {each}, 95 % interval of their mean {max(taus.low, -1.0):+.2f} to {min(taus.high, 1.0):+.2f}"
    )


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
        return Judgement(claim, "cannot tell yet", f"{labels}: not both done{_waiting(claim, results)}", 0)
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
    return Judgement(claim, state, evidence, difference.n, needed)


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
    """The seeds that would tell the difference from the claim's margin."""
    if difference.mean is None or difference.std is None:
        return None
    size = abs(difference.mean) if isinstance(claim, Alike) else difference.mean
    gaps = [abs(size - claim.margin)]
    if isinstance(claim, Alike) and size < claim.margin:
        gaps.append(size + claim.margin)  # alike is told where the interval clears both margins
    return seeds_to_clear(gaps, difference.std, max(FEWEST_SEEDS, difference.n))


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
    held, not_held, open_, *_ = (counts[state] for state in get_args(State))
    never = "".join(f", {counts[state]} {_HOLDS[state]}" for state in _NEVER if counts[state])
    told = f"{held} hold here, {not_held} do not, {open_} cannot be told yet{never}"
    return f"Of the {whose} {len(judgements)} claims {told}."


_HOLDS: Mapping[State, str] = {
    "holds": "holds here",
    "does not hold": "does not hold here",
    "cannot tell yet": "cannot be told yet",
    "cannot tell at this scale": "cannot be told at this scale",
    "cannot tell on these data": "cannot be told on these data",
}
_NEVER: tuple[State, ...] = ("cannot tell at this scale", "cannot tell on these data")  # whatever the seeds
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
