"""Images too many to keep: decoded from their files for each batch, by a pool of threads."""

from __future__ import annotations

import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch

from mae_core.data.folders.decoding import Box, cover_box, decode
from mae_core.data.folders.files import ImageFiles
from mae_core.data.folders.levels import Levels
from mae_core.data.reading import ReadingAhead
from mae_core.data.transforms import crops
from mae_core.data.transforms.views import Draws


class OnDisk:
    """Images in their files; `stored` is the size at which one is seen whole, `levels` are those of array files."""

    def __init__(
        self,
        files: ImageFiles,
        *,
        in_chans: int,
        size: tuple[int, int],
        stored: tuple[int, int],
        levels: Levels | None = None,
    ) -> None:
        self.files, self.in_chans, self.size, self.stored, self.levels = files, in_chans, size, stored, levels
        self.reading = ReadingAhead()

    def __len__(self) -> int:
        return len(self.files)

    @property
    def corrupt(self) -> tuple[Path, ...]:
        """The train images found damaged so far, and replaced."""
        return self.files.corrupt

    def _batch(
        self, samples: torch.Tensor, size: tuple[int, int], box_of: Callable[[int, tuple[int, int]], Box]
    ) -> torch.Tensor:
        """Bytes (N, in_chans, *size); `box_of` is given the place in the batch and the image's height and width."""

        def read(place: int, sample: int) -> torch.Tensor | None:
            part = functools.partial(box_of, place)
            make = functools.partial(decode, size=size, in_chans=self.in_chans, box_of=part, levels=self.levels)
            pixels = self.files.read(sample, make)
            return None if pixels is None else torch.from_numpy(pixels)

        # threads of this batch alone, so that loader processes may be forked; Pillow decodes outside Python's lock
        with ThreadPoolExecutor(torch.get_num_threads()) as pool:
            images = list(pool.map(read, range(len(samples)), samples.tolist()))
        self.files.refuse_damage()
        return torch.stack([image for image in images if image is not None])

    def canvas(self, samples: torch.Tensor) -> torch.Tensor:
        """Images as bytes at the stored size, (N, in_chans, *stored)."""
        return self._batch(samples, self.stored, lambda _, image_size: cover_box(image_size, self.stored))

    def crops(
        self, samples: torch.Tensor, draws: Draws, crop_scale: tuple[float, float], device: torch.device
    ) -> torch.Tensor:
        """Random resized crops of the full images, (N, in_chans, *size) float32 in [0, 1]."""

        def box_of(place: int, image_size: tuple[int, int]) -> Box:
            aspects = image_size[1] / image_size[0], self.size[1] / self.size[0]
            top, left, height, width = draws.row(place).boxes(crop_scale, *aspects)[0].tolist()
            return top, left, height, width

        return crops.as_float(self._batch(samples, self.size, box_of).to(device))
