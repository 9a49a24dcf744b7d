"""scikit-learn's digits (a part of Alpaydin and Kaynak 1998), which come with that library: 8×8 and grey."""

from __future__ import annotations

import hashlib
from typing import Literal

import numpy as np
import numpy.typing as npt

from mae_core.data.catalogue import DIGITS_SHA256, DIGITS_TRAIN
from mae_core.errors import DataError

Bytes = npt.NDArray[np.uint8]

BRIGHTEST = 16  # the digits have seventeen grey levels


def arrays(split: Literal["train", "test"]) -> tuple[Bytes, Bytes]:
    """Images (n, 1, 8, 8) and labels (n,).

    The first three quarters are train, the last test: writers follow each other, so few are in both.

    Raises:
        DataError: the installed scikit-learn has other digits than those the fingerprint stands for.
    """
    from sklearn.datasets import load_digits  # here, because it takes a second and few stages need it

    levels, labels = (array.astype(np.uint8) for array in load_digits(return_X_y=True))
    if hashlib.sha256(levels.tobytes() + labels.tobytes()).hexdigest() != DIGITS_SHA256:
        raise DataError("the digits of the installed scikit-learn are not the known ones; install another release.")
    images = np.round(levels.reshape(-1, 1, 8, 8) * (255 / BRIGHTEST)).astype(np.uint8)
    part = slice(None, DIGITS_TRAIN) if split == "train" else slice(DIGITS_TRAIN, None)
    return images[part], labels[part]
