"""Views: what becomes of an image before a model sees it, and the random draws each sample gets for it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import torch

from mae_core import randomness
from mae_core.errors import RecipeError

Augmentation = Literal["none", "eval", "fixed_crop", "random_crop", "random_crop_jitter", "randaugment"]
Floats = npt.NDArray[np.float64]

MARGIN = 8 / 7  # the paper's 256 px for a crop of 224 px
ASPECT = (3 / 4, 4 / 3)
TRIES = 10  # as torchvision's RandomResizedCrop
JITTER = 0.4  # of brightness, contrast and saturation, always on, as BEiT's code has it; the paper does not say

# one column for each use, so that two augmentations of one sample agree in all they share
_FLIP, _PLACE, _JITTER, _AREA = 0, slice(1, 3), slice(3, 6), slice(6, 6 + TRIES)
_RATIO = slice(6 + TRIES, 6 + 2 * TRIES)
_WIDTH = 6 + 2 * TRIES


@dataclass(frozen=True)
class View:
    """How images are seen in one epoch.

    - none, eval: the centre, nothing random;
    - fixed_crop: a random window of fixed size and a random flip (Table 1e; the room it moves in is this project's
      choice: the shorter side at 8/7 of the size, or an eighth of zeros around images that are kept whole);
    - random_crop: a random share of the area, resized, and a random flip; `clipped` says what becomes of a crop that
      is longer than the image;
    - random_crop_jitter: the same, then brightness, contrast and saturation;
    - randaugment: random_crop, then timm's RandAugment.
    """

    augmentation: Augmentation
    crop_scale: tuple[float, float] = (0.2, 1.0)  # share of the image's area
    seed: int = 0
    epoch: int = 0
    clipped: bool = False  # a crop longer than the image is cut to it; else another is drawn

    def __post_init__(self) -> None:
        if self.augmentation not in get_args(Augmentation):
            raise RecipeError(
                f"there is no augmentation {self.augmentation!r}; choose one of {', '.join(get_args(Augmentation))}."
            )


@dataclass(frozen=True)
class Draws:
    """Uniform draws in [0, 1), a row for each sample, and whether crops are clipped to the image."""

    values: Floats
    clipped: bool = False

    @classmethod
    def of(cls, view: View, samples: torch.Tensor) -> Draws:
        """The draws of `samples` (N,) in this view, whatever else is in the batch."""
        values = randomness.uniform(view.seed, "augment", view.epoch, samples=samples, width=_WIDTH)
        return cls(values.numpy(), view.clipped)

    def row(self, index: int) -> Draws:
        """The draws of one sample of the batch."""
        return Draws(self.values[index : index + 1], self.clipped)

    @property
    def flips(self) -> torch.Tensor:
        """(N,) bool, half of them true."""
        return torch.from_numpy(self.values[:, _FLIP] < 0.5)

    @property
    def factors(self) -> torch.Tensor:
        """(N, 3) float32 in [1 - JITTER, 1 + JITTER): brightness, contrast, saturation."""
        return torch.from_numpy(1 - JITTER + 2 * JITTER * self.values[:, _JITTER]).float()

    def offsets(self, room: tuple[int, int]) -> torch.Tensor:
        """(N, 2) int64: where a window begins that has `room` pixels to move down and across, ends included."""
        return torch.from_numpy((self.values[:, _PLACE] * (np.array(room) + 1)).astype(np.int64))

    def boxes(self, crop_scale: tuple[float, float], image_aspect: float, output_aspect: float) -> Floats:
        """Random crops: top, left, height, width as shares of the image, (N, 4), not rounded to whole pixels.

        The area is uniform in `crop_scale`, the crop's width over height log-uniform in 3/4 … 4/3 of the output's.
        The first of ten tries that fits is taken; if none does, the largest central part within those ratios, as in
        torchvision's RandomResizedCrop. Where crops are clipped there is one try, and each side ends with the image,
        as in the released linear probing.
        """
        low, high = (math.log(output_aspect * bound) for bound in ASPECT)
        area = crop_scale[0] + (crop_scale[1] - crop_scale[0]) * self.values[:, _AREA]  # (N, TRIES)
        ratio = np.exp(low + (high - low) * self.values[:, _RATIO]) / image_aspect  # of the two shares
        heights, widths = np.sqrt(area / ratio), np.sqrt(area * ratio)
        if self.clipped:
            return _placed(np.minimum(heights[:, 0], 1), np.minimum(widths[:, 0], 1), self.values[:, _PLACE])
        fits: npt.NDArray[np.bool_] = np.maximum(heights, widths) <= 1
        first = np.arange(len(fits)), fits.argmax(axis=1)
        largest = np.clip(1.0, math.exp(low) / image_aspect, math.exp(high) / image_aspect)
        found = np.asarray(fits.any(axis=1))
        height = np.where(found, heights[first], min(1.0, 1 / largest))
        width = np.where(found, widths[first], min(1.0, largest))
        return _placed(height, width, np.where(found[:, None], self.values[:, _PLACE], 0.5))


def _placed(height: Floats, width: Floats, place: Floats) -> Floats:
    """Boxes (N, 4) at `place` (N, 2), a share of the room that is left down and across."""
    return np.stack([place[:, 0] * (1 - height), place[:, 1] * (1 - width), height, width], axis=1)
