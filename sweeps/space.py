"""What a study searches: for each setting, which values, and what they mean beside the scale's own value."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution

DIGITS = 2  # significant digits of a searched number, so that trials meet each other and the runs of an ablation


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def _across(low: float, high: float) -> tuple[float, float, float]:
    """Both ends and a point between, no round one: a whole number where fractions are proposed is found out."""
    return low, low + (high - low) / math.e, high


@dataclass(frozen=True)
class Times:
    """The scale's own value times a factor between `low` and `high`, searched on a logarithmic axis."""

    low: float
    high: float

    @property
    def distribution(self) -> BaseDistribution:
        """Optuna's description."""
        return FloatDistribution(self.low, self.high, log=True)

    @property
    def samples(self) -> tuple[Any, ...]:
        """Values from end to end. Raises ValueError where there are none."""
        if not 0 < self.low < self.high:
            raise ValueError("the low end must be above 0 and below the high one")
        return _across(self.low, self.high)

    def value(self, found: Any, own: Any) -> Any:
        """The setting for the factor `found`, beside the scale's `own`."""
        return _rounded(own * _rounded(found))


@dataclass(frozen=True)
class Between:
    """A number from `low` to `high`."""

    low: float
    high: float

    @property
    def distribution(self) -> BaseDistribution:
        """Optuna's description."""
        return FloatDistribution(self.low, self.high)

    @property
    def samples(self) -> tuple[Any, ...]:
        """Values from end to end. Raises ValueError where there are none."""
        if not self.low < self.high:
            raise ValueError("the low end must be below the high one")
        return _across(self.low, self.high)

    def value(self, found: Any, own: Any) -> Any:
        """The number."""
        return _rounded(found)


@dataclass(frozen=True)
class OneOf:
    """One of some values."""

    values: tuple[Any, ...]

    @property
    def distribution(self) -> BaseDistribution:
        """Optuna's description."""
        return CategoricalDistribution(self.values)

    @property
    def samples(self) -> tuple[Any, ...]:
        """The values. Raises ValueError where there are none."""
        if not self.values:
            raise ValueError("there is no value to choose")
        return self.values

    def value(self, found: Any, own: Any) -> Any:
        """The value."""
        return found


@dataclass(frozen=True)
class PaperValue(OneOf):
    """One of some values of the paper's recipe, which the scale then maps as it maps an ablation's rows."""


Setting = Times | Between | OneOf
Space = Mapping[str, Setting]  # "pretrain.base_lr" → values; the first word is the stage's kind
