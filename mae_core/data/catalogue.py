"""The catalogue: which data there are and what a plan needs to know of them, without loading torch or an image."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mae_core.data.folders.listing import LAYOUTS, list_folder
from mae_core.data.folders.survey import Survey, survey
from mae_core.data.placement import is_checked
from mae_core.errors import DataError, hint

# the published files; the labels' names say what the images' do
FASHION_MNIST_SHA256 = {
    "train-images-idx3-ubyte.gz": "b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7",
    "train-labels-idx1-ubyte.gz": "0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056",
    "t10k-images-idx3-ubyte.gz": "cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa",
    "t10k-labels-idx1-ubyte.gz": "8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05",
}
# torchvision refuses batches with other sums when it opens them
CIFAR10_MD5 = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
}

DIGITS_SHA256 = "87ff0c9e40dc7e2c0e34e7257799c2e3f3aec1a016363bb11cad869ec428a826"  # levels, then labels, as bytes
DIGITS_TRAIN = 1347  # of 1797


@dataclass(frozen=True)
class DataInfo:
    """What a plan needs to know of the data it runs on."""

    name: str  # for labels and file names
    data: str  # as the user wrote it; a folder as its absolute path
    fingerprint: str
    in_chans: int
    num_classes: int  # 0: unlabelled
    num_train: int
    num_test: int
    labelled: bool
    available: bool  # on this machine, now
    same_size: tuple[int, int] | None = None  # height, width of all images, where they share it and it is known


def _published(name: str, checksums: dict[str, str]) -> str:
    """The fingerprint of data that are known by their published checksums, so that nothing is read."""
    return f"{name}:{hashlib.sha256(' '.join(checksums.values()).encode()).hexdigest()[:16]}"


def _fashion_mnist(home: Path) -> DataInfo:
    return DataInfo(
        name="fashion_mnist",
        data="fashion_mnist",
        fingerprint=_published("fashion_mnist", FASHION_MNIST_SHA256),
        in_chans=1,
        num_classes=10,
        num_train=60_000,
        num_test=10_000,
        labelled=True,
        available=is_checked(home / "data" / "fashion_mnist"),
    )


def _cifar10(home: Path) -> DataInfo:
    folder = home / "data" / "cifar-10-batches-py"
    return DataInfo(
        name="cifar10",
        data="cifar10",
        fingerprint=_published("cifar10", CIFAR10_MD5),
        in_chans=3,
        num_classes=10,
        num_train=50_000,
        num_test=10_000,
        labelled=True,
        available=all((folder / name).is_file() for name in CIFAR10_MD5),
    )


def _digits(home: Path) -> DataInfo:
    return DataInfo(
        name="digits",
        data="digits",
        fingerprint=f"digits:{DIGITS_SHA256[:16]}",
        in_chans=1,
        num_classes=10,
        num_train=DIGITS_TRAIN,
        num_test=1797 - DIGITS_TRAIN,
        labelled=True,
        available=True,  # a part of scikit-learn
    )


def image_folder(data: str, home: Path) -> Path:
    """The folder that `data`, imagenet1k or a folder, means; whether or not it exists."""
    if data == "imagenet1k":
        return Path(os.environ.get("MAE_IMAGENET") or home / "data" / "imagenet1k").expanduser().absolute()
    return Path(data).expanduser().resolve()


def _surveyed(name: str, data: str, folder: Path, home: Path) -> DataInfo:
    found = folder_survey(folder, home)
    return DataInfo(
        name=name,
        data=data,
        fingerprint=found.fingerprint,
        in_chans=found.in_chans,
        num_classes=found.num_classes,
        num_train=found.num_train,
        num_test=found.num_test,
        labelled=found.num_classes > 0,
        available=True,
        same_size=found.same_size,
    )


def class_names(data: str, home: Path) -> tuple[str, ...]:
    """The class folders of the image folder that `data` means, in the order that numbers them; () for other data.

    Raises:
        DataError: the folder is not on this machine.
    """
    if data in KNOWN and data != "imagenet1k":
        return ()
    folder = image_folder(data, home)
    if not folder.is_dir():
        raise DataError(f"{folder} is not on this machine; the names of its classes are needed, so put it there.")
    return list_folder(folder).classes


def folder_survey(folder: Path, home: Path) -> Survey:
    """What the image folder holds, remembered in `home`."""
    return survey(folder, home / "data" / "fingerprints")


def _imagenet1k(home: Path) -> DataInfo:
    folder = image_folder("imagenet1k", home)
    if folder.is_dir():
        return _surveyed("imagenet1k", "imagenet1k", folder, home)
    return DataInfo(
        name="imagenet1k",
        data="imagenet1k",
        fingerprint="imagenet1k:absent",
        in_chans=3,
        num_classes=1000,
        num_train=1_281_167,
        num_test=50_000,
        labelled=True,
        available=False,
    )


KNOWN: Mapping[str, Callable[[Path], DataInfo]] = {
    "fashion_mnist": _fashion_mnist,
    "cifar10": _cifar10,
    "digits": _digits,
    "imagenet1k": _imagenet1k,
}


def describe(data: str, home: Path) -> DataInfo:
    """What is known of `data`: a name of `KNOWN`, or an image folder of any of `LAYOUTS`.

    ImageNet is looked for in $MAE_IMAGENET, then in the home's data/imagenet1k.

    Raises:
        DataError: neither a known name nor a folder with images laid out as it should be.
    """
    if data in KNOWN:
        return KNOWN[data](home)
    if not data:
        raise DataError("--data is empty; name a data set or a folder, or leave it out for the scale's own.")
    folder = image_folder(data, home)
    if not folder.is_dir():
        near = f"{found} " if (found := hint(data, KNOWN)) else ""
        raise DataError(
            f"{data!r} is neither a known data set nor a folder: {near}write one of {', '.join(KNOWN)}, or a folder "
            f"laid out as {LAYOUTS}."
        )
    return _surveyed(re.sub(r"[^\w.-]+", "_", folder.name) or "images", str(folder), folder, home)
