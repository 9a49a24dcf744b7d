"""Decoding: an image file as bytes, at no more pixels than are needed: photographs of any mode, and array files.

Orientation tags are ignored, as in the field's loaders.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from PIL import Image

from mae_core.data.folders import arrays
from mae_core.data.folders.levels import Levels
from mae_core.data.folders.listing import Listing
from mae_core.errors import DataError

MODES = {1: "L", 3: "RGB", 4: "RGBA"}  # Pillow's names, by channels

Box = tuple[float, float, float, float]  # top, left, height, width as shares of the image


class UnreadableImage(Exception):
    """An image that cannot be decoded: damaged, cut short, empty, or of a mode that has no conversion."""


class OtherChannels(Exception):
    """An array file with another number of channels, the argument, than the rest of its folder."""


def _converted(image: Image.Image, in_chans: int) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits: the upper eight, where Pillow would clip at 255
        image = Image.fromarray((np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8))
    if image.mode == "P":  # a palette may hold transparency, which only RGBA can carry
        image = image.convert("RGBA")
    return image.convert(MODES[in_chans])


def _opened(path: Path) -> Image.Image:
    try:
        return Image.open(path)
    except Exception as error:  # Pillow's readers let struct, zlib, index and other errors through
        raise UnreadableImage(str(path)) from error


def alpha_and_colour(path: Path) -> npt.NDArray[np.uint8]:
    """A photograph with its alpha, (H, W, 4)."""
    with _opened(path) as image:
        return np.asarray(image.convert("RGBA"))


def cover_box(image_size: tuple[int, int], size: tuple[int, int]) -> Box:
    """The largest central part of an image that has the shape of `size`.

    Resized to `size` it is what resizing the shorter side and cropping the centre gives.
    """
    scale = max(size[0] / image_size[0], size[1] / image_size[1])
    height, width = (min(1.0, want / scale / have) for want, have in zip(size, image_size, strict=True))
    return (1 - height) / 2, (1 - width) / 2, height, width


def decode(
    path: Path,
    size: tuple[int, int],
    in_chans: int,
    box_of: Callable[[tuple[int, int]], Box],
    levels: Levels | None = None,
) -> npt.NDArray[np.uint8]:
    """A part of an image, resized to `size` with an antialiased bicubic filter.

    A JPEG is decoded at the smallest of the scales 1, 1/2, 1/4, 1/8 that still has the pixels needed; the result
    differs from a full decoding by the filter alone. Parts of images at full scale begin and end at whole pixels, as
    torchvision's do.

    Args:
        path: the file.
        size: height and width to resize to.
        in_chans: 1 for grey, 3 for colour, 4 for colour with alpha, whatever a photograph holds; an array's own.
        box_of: the part to take, given the image's height and width.
        levels: the values that become 0 and 255 in an array file; None: the file is a photograph.

    Returns:
        (in_chans, *size).

    Raises:
        UnreadableImage: the file cannot be decoded.
        OtherChannels: the array has not `in_chans` channels.
        DataError: the array's shape is not (height, width, channels).
    """
    if levels is not None:
        return _decoded_array(path, size, in_chans, box_of, levels)
    with _opened(path) as image:
        _, _, height, width = box = box_of((image.height, image.width))
        whole_size = image.size
        try:
            image.draft(None, (math.ceil(size[1] / width), math.ceil(size[0] / height)))
            whole = _converted(image, in_chans)
            part = whole.crop(_pixels_of(box, whole.size)) if whole.size == whole_size else _resampled(whole, box, size)
            pixels = np.asarray(part).reshape(part.height, part.width, in_chans)
        except Exception as error:
            raise UnreadableImage(str(path)) from error
    return _resized(pixels, size)


def _resampled(whole: Image.Image, box: Box, size: tuple[int, int]) -> Image.Image:
    """The box of an image with few pixels left, whose fractions count therefore, which Pillow knows."""
    top, left, height, width = box
    right, bottom = min(1.0, left + width) * whole.width, min(1.0, top + height) * whole.height
    edges = (left * whole.width, top * whole.height, right, bottom)
    return whole.resize((size[1], size[0]), Image.Resampling.BICUBIC, box=edges)


def _pixels_of(box: Box, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the box in an image of `size` (width, height): whole pixels, one or more."""
    (top, height), (left, width) = (
        (min(round(begin * length), length - 1), max(1, round(extent * length)))
        for begin, extent, length in zip(box[:2], box[2:], size[::-1], strict=True)
    )
    return left, top, min(left + width, size[0]), min(top + height, size[1])


def _resized(pixels: npt.NDArray[np.uint8], size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """Bytes (H, W, C) to (C, *size), with an antialiased bicubic filter: PyTorch's, three times as fast as Pillow's."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")  # nobody writes to it
        planes = torch.from_numpy(pixels).permute(2, 0, 1)[None]
    if planes.shape[-2:] != size:
        planes = F.interpolate(planes, size, mode="bicubic", antialias=True)
    return planes[0].contiguous().numpy()


def _decoded_array(
    path: Path, size: tuple[int, int], in_chans: int, box_of: Callable[[tuple[int, int]], Box], levels: Levels
) -> npt.NDArray[np.uint8]:
    """The same of an array file: brought to its levels first, so that no glaring pixel rings, then resized."""
    try:
        values = arrays.read(path)  # (H, W, C)
    except DataError:
        raise
    except Exception as error:  # NumPy's and tifffile's readers let many through
        raise UnreadableImage(str(path)) from error
    if values.shape[2] != in_chans:
        raise OtherChannels(values.shape[2])
    rows, columns = values.shape[:2]
    top, left, height, width = box_of((rows, columns))
    part = (left * columns, top * rows, min(1.0, left + width) * columns, min(1.0, top + height) * rows)
    planes = np.ascontiguousarray(levels.scaled(values).transpose(2, 0, 1))
    made = [
        np.asarray(Image.fromarray(plane).resize((size[1], size[0]), Image.Resampling.BICUBIC, box=part))
        for plane in planes
    ]
    pixels: npt.NDArray[np.uint8] = np.rint(np.stack(made)).clip(0, 255).astype(np.uint8)
    return pixels


def _is_unreadable(path: Path) -> bool:
    try:
        if arrays.is_array(path):
            arrays.read(path)
            return False
        with _opened(path) as image:
            _converted(image, 3)
    except Exception:
        return True
    return False


def scan(listing: Listing) -> Iterator[Path]:
    """Every image of a folder that cannot be decoded, in order, all of them read in full."""
    paths = [listing.root / name for name in listing.train + listing.test]
    with ThreadPoolExecutor() as pool:
        yield from (path for path, bad in zip(paths, pool.map(_is_unreadable, paths), strict=True) if bad)
