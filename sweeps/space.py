"""What a study searches: for each setting, which values, and what they mean beside the scale's own value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution

DIGITS = 2  # significant digits of a searched number, so that trials meet each other and the runs of an ablation


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


@dataclass(frozen=True)
class Times:
    """The scale's own value times a factor between `low` and `high`, searched on a logarithmic axis."""

    low: float
    high: float

    @property
    def distribution(self) -> BaseDistribution:
        """Optuna's description."""
        return FloatDistribution(self.low, self.high, log=True)

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

    def value(self, found: Any, own: Any) -> Any:
        """The value."""
        return found


@dataclass(frozen=True)
class PaperValue(OneOf):
    """One of some values of the paper's recipe, which the scale then maps as it maps an ablation's rows."""


Setting = Times | Between | OneOf
Space = Mapping[str, Setting]  # "pretrain.base_lr" → values; the first word is the stage's kind
