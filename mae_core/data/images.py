"""Images: one split of some data as batches of normalised tensors, seen as a view asks."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import torch
import torch.nn.functional as F

from mae_core.data import cifar10, digits, fashion_mnist
from mae_core.data.catalogue import describe, folder_survey, image_folder
from mae_core.data.folders.files import ImageFiles
from mae_core.data.folders.levels import Constants
from mae_core.data.folders.listing import list_folder
from mae_core.data.in_memory import MEMORY_LIMIT, InMemory, Pixels, decoded
from mae_core.data.normalisation import constants_of, measured_levels
from mae_core.data.on_disk import OnDisk
from mae_core.data.transforms import crops
from mae_core.data.transforms.randaugment import randaugmented
from mae_core.data.transforms.views import MARGIN, Draws, View
from mae_core.errors import DataError

__all__ = ["Images", "View", "open_images"]

Split = Literal["train", "test"]
Size = tuple[int, int]

LARGEST_WITH_MARGIN = 224
CPU = torch.device("cpu")


class Source(Protocol):
    """Where the pixels of a split come from."""

    def __len__(self) -> int: ...

    @property
    def corrupt(self) -> tuple[Path, ...]:
        """Files that could not be decoded and were replaced."""

    def canvas(self, samples: torch.Tensor) -> torch.Tensor:
        """Whole images, with their margin if they have one, (N, C, h, w) uint8."""

    def crops(
        self, samples: torch.Tensor, draws: Draws, crop_scale: tuple[float, float], device: torch.device
    ) -> torch.Tensor:
        """Random resized crops, (N, C, H, W) float32 in [0, 1]."""


@dataclass(frozen=True)
class Images:
    """One split.

    Attributes:
        labels: (n,) int64, or None without labels.
        num_classes: 0 without labels.
        mean, std: of each channel, taken off and divided by.
        has_margin: the images are kept wider than the size by 8/7, as photographs are; others are kept whole.
    """

    source: Source
    size: Size
    labels: torch.Tensor | None
    num_classes: int
    mean: Constants
    std: Constants
    has_margin: bool

    def __len__(self) -> int:
        return len(self.source)

    @property
    def corrupt(self) -> tuple[Path, ...]:
        """Train images that could not be decoded, each replaced by the next of its class; the caller reports them."""
        return self.source.corrupt

    def batch(self, samples: torch.Tensor, view: View, device: torch.device = CPU) -> torch.Tensor:
        """The view of `samples` (N,), normalised, (N, C, H, W) float32.

        A sample's pixels depend on the view and the sample alone, never on what else is in the batch.
        """
        return self.normalise_(self.pixels(samples, view, device))

    def normalise_(self, pixels: torch.Tensor) -> torch.Tensor:
        """Pixels in [0, 1] with the mean taken off and divided by the standard deviation, in place."""
        mean, std = (torch.tensor(values, device=pixels.device)[:, None, None] for values in (self.mean, self.std))
        return pixels.sub_(mean).div_(std)

    def pixels(self, samples: torch.Tensor, view: View, device: torch.device = CPU) -> torch.Tensor:
        """The view of `samples` before it is normalised, in [0, 1], (N, C, H, W) float32."""
        draws = _draws(samples, view)
        read = self._taken(samples, view, draws, device)
        if draws is None:
            return self._centre(read, device)
        pixels = self._window(read, draws, device) if view.augmentation == "fixed_crop" else read
        pixels = crops.flip_(pixels, draws.flips)
        if view.augmentation == "random_crop_jitter":
            pixels = crops.jittered(pixels, draws.factors)
        if view.augmentation == "randaugment":
            pixels = randaugmented(pixels, samples, self.mean, view.seed, view.epoch)
        return pixels

    def ahead(self, samples: torch.Tensor, view: View) -> None:
        """Begin to read what `batch` will be asked for next, in the background, where images are read from disk."""
        if isinstance(self.source, OnDisk):
            self.source.reading.begin(
                _named(samples, view), lambda: self._read(samples, view, _draws(samples, view), CPU)
            )

    def _taken(self, samples: torch.Tensor, view: View, draws: Draws | None, device: torch.device) -> torch.Tensor:
        if not isinstance(self.source, OnDisk):
            return self._read(samples, view, draws, device)
        read = functools.partial(self._read, samples, view, draws, CPU)
        return self.source.reading.take(_named(samples, view), read).to(device)

    def _read(self, samples: torch.Tensor, view: View, draws: Draws | None, device: torch.device) -> torch.Tensor:
        """What the view is made from: whole images as bytes, or random crops as float32 in [0, 1]."""
        if draws is None or view.augmentation == "fixed_crop":
            return self.source.canvas(samples)
        return self.source.crops(samples, draws, view.crop_scale, device)

    def _canvas(self, canvas: torch.Tensor, device: torch.device) -> torch.Tensor:
        canvas = canvas.to(device)
        return canvas if self.has_margin else crops.resized(canvas, self.size)

    def _centre(self, canvas: torch.Tensor, device: torch.device) -> torch.Tensor:
        return crops.as_float(crops.centred(self._canvas(canvas, device), self.size))

    def _window(self, canvas: torch.Tensor, draws: Draws, device: torch.device) -> torch.Tensor:
        canvas = self._canvas(canvas, device)
        if not self.has_margin:
            down, across = self.size[0] // 8, self.size[1] // 8
            canvas = F.pad(canvas, (across, across, down, down))
        room = canvas.shape[-2] - self.size[0], canvas.shape[-1] - self.size[1]
        return crops.as_float(crops.windows(canvas, draws.offsets(room), self.size))


def _draws(samples: torch.Tensor, view: View) -> Draws | None:
    return None if view.augmentation in ("none", "eval") else Draws.of(view, samples)


def _named(samples: torch.Tensor, view: View) -> tuple[View, tuple[int, ...]]:
    return view, tuple(samples.tolist())


def _shrunk(pixels: torch.Tensor, size: Size) -> torch.Tensor:
    """Small images made smaller once, where fewer pixels are asked for than they have."""
    height, width = pixels.shape[-2:]
    smaller = min(height, size[0]), min(width, size[1])
    return torch.cat([crops.resized(part, smaller) for part in torch.split(pixels, 4096)])


def _named_arrays(data: str, home: Path, split: Split) -> tuple[Pixels, Pixels]:
    """Images (n, C, h, w) and labels (n,)."""
    if data == "digits":
        return digits.arrays(split)
    if data == "cifar10":
        return cifar10.arrays(home, split)
    return fashion_mnist.arrays(home, split)


def _open_named(data: str, home: Path, split: Split, size: Size, in_chans: int, learnt: str) -> Images:
    images, labels = _named_arrays(data, home, split)
    padding = 2 if data == "fashion_mnist" and size == (32, 32) else 0  # 28×28 in a frame; elsewhere it is resized
    pixels = torch.from_numpy(images)  # (n, C, h, w)
    if size[0] < pixels.shape[-2] or size[1] < pixels.shape[-1]:
        pixels = _shrunk(pixels, size)
    mean, std = constants_of(learnt, home, in_chans)
    source = InMemory(pixels, in_chans=in_chans, size=size, padding=padding)
    return Images(source, size, torch.from_numpy(labels).long(), 10, mean, std, has_margin=False)


def _open_folder(
    data: str, home: Path, split: Split, size: Size, in_chans: int, learnt: str, memory_limit: int
) -> Images:
    folder = image_folder(data, home)
    known = folder_survey(folder, home)
    _refuse_other_channels(data, in_chans, {1, 3, known.in_chans} if known.kind == "photographs" else {known.in_chans})
    levels = measured_levels(learnt, home) if known.kind == "arrays" else None
    files = ImageFiles(list_folder(folder), split)
    # images that have the size asked for are seen whole; of others the margin of the paper's 256 for 224 is kept
    # (up to 224 px: at larger sizes, such as 448, the released fine-tuning takes the whole centre)
    has_margin = known.same_size != size and min(size) <= LARGEST_WITH_MARGIN
    stored = (round(size[0] * MARGIN), round(size[1] * MARGIN)) if has_margin else size
    source: Source
    if len(files) * in_chans * stored[0] * stored[1] <= memory_limit:
        pixels = decoded(files, stored, in_chans, home / "data" / "decoded", known.fingerprint, levels)
        source = InMemory(torch.from_numpy(pixels), in_chans=in_chans, size=size, corrupt=files.corrupt)
    else:
        source = OnDisk(files, in_chans=in_chans, size=size, stored=stored, levels=levels)
    labels = None if files.labels is None else torch.from_numpy(files.labels)
    return Images(source, size, labels, known.num_classes, *constants_of(learnt, home, in_chans), has_margin=has_margin)


def _refuse_other_channels(data: str, in_chans: int, readable: set[int]) -> None:
    if in_chans not in readable:
        known = " or ".join(map(str, sorted(readable)))
        raise DataError(f"{data} is read with {known} channels, not {in_chans}; change in_chans or choose other data.")


def open_images(
    data: str,
    home: Path,
    split: Split,
    image_size: Size,
    in_chans: int,
    fingerprint: str,
    *,
    normalised_as: str | None = None,
    memory_limit: int = MEMORY_LIMIT,
) -> Images:
    """One split of `data`, at `image_size` (height, width).

    Photographs have 1 or 3 channels as asked for, or 4 where the folder has alpha; arrays have their own. Pixels are
    normalised, and the values of arrays scaled, as those of the data `normalised_as`, which a model learnt from; None:
    as their own.

    Fashion-MNIST, CIFAR-10, the digits and folders of up to `memory_limit` bytes are kept decoded; larger folders
    are decoded for each batch.

    Raises:
        DataError: the data are absent, damaged, or not those of `fingerprint`.
    """
    info = describe(data, home)
    if info.fingerprint != fingerprint:
        raise DataError(
            f"the data changed since this run was planned ({data} was {fingerprint or 'not stated'} and is "
            f"{info.fingerprint}); plan it again by repeating the command, or put the old data back."
        )
    learnt = normalised_as or data
    if data in ("fashion_mnist", "cifar10", "digits"):
        _refuse_other_channels(data, in_chans, {1, 3})
        return _open_named(data, home, split, image_size, in_chans, learnt)
    if not info.available:
        raise DataError(
            f"{data} is not on this machine: put it in {image_folder(data, home)} or name its folder in $MAE_IMAGENET."
        )
    return _open_folder(data, home, split, image_size, in_chans, learnt, memory_limit)
