"""Levels: which values of each channel are black and white, and the constants that its pixels are normalised by.

Photographs of one or three channels have known ones; of all other images they are measured on the train images.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mae_core.data.placement import placing, read_json
from mae_core.errors import DataError

SAMPLED = 256  # train images measured, spread evenly
PIXELS = 4096  # of each, on an even lattice
TAILS = (0.1, 99.9)  # per cent of a channel's values that lie below black, and below white
EIGHT_BITS = (0.0, 255.0)
FLAT = 1e-3  # a channel that varies less, of its range, is centred only

Values = npt.NDArray[Any]
Floats = npt.NDArray[np.float32]
Constants = tuple[float, ...]


@dataclass(frozen=True)
class Levels:
    """One number for each channel: the values that become 0 and 1, and mean and standard deviation between these."""

    black: Constants
    white: Constants
    mean: Constants
    std: Constants

    def scaled(self, values: Values) -> Floats:
        """Values (…, C) in [0, 255]: cut off at black and white; black where there are no data."""
        return _scaled(values, np.array(self.black, np.float32), np.array(self.white, np.float32))


def _scaled(values: Values, black: Floats, white: Floats) -> Floats:
    between: Floats = np.clip(values, black, white).astype(np.float32)  # cut off first, as 1e300 is no float32
    made: Floats = np.nan_to_num((between - black) * (255 / (white - black)), copy=False, nan=0.0)
    return made.clip(0, 255)


def levels_of(paths: list[Path], read: Callable[[Path], Values], record: Path) -> Levels:
    """The levels of train images, remembered in the file `record`.

    Values of eight bits keep their range. Of others, black and white are the 0.1th and the 99.9th percentile of each
    channel, so that a few glaring pixels do not darken the rest. A channel without contrast becomes black.

    Args:
        paths: the train images, of which a fixed part is read.
        read: gives the values of one, (H, W, C) with the same C, NaN where there are no data.
        record: of the images' fingerprint.

    Raises:
        DataError: none of the images can be read.
    """
    with suppress(KeyError, TypeError):
        known = read_json(record)
        return Levels(**{name: tuple(known[name]) for name in ("black", "white", "mean", "std")})
    found = _measured(_pixels(paths, read))
    with suppress(OSError), placing(record) as temporary:  # a home that cannot be written costs time only
        temporary.write_text(json.dumps(asdict(found)))
    return found


def _pixels(paths: list[Path], read: Callable[[Path], Values]) -> Values:
    """Some pixels of some images, (n, C)."""
    parts, count = [], min(SAMPLED, len(paths))
    for index in range(count):
        with suppress(Exception):  # a damaged image is counted and named where it is decoded
            values = read(paths[index * len(paths) // count])
            step = max(1, round((values.shape[0] * values.shape[1] / PIXELS) ** 0.5))
            parts.append(values[::step, ::step].reshape(-1, values.shape[-1]))
    parts = [part for part in parts if part.shape[-1] == parts[0].shape[-1]]
    if not parts:
        where = paths[0].parent if paths else "the folder"
        raise DataError(f"no train image in {where} can be read to measure its values; give train images that can be.")
    return np.concatenate(parts)


def _measured(pixels: Values) -> Levels:
    ranges = [EIGHT_BITS if pixels.dtype == np.uint8 else _range(channel) for channel in pixels.T]
    black, white = np.array(ranges, np.float32).T
    shares = _scaled(pixels, black, white).astype(np.float64) / 255
    std = shares.std(axis=0)
    return Levels(
        black=tuple(black.tolist()),
        white=tuple(white.tolist()),
        mean=tuple(shares.mean(axis=0).round(6).tolist()),
        std=tuple(np.where(std < FLAT, 1.0, std).round(6).tolist()),
    )


def _range(channel: Values) -> tuple[float, float]:
    finite = channel[np.isfinite(channel)].astype(np.float64)
    if not len(finite):
        return 0.0, 1.0
    black, white = (float(value) for value in np.percentile(finite, TAILS))
    return (black, white) if white > black else (black, black + 1)
