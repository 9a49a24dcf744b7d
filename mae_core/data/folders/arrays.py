"""Array files: images with any number of channels and values of any size, as .npy or TIFF."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile

from mae_core.errors import DataError

TIFF = (".tif", ".tiff")
NODATA = "GDAL_NODATA"  # the tag in which GDAL notes the value of pixels without data

Values = npt.NDArray[Any]


def is_array(path: Path) -> bool:
    """Whether `path` is read as an array: a .npy file, or a TIFF that no photograph would be.

    A TIFF is a photograph where its first page is what cameras and drawing programs write: eight bits or one, grey or
    colour, with or without alpha, and no further pages of the same size that hold one channel each.

    Raises what tifffile raises on a damaged TIFF.
    """
    suffix = path.suffix.lower()
    if suffix not in TIFF:
        return suffix == ".npy"
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages.first
        alphas = sum(extra != tifffile.EXTRASAMPLE.UNSPECIFIED for extra in page.extrasamples)
        plain = (tifffile.PHOTOMETRIC.MINISBLACK, tifffile.PHOTOMETRIC.MINISWHITE, tifffile.PHOTOMETRIC.RGB)
        photograph = page.bitspersample in (1, 8) and page.sampleformat == tifffile.SAMPLEFORMAT.UINT
        if page.photometric in plain:  # the others, such as palettes and CMYK, are a camera's or a program's
            photograph = photograph and page.samplesperpixel - alphas in (1, 3)
        return not photograph or _has_pages(tiff.series[0])


def _has_pages(series: tifffile.TiffPageSeries) -> bool:
    return series.axes[0] not in "YXSC"


def shape_of(path: Path) -> tuple[int, int, int]:
    """Height, width and channels, without reading the values.

    Raises:
        DataError: a .npy file of another shape than (height, width, channels) or (height, width).
    """
    if path.suffix.lower() in TIFF:
        with tifffile.TiffFile(path) as tiff:
            series = tiff.series[0]
            order = _order(series.shape, series.axes)
            return series.shape[order[0]], series.shape[order[1]], prod(series.shape[axis] for axis in order[2:])
    return _shape_in_npy(path, np.load(path, mmap_mode="r", allow_pickle=False).shape)


def read(path: Path) -> Values:
    """The values of an array file, (height, width, channels); NaN where a TIFF says that there are no data.

    Raises DataError as `shape_of`, ValueError where there are no numbers, and what the readers raise on damage.
    """
    if path.suffix.lower() in TIFF:
        values = _read_tiff(path)
    else:
        values = np.load(path, allow_pickle=False)
        values = values.reshape(_shape_in_npy(path, values.shape))
    if values.dtype.kind not in "buif" or not values.size:
        raise ValueError(f"{path} holds {values.size} values of type {values.dtype}")
    return values


def _read_tiff(path: Path) -> Values:
    with tifffile.TiffFile(path) as tiff:
        series, tags = tiff.series[0], tiff.pages.first.tags
        values: Values = series.asarray(maxworkers=1)
        order = _order(series.shape, series.axes)
        nodata = float(tags[NODATA].value) if NODATA in tags else None
    values = values.transpose(order).reshape(*(values.shape[axis] for axis in order[:2]), -1)
    if nodata is not None:
        values = np.where(values == nodata, np.float32(np.nan), values.astype(np.float32))
    return values


def _order(shape: Sequence[int], axes: str) -> list[int]:
    """The axes of a TIFF: rows, columns, then whatever else there is, which are the channels.

    Three axes of which the file names only the pages may be an array (height, width, channels) that was written page by
    page; it is one where the last is the shortest.
    """
    if len(axes) == 3 and axes[0] not in "SC" and axes[1:] == "YX" and shape[2] < min(shape[:2]):
        return [0, 1, 2]
    rows, columns = axes.index("Y"), axes.index("X")
    return [rows, columns, *(axis for axis in range(len(axes)) if axis not in (rows, columns))]


def _shape_in_npy(path: Path, shape: tuple[int, ...]) -> tuple[int, int, int]:
    if len(shape) == 2:
        return shape[0], shape[1], 1
    if len(shape) != 3 or shape[0] < min(shape[1:]):
        raise DataError(f"{path} has the shape {shape}; save it as (height, width, channels).")
    return shape[0], shape[1], shape[2]
