"""Departures: how a row that differs from the paper's default differs from a scale's default."""

from __future__ import annotations

import math
from typing import Any


def departed(name: str, value: Any, usual: Any, default: Any) -> Any:
    """The scale's `default` for a row at the paper's default `usual`, else the row's departure from it.

    A number keeps its multiple of the default, so what a scale switches off (0) stays off. A layer decay keeps its
    power, so that 1, which decays nothing, stays 1. Anything else is kept as the row has it.
    """
    if value == usual:
        return default
    if isinstance(value, bool | str) or None in (value, usual, default):
        return value
    if isinstance(value, tuple):
        if len(value) != len(default):
            return value
        return tuple(_multiple(v, u, d) for v, u, d in zip(value, usual, default, strict=True))
    if name == "layer_decay":
        return float(default ** (math.log(value) / math.log(usual)))
    return _multiple(value, usual, default)


def _multiple(value: float, usual: float, default: float) -> float:
    if not usual:
        return value
    scaled = default * value / usual
    return max(1, round(scaled)) if isinstance(default, int) else scaled
