"""Protocols: the columns of a table, each a recipe applied to an encoder, and the number that each gives."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from mae_core.recipes import FINETUNE, LINEAR_PROBE, Recipe

Protocols = Mapping[str, Recipe]
FINETUNE_AND_LINEAR_PROBE: Protocols = MappingProxyType({"finetune": FINETUNE, "linear_probe": LINEAR_PROBE})

PROTOCOL_LABELS: Mapping[str, str] = {
    "pretrain": "pre-training",
    "finetune": "fine-tuning",
    "without_ema": "without EMA",
    "linear_probe": "linear probing",
    "knn": "nearest neighbours",
    "ridge": "ridge regression",
    "logistic_regression": "logistic regression",
    "corruptions": "corrupted images",
    "shifted": "shifted images",
    "wall_clock": "pre-training time",
    "reconstruct": "reconstruction",
}

TOP1 = ("top1", "%")
METRICS: Mapping[str, tuple[str, str]] = {  # protocol → what is measured, its unit; the others measure TOP1
    "pretrain": ("loss", ""),
    "without_ema": ("top1_raw", "%"),
    "corruptions": ("mce", "%"),
    "wall_clock": ("hours", "h"),
    "reconstruct": ("loss", ""),
}
LOWER_IS_BETTER = frozenset({"loss", "mce", "hours"})


def metric(protocol: str) -> tuple[str, str]:
    """Name and unit of the number that `protocol` gives."""
    return METRICS.get(protocol, TOP1)


def direction(protocol: str) -> int:
    """1 where a higher number is better, -1 where a lower one is."""
    return -1 if metric(protocol)[0] in LOWER_IS_BETTER else 1
