"""What a benchmark says: a line with a ratio and its spread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from benchmarks.equipment.duel import Ratio


@dataclass(frozen=True)
class Line:
    """One comparison; its numbers are times as fast, shares of a limit, or slopes of log cost over log size."""

    what: str
    where: str
    rival: str
    ratio: Ratio
    unit: Literal["times", "share", "slope"] = "times"
    goal: float | None = None  # at least, or of a slope at most

    def __str__(self) -> str:
        against = f" against {self.rival}" if self.rival else ""
        return f"{self.what}, {self.where}{against}: {self.ratio}"
