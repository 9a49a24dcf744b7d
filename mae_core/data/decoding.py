"""Decoding: an image file of whatever mode as 8-bit grey or colour, at no more pixels than are needed.

Orientation tags are ignored, as in the field's loaders.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from mae_core.data.folders import Listing

Box = tuple[float, float, float, float]  # top, left, height, width as shares of the image


class UnreadableImage(Exception):
    """An image that cannot be decoded: damaged, cut short, empty, or of a mode that has no conversion."""


def _converted(image: Image.Image, in_chans: int) -> Image.Image:
    mode = "L" if in_chans == 1 else "RGB"
    if image.mode.startswith("I"):  # 16 bits: the upper eight, where Pillow would clip at 255
        image = Image.fromarray((np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8))
    if image.mode == "P":  # a palette may hold transparency, which only RGBA can carry
        image = image.convert("RGBA")
    return image.convert(mode)


def _opened(path: Path) -> Image.Image:
    try:
        return Image.open(path)
    except Exception as error:  # Pillow's readers let struct, zlib, index and other errors through
        raise UnreadableImage(str(path)) from error


def cover_box(image_size: tuple[int, int], size: tuple[int, int]) -> Box:
    """The largest central part of an image that has the shape of `size`.

    Resized to `size` it is what resizing the shorter side and cropping the centre gives.
    """
    scale = max(size[0] / image_size[0], size[1] / image_size[1])
    height, width = (min(1.0, want / scale / have) for want, have in zip(size, image_size, strict=True))
    return (1 - height) / 2, (1 - width) / 2, height, width


def decode(
    path: Path, size: tuple[int, int], in_chans: int, box_of: Callable[[tuple[int, int]], Box]
) -> npt.NDArray[np.uint8]:
    """A part of an image, resized to `size` with an antialiased bicubic filter.

    A JPEG is decoded at the smallest of the scales 1, 1/2, 1/4, 1/8 that still has the pixels needed; the result
    differs from a full decoding by the filter alone.

    Args:
        path: the file.
        size: height and width to resize to.
        in_chans: 1 for grey, 3 for colour, whatever the file holds.
        box_of: the part to take, given the image's height and width.

    Returns:
        (in_chans, *size).

    Raises:
        UnreadableImage: the file cannot be decoded.
    """
    with _opened(path) as image:
        top, left, height, width = box_of((image.height, image.width))
        try:
            image.draft(None, (math.ceil(size[1] / width), math.ceil(size[0] / height)))
            whole = _converted(image, in_chans)
            right, bottom = min(1.0, left + width) * whole.width, min(1.0, top + height) * whole.height
            part = (left * whole.width, top * whole.height, right, bottom)
            pixels = np.asarray(whole.resize((size[1], size[0]), Image.Resampling.BICUBIC, box=part))
        except Exception as error:
            raise UnreadableImage(str(path)) from error
    return np.array(pixels.reshape(*size, in_chans).transpose(2, 0, 1), order="C")  # a copy, which torch may write to


def _is_unreadable(path: Path) -> bool:
    try:
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
