"""Places: where the rows of an ablation stand on the x axis of its figure, and what is written there."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ablations.spec import Ablation
from reports.tables.rows import Row

CROWDED = 0.04  # of the axis, between two ticks
MANY = 30  # rows side by side, beyond which each panel has but its own and the figure widens


@dataclass(frozen=True)
class Places:
    """Where the rows stand on the x axis, and what is written there."""

    at: Mapping[str, float]  # by case key
    labels: Mapping[str, str]
    joined: bool  # by lines: the axis is a quantity
    doubling: bool  # each value is at least about twice the one before: a logarithmic axis
    crowded: bool = False  # some are too near their neighbours for their labels: a square-root axis
    many: bool = False  # rows side by side: numbers stand upright, too

    def of(self, rows: Sequence[Row]) -> Places:
        """The places in the panel of `rows`: theirs alone where there are many, else all, as panels share them."""
        return replace(self, at={row.case_key: float(n) for n, row in enumerate(rows)}) if self.many else self


def places(ablation: Ablation) -> Places:
    """The places that the cases name, else their keys' own numbers, for curves; 0, 1, 2 … otherwise."""
    cases = ablation.cases
    labels = {case.key: case.label for case in cases}
    at: dict[str, float] = {}
    if ablation.figure == "curves":
        try:
            at = {case.key: float(case.key) if case.at is None else case.at for case in cases}
        except ValueError:
            at = {}
    if not at:
        at = {case.key: float(n) for n, case in enumerate(cases)}
        return Places(at, labels, joined=False, doubling=False, many=len(at) > MANY)
    values = sorted(set(at.values()))
    doubling = values[0] > 0 and all(b >= 1.9 * a for a, b in itertools.pairwise(values))
    nearest = min((b - a for a, b in itertools.pairwise(values)), default=math.inf)
    crowded = not doubling and values[0] >= 0 and nearest < CROWDED * (values[-1] - values[0])
    return Places(at, {key: f"{value:g}" for key, value in at.items()}, joined=True, doubling=doubling, crowded=crowded)
