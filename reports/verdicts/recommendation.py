"""Recommendations: which rows are best on these data, which cannot be told from them, and which are worse."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ablations.spec import PROTOCOL_LABELS
from reports.metrics import metric
from reports.results import Results
from reports.verdicts.statistics import CONFIDENCE
from reports.verdicts.verdict import FEWEST_SEEDS, count_of_seeds


@dataclass(frozen=True)
class Standing:
    """The rows of one protocol against the one with the best mean."""

    protocol: str
    best: str  # case key
    alike: tuple[str, ...]  # not to be told from it
    worse: tuple[str, ...]  # beyond their simultaneous interval
    seeds: int  # that every comparison has at least


def standing(results: Results, protocol: str) -> Standing | None:
    """Compare each row with the best, paired by seed; None while fewer than two rows have numbers.

    The intervals hold together with 95 % confidence (Bonferroni: each at 1 - 5 % / number of comparisons), because the
    best of many rows is in part the luckiest. Fewer than three seeds put no row behind another.
    """
    values = {case.key: results.values(case.key, protocol) for case in results.ablation.cases}
    runs = {case.key: results.runs(case.key, protocol) for case in results.ablation.cases}
    means = {key: sum(found.values()) / len(found) for key, found in values.items() if found}
    if len(means) < 2:
        return None
    quantity = metric(protocol)
    best = max(means, key=lambda key: quantity.gain(means[key]))
    others = [key for key in means if key != best and runs[key] != runs[best]]
    behind, seeds = [], len(values[best])
    for key in others:
        lead = results.difference((best, protocol), (key, protocol))
        seeds = min(seeds, lead.n)
        if lead.n >= FEWEST_SEEDS and lead.mean is not None and lead.std is not None:
            half = _quantile(lead.n, len(others)) * lead.std / math.sqrt(lead.n)
            behind += [key] if quantity.gain(lead.mean) > half else []
    return Standing(protocol, best, tuple(key for key in others if key not in behind), tuple(behind), seeds)


def _quantile(n: int, comparisons: int) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(n - 1, 1 - (1 - CONFIDENCE) / 2 / comparisons))


def best_beyond_noise(results: Results, protocol: str) -> str | None:
    """The row that is better than every other beyond seed noise, if there is one."""
    found = standing(results, protocol)
    return found.best if found and found.worse and not found.alike else None


def advice(results: Results) -> list[str]:
    """A sentence for each protocol: what to take on these data, and how sure that is."""
    return [_told(results, found) for p in results.protocols if (found := standing(results, p)) is not None]


def _told(results: Results, found: Standing) -> str:
    protocol = PROTOCOL_LABELS.get(found.protocol, found.protocol)
    label = results.ablation.case(found.best).label
    if found.seeds < FEWEST_SEEDS:
        return (
            f"{protocol}: cannot tell yet. {label} stands best with {count_of_seeds(found.seeds)}, which may be luck; "
            f"{FEWEST_SEEDS} seeds are needed."
        )
    sure = f"{count_of_seeds(found.seeds)}, simultaneous 95 % intervals"
    worse = f"{_range(results, found.worse)} worse" if found.worse else ""
    if not found.alike:
        return f"{protocol}: take {label}; every other row is worse ({sure})."
    rivals = " or ".join([label, *(results.ablation.case(key).label for key in found.alike)])
    if not found.worse:
        return f"{protocol}: {rivals}: cannot tell apart, so take the cheapest ({sure})."
    return f"{protocol}: {rivals}: cannot tell apart; {worse} ({sure})."


def _range(results: Results, keys: Sequence[str]) -> str:
    """`below 40 % and above 80 % is` where the rows are the ends of the axis, else their labels and `is` or `are`."""
    cases = results.ablation.cases
    order = [case.key for case in cases]
    kept = [at for at, key in enumerate(order) if key not in keys]
    if results.ablation.figure == "curves" and kept and kept == list(range(kept[0], kept[-1] + 1)):
        ends = [f"below {cases[kept[0]].label}"] * (kept[0] > 0) + [f"above {cases[kept[-1]].label}"] * (
            kept[-1] + 1 < len(order)
        )
        return f"{' and '.join(ends)} is"
    labels = [results.ablation.case(key).label for key in keys]
    return f"{', '.join(labels)} {'is' if len(labels) == 1 else 'are'}"
