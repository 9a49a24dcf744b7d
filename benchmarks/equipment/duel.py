"""Duels: contestants run in turn, round after round, and are compared within each round."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Run = Callable[[], object]


@dataclass(frozen=True)
class Ratio:
    """How many times as fast the one is as the other: the median over rounds, the lowest and the highest."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.2f}x ({self.low:.2f}-{self.high:.2f})"


@dataclass(frozen=True)
class Duel:
    """Seconds of each contestant, round by round."""

    seconds: Mapping[str, list[float]]

    def ratio(self, ours: str, rival: str) -> Ratio:
        """The rival's time over ours, round by round: rounds share the machine's mood."""
        pairs = zip(self.seconds[ours], self.seconds[rival], strict=True)
        return spread([theirs / mine for mine, theirs in pairs])

    def median(self, name: str) -> float:
        """Median seconds of one contestant."""
        return statistics.median(self.seconds[name])


def spread(values: list[float]) -> Ratio:
    """Median, lowest, highest."""
    return Ratio(statistics.median(values), min(values), max(values))


def duel(contestants: Mapping[str, Run], rounds: int, warm_up: int = 1) -> Duel:
    """Time each contestant once a round; the order turns by one each round, so that none always follows the same."""
    for run in contestants.values():
        for _ in range(warm_up):
            run()
    names = list(contestants)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            begun = time.perf_counter()
            contestants[name]()
            seconds[name].append(time.perf_counter() - begun)
    return Duel(seconds)
