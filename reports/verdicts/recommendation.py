"""Recommendations: which rows are best on these data, which cannot be told from them, and which are worse."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ablations.spec import PROTOCOL_LABELS
from reports.measures.metrics import metric
from reports.results import Results
from reports.verdicts.cost import cheapest
from reports.verdicts.statistics import CONFIDENCE
from reports.verdicts.verdict import FEWEST_SEEDS, TIE, count_of_seeds


@dataclass(frozen=True)
class Rival:
    """A row that cannot be told from the best one: how far it is behind, paired by seed, give or take `half`."""

    key: str
    behind: float
    half: float  # of the simultaneous interval; infinite with fewer than three seeds

    @property
    def most(self) -> float:
        """How much worse it may be."""
        return self.behind + self.half


@dataclass(frozen=True)
class Standing:
    """The rows of one protocol, on the same data, against the best over the seeds that all of them share.

    Rows that are one and the same run at this scale are one, under the key of the first of them.
    """

    protocol: str
    best: str  # case key; the first where no seed is shared
    alike: tuple[Rival, ...]  # not to be told from it
    worse: tuple[str, ...]  # beyond their simultaneous interval
    seeds: int  # that every comparison has
    partly: bool  # some rows have more, which are not compared
    rows: int  # with numbers
    absent: int  # rows that are to be run and have none
    waiting: int  # rows that are to be run and lack some of theirs, these included
    one: Mapping[str, tuple[str, ...]]  # case key of a row → those of all rows that are this run

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
    """The rows `keys` against the best, over the seeds that all have; None while fewer than two have numbers.

    The intervals hold together with 95 % confidence (Bonferroni: each at 1 - 5 % / number of comparisons), because the
    best of many rows is in part the luckiest. Fewer than three seeds put no row behind another.
    """
    if sum(bool(results.values(key, protocol)) for key in keys) < 2:
        return None
    one = _as_one(results, protocol, keys)
    values = {key: found for key in one if (found := results.values(key, protocol))}
    gain = metric(protocol).gain
    shared = set[int].intersection(*map(set, values.values()))
    best = max(values, key=lambda key: gain(sum(values[key][seed] for seed in shared)))
    same = replace(results, cells=tuple(result for result in results.cells if result.cell.seed in shared))
    others = [key for key in values if key != best]
    alike, worse, seeds = list[Rival](), list[str](), len(shared)
    for key in others:
        lead = same.difference((best, protocol), (key, protocol))
        seeds, rival = min(seeds, lead.n), Rival(key, gain(lead.mean or 0.0), math.inf)
        if lead.n >= FEWEST_SEEDS and lead.std is not None:
            rival = replace(rival, half=_quantile(lead.n, len(others)) * lead.std / math.sqrt(lead.n))
        if rival.behind > rival.half:
            worse.append(key)
        else:
            alike.append(rival)
    run = [key for key in one if results.runs(key, protocol)]
    absent = sum(key not in values for key in run)
    waiting = sum(any(result.status != "done" for result in results.by_column[key, protocol]) for key in run)
    partly = any(found.keys() - shared for found in values.values())
    return Standing(protocol, best, tuple(alike), tuple(worse), seeds, partly, len(values), absent, waiting, one)


def _as_one(results: Results, protocol: str, keys: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The rows `keys`, those that rest on the same runs once: under the first one's key, all of theirs.

    As rivals each for itself they would widen the intervals of all.
    """
    shared: dict[tuple[str, ...], list[str]] = {}
    for key in keys:
        shared.setdefault(results.runs(key, protocol) or (key,), []).append(key)
    return {same[0]: tuple(same) for same in shared.values()}


def _quantile(n: int, comparisons: int) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(n - 1, 1 - (1 - CONFIDENCE) / 2 / comparisons))


def best_beyond_noise(results: Results, protocol: str) -> frozenset[str]:
    """The rows that are better than every other on the same data beyond seed noise, once all of these are done."""
    return frozenset(key for found in standings(results, protocol) if found.sure for key in found.one[found.best])


def advice(results: Results) -> list[str]:
    """A sentence for each protocol and data: what to take, and how sure that is."""
    told = []
    for protocol in results.protocols:
        found = standings(results, protocol)
        elsewhere = len({results.by_column[one.best, protocol][0].cell.case.data for one in found} | {""}) > 1
        told += [_told(results, one, name_data=elsewhere) for one in found]
    return told


def _told(results: Results, found: Standing, *, name_data: bool) -> str:
    best = _label(results, found, found.best)
    subject = PROTOCOL_LABELS.get(found.protocol, found.protocol)
    subject += f" on {results.data_of(results.ablation.case(found.best)).name}" if name_data else ""
    so_far = f"of the {found.rows} rows done so far, " if found.absent else ""
    if not found.seeds:
        return f"{subject}: cannot tell yet. {so_far.capitalize() + 'no' if so_far else 'No'} seed is done of all rows."
    over = f"{count_of_seeds(found.seeds)}{' that all have' if found.partly else ''}"
    if found.seeds < FEWEST_SEEDS:
        return (
            f"{subject}: cannot tell yet. {so_far.capitalize()}{best} stands best with {over}, which may be "
            f"luck; {FEWEST_SEEDS} seeds are needed."
        )
    sure = f"{over}, simultaneous 95 % intervals"
    if not found.alike and not found.worse:  # the scale makes them one
        return f"{subject}: {so_far}all are one at this scale."
    if not found.alike:
        return f"{subject}: {so_far}take {best}; every other{' of these' if so_far else ' row'} is worse ({sure})."
    worse = f"; {_range(results, found)} worse" if found.worse else ""
    return (
        f"{subject}: {so_far}{best} stands best{worse} ({sure}). Cannot be told from it: "
        f"{'; '.join(_apart(results, found, rival) for rival in found.alike)}. {_choice(results, found)}"
    )


def _label(results: Results, found: Standing, key: str) -> str:
    """A row's label, `1 block = 2 blocks` where several rows are one run."""
    return " = ".join(results.ablation.case(same).label for same in found.one[key])


def _apart(results: Results, found: Standing, rival: Rival) -> str:
    """A rival's label, its number minus the best one's, and the interval: `60 %, -0.40 points (-2.10 to +1.30)`."""
    quantity = metric(found.protocol)
    ends = sorted(quantity.gain(behind) for behind in (-rival.most, rival.half - rival.behind))
    difference, low, high = (quantity.plain(end, "+") for end in (quantity.gain(-rival.behind) + 0.0, *ends))
    return f"{_label(results, found, rival.key)}, {difference}{quantity.difference_unit} ({low} to {high})"


def _choice(results: Results, found: Standing) -> str:
    """What to take of rows that cannot be told apart.

    The cheapest only of those of which the whole interval lies within `TIE` of the best: that a difference is not seen
    does not make it small. Of other quantities than shares no difference is known to be too small to matter.
    """
    quantity = metric(found.protocol)
    close = [rival.key for rival in found.alike if quantity.unit == "%" and rival.most < TIE]
    far = [rival.most for rival in found.alike if rival.key not in close]
    at_most = f"may be up to {quantity.plain(max(far, default=0.0))}{quantity.difference_unit} worse"
    if not close:
        margin = f"; within {TIE:g} points cost alone would decide" if quantity.unit == "%" else ""
        return f"{'They' if len(far) > 1 else 'It'} {at_most}{margin}."
    labels = ", ".join(_label(results, found, key) for key in close)
    lie = f"{'lies' if len(close) == 1 else 'lie'} {labels if far or len(close) == 1 else 'all of them'}"
    others = f" The other{'s' if len(far) > 1 else ''} {at_most}." if far else ""
    costs = {_label(results, found, key): results.by_column[key, found.protocol] for key in (found.best, *close)}
    return f"Within {TIE:g} points of it {lie}: take {cheapest(results, costs)}.{others}"


def _range(results: Results, found: Standing) -> str:
    """`below 40 % and above 80 % is` where the worse rows are the ends of the axis, else their labels and a verb."""
    cases = results.ablation.cases
    order = [case.key for case in cases]
    worse = {same for key in found.worse for same in found.one[key]}
    kept = [at for at, key in enumerate(order) if key not in worse]
    if results.ablation.figure == "curves" and kept and kept == list(range(kept[0], kept[-1] + 1)):
        ends = [f"below {cases[kept[0]].label}"] * (kept[0] > 0) + [f"above {cases[kept[-1]].label}"] * (
            kept[-1] + 1 < len(order)
        )
        return f"{' and '.join(ends)} is"
    labels = [_label(results, found, key) for key in found.worse]
    return f"{', '.join(labels)} {'is' if len(labels) == 1 else 'are'}"
