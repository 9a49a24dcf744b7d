"""Normalisation: the mean and standard deviation that the pixels of some data are taken off and divided by."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mae_core.data.catalogue import KNOWN, folder_survey, image_folder
from mae_core.data.folders import arrays
from mae_core.data.folders.decoding import alpha_and_colour
from mae_core.data.folders.levels import Constants, Levels, levels_of
from mae_core.data.folders.listing import list_folder
from mae_core.data.folders.survey import Survey
from mae_core.errors import DataError

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
GREY_MEAN, GREY_STD = (0.459,), (0.226,)  # the same, weighted as grey is
FASHION_MNIST_MEAN, FASHION_MNIST_STD = (0.2190,), (0.3318,)  # of the train images padded to 32×32
DIGITS_MEAN, DIGITS_STD = (0.3095,), (0.3492,)  # of the train images at 32×32
OWN_CONSTANTS: Mapping[str, tuple[Constants, Constants]] = {
    "fashion_mnist": (FASHION_MNIST_MEAN, FASHION_MNIST_STD),
    "digits": (DIGITS_MEAN, DIGITS_STD),
}


def constants_of(data: str, home: Path, in_chans: int) -> tuple[Constants, Constants]:
    """Mean and standard deviation of each channel by which the images of `data` are normalised.

    Those of ImageNet for photographs, and for arrays and images with alpha those of their own train images.
    """
    if data in OWN_CONSTANTS:
        mean, std = OWN_CONSTANTS[data]
        return mean * in_chans, std * in_chans
    known = _survey_of(data, home)
    if known is not None and known.is_measured and known.in_chans == in_chans:
        levels = measured_levels(data, home)
        return levels.mean, levels.std
    return (IMAGENET_MEAN, IMAGENET_STD) if in_chans == 3 else (GREY_MEAN, GREY_STD)


def _survey_of(data: str, home: Path) -> Survey | None:
    """What is known of an image folder; None for other data, and for a folder that is not here."""
    if data in KNOWN and data != "imagenet1k":
        return None
    folder = image_folder(data, home)
    return folder_survey(folder, home) if folder.is_dir() else None


def measured_levels(data: str, home: Path) -> Levels:
    """The levels of the image folder `data`, measured on its train images and remembered in `home`.

    Raises:
        DataError: the folder has no train images, or none can be read.
    """
    folder = image_folder(data, home)
    known, listing = folder_survey(folder, home), list_folder(folder)
    if not listing.train:
        raise DataError(f"{folder} has val/ alone, so what its values mean is not known; put train/ beside it.")
    read = arrays.read if known.kind == "arrays" else alpha_and_colour
    record = home / "data" / "levels" / f"{known.fingerprint.replace(':', '-')}.json"
    return levels_of([folder / name for name in listing.train], read, record)
