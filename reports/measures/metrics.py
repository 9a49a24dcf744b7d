"""Metrics: how the number of a protocol is called, printed, and which way of it is better."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

from ablations.spec import protocols

_WORDS = {"top1": "top-1", "top1_raw": "top-1", "loss": "loss", "hours": "hours", "mce": "corruption error"}
_DIGITS = {"loss": 4, "hours": 3}  # decimals printed; 2 of the others
_OF_THE_MACHINE = {"hours"}
GROUPED = 10_000  # from here on thousands are set apart


@dataclass(frozen=True)
class Metric:
    """What a stage reports under `name`."""

    name: str
    unit: str
    lower_is_better: bool

    @property
    def label(self) -> str:
        """For an axis or a column head: `top-1 (%)`."""
        words = _WORDS.get(self.name, self.name)
        return f"{words} ({self.unit})" if self.unit and self.unit != "h" else words

    @property
    def difference_unit(self) -> str:
        """What differences are counted in, after a number."""
        return " points" if self.unit == "%" else f" {self.unit}" if self.unit else ""

    @property
    def of_the_machine(self) -> bool:
        """Whether another machine would give another number."""
        return self.name in _OF_THE_MACHINE

    def digits(self, value: float) -> int:
        """Decimals printed of `value`: of what is minutes here and decades there, fewer the larger it is."""
        digits = _DIGITS.get(self.name, 2)
        if self.of_the_machine and abs(value) >= 1 and math.isfinite(value):
            digits -= math.floor(math.log10(abs(value)))
        return max(digits, 0)

    def plain(self, value: float, sign: str = "", like: float | None = None) -> str:
        """A number of this quantity as it is printed; a spread as the mean it is `like`."""
        return f"{value:{sign}{self._group(value)}.{self.digits(value if like is None else like)}f}"

    def short(self, value: float) -> str:
        """The same with a decimal less, for figures."""
        return f"{value:{self._group(value)}.{max(self.digits(value) - 1, 0)}f}"

    def _group(self, value: float) -> str:
        return "," if abs(value) >= GROUPED else ""

    def gain(self, difference: float) -> float:
        """How much better `difference` is: its negative where lower is better."""
        return -difference if self.lower_is_better else difference


@functools.cache
def metric(protocol: str) -> Metric:
    """The quantity that `protocol` measures."""
    name, unit = protocols.metric(protocol)
    return Metric(name, unit, protocols.direction(protocol) < 0)
