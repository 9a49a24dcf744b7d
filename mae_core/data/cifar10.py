"""CIFAR-10 (Krizhevsky 2009) in torchvision's format, unpacked once for memory-mapping."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal

import numpy as np

from mae_core.data.in_memory import Pixels, kept
from mae_core.errors import DataError


def _opened(home: Path, split: Literal["train", "test"]) -> Any:
    from torchvision.datasets import CIFAR10  # here, because it is needed once in a home's life

    try:
        return CIFAR10(home / "data", train=split == "train", download=False)
    except (OSError, RuntimeError):
        raise DataError(
            f"cifar10 is missing or damaged: put torchvision's folder cifar-10-batches-py into {home / 'data'}, "
            f"or choose other data."
        ) from None


def arrays(home: Path, split: Literal["train", "test"]) -> tuple[Pixels, Pixels]:
    """Images (n, 3, 32, 32) mapped into memory, and labels (n,).

    Raises:
        DataError: the files are missing or damaged.
    """
    count = {"train": 50_000, "test": 10_000}[split]
    folder = home / "data" / "decoded"
    images: Callable[[], Iterable[Pixels]] = lambda: [_opened(home, split).data.transpose(0, 3, 1, 2)]  # noqa: E731
    labels: Callable[[], Iterable[Pixels]] = lambda: [np.array(_opened(home, split).targets, np.uint8)]  # noqa: E731
    return (
        kept(folder / f"cifar10-{split}-images.npy", (count, 3, 32, 32), images),
        kept(folder / f"cifar10-{split}-labels.npy", (count,), labels),
    )
