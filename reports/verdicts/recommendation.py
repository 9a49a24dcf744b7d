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
    """The rows of one protocol, on the same data, against the one with the best mean."""

    protocol: str
    best: str  # case key
    alike: tuple[str, ...]  # not to be told from it
    worse: tuple[str, ...]  # beyond their simultaneous interval
    seeds: int  # that every comparison has at least
    rows: int  # with numbers
    absent: int  # rows that are to be run and have none
    waiting: int  # rows that are to be run and lack some of theirs, these included

    @property
    def sure(self) -> bool:
        """Whether the best row is better than every other that is to be run."""
        return bool(self.worse) and not self.alike and not self.waiting


def standings(results: Results, protocol: str) -> list[Standing]:
    """Compare each row with the best of those that answer the same question, paired by seed.

    One for each question to which two rows or more have numbers: numbers measured on other data, and losses of other
    tasks, are not ranked together.
    """
    asked: dict[Question, list[str]] = {}
    for case in results.ablation.cases:
        if (case.key, protocol) in results.by_column:
            asked.setdefault(_question(results, case.key, protocol), []).append(case.key)
    return [found for keys in asked.values() if (found := _standing(results, protocol, keys)) is not None]


Question = tuple[object, ...]
_OF_LOSSES = ("mask_ratio", "mask_sampling", "target", "loss_on", "augmentation", "crop_scale")


def _question(results: Results, key: str, protocol: str) -> Question:
    """What rows must share to be ranked: the data they are scored on and, of losses, what is guessed from what."""
    first = results.by_column[key, protocol][0]
    question: Question = (first.cell.case.data,)
    if metric(protocol).name == "loss" and first.cell.stage is not None:
        recipe = first.cell.stage.recipe
        question += tuple(getattr(recipe, name, None) for name in _OF_LOSSES)
    return question


def _standing(results: Results, protocol: str, keys: Sequence[str]) -> Standing | None:
    """The rows `keys` against the best; None while fewer than two have numbers.

    The intervals hold together with 95 % confidence (Bonferroni: each at 1 - 5 % / number of comparisons), because the
    best of many rows is in part the luckiest. Fewer than three seeds put no row behind another.
    """
    values = {key: results.values(key, protocol) for key in keys}
    means = {key: sum(found.values()) / len(found) for key, found in values.items() if found}
    if len(means) < 2:
        return None
    quantity = metric(protocol)
    runs = {key: results.runs(key, protocol) for key in keys}
    best = max(means, key=lambda key: quantity.gain(means[key]))
    others = [key for key in means if key != best and runs[key] != runs[best]]
    behind, seeds = [], len(values[best])
    for key in others:
        lead = results.difference((best, protocol), (key, protocol))
        seeds = min(seeds, lead.n)
        if lead.n >= FEWEST_SEEDS and lead.mean is not None and lead.std is not None:
            half = _quantile(lead.n, len(others)) * lead.std / math.sqrt(lead.n)
            behind += [key] if quantity.gain(lead.mean) > half else []
    alike = tuple(key for key in others if key not in behind)
    run = [key for key in keys if runs[key]]
    absent = sum(key not in means for key in run)
    waiting = sum(any(result.status != "done" for result in results.by_column[key, protocol]) for key in run)
    return Standing(protocol, best, alike, tuple(behind), seeds, len(means), absent, waiting)


def _quantile(n: int, comparisons: int) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(n - 1, 1 - (1 - CONFIDENCE) / 2 / comparisons))


def best_beyond_noise(results: Results, protocol: str) -> frozenset[str]:
    """The rows that are better than every other on the same data beyond seed noise, once all of these are done."""
    return frozenset(found.best for found in standings(results, protocol) if found.sure)


def advice(results: Results) -> list[str]:
    """A sentence for each protocol and data: what to take, and how sure that is."""
    told = []
    for protocol in results.protocols:
        found = standings(results, protocol)
        elsewhere = len({results.by_column[one.best, protocol][0].cell.case.data for one in found} | {""}) > 1
        told += [_told(results, one, name_data=elsewhere) for one in found]
    return told


def _told(results: Results, found: Standing, *, name_data: bool) -> str:
    case = results.ablation.case(found.best)
    subject = PROTOCOL_LABELS.get(found.protocol, found.protocol)
    subject += f" on {results.data_of(case).name}" if name_data else ""
    so_far = f"of the {found.rows} rows done so far, " if found.absent else ""
    label = case.label
    if found.seeds < FEWEST_SEEDS:
        return (
            f"{subject}: cannot tell yet. {so_far.capitalize()}{label} stands best with {count_of_seeds(found.seeds)}, "
            f"which may be luck; {FEWEST_SEEDS} seeds are needed."
        )
    sure = f"{count_of_seeds(found.seeds)}, simultaneous 95 % intervals"
    if not found.alike and not found.worse:  # the scale makes them one
        return f"{subject}: {so_far}all are one at this scale."
    if not found.alike:
        return f"{subject}: {so_far}take {label}; every other{' of these' if so_far else ' row'} is worse ({sure})."
    rivals = " or ".join([label, *(results.ablation.case(key).label for key in found.alike)])
    if not found.worse:
        return f"{subject}: {so_far}{rivals}: cannot tell apart, so take the cheapest ({sure})."
    worse = f"{_range(results, found.worse)} worse"
    return f"{subject}: {so_far}{rivals}: cannot tell apart; {worse} ({sure})."


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
