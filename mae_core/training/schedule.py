"""The learning rate's schedule: a linear warm-up from zero, then half a cosine."""

from __future__ import annotations

import math


def warmup_cosine(epoch: float, epochs: float, warmup_epochs: float, min_lr_share: float = 0.0) -> float:
    """The share of the peak learning rate at `epoch`, a fraction of an epoch included (Loshchilov and Hutter 2017).

    Args:
        epoch: time since the start in epochs, evaluated at every step.
        epochs: length of the whole schedule.
        warmup_epochs: length of its linear part.
        min_lr_share: the share reached at the end.
    """
    if epoch < warmup_epochs:
        return epoch / warmup_epochs
    if epoch >= epochs:
        return min_lr_share
    progress = (epoch - warmup_epochs) / (epochs - warmup_epochs)
    return min_lr_share + (1 - min_lr_share) * (1 + math.cos(math.pi * progress)) / 2
