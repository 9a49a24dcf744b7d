"""Listings: which files of an image folder are train and which test, and which classes they have."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from mae_core.errors import DataError

SUFFIXES = (".jpg", ".jpeg", ".png", ".ppm", ".pgm", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".npy")
MAYBE_ARRAYS = (".npy", ".tif", ".tiff")  # the others are photographs
LAYOUTS = (
    "train/CLASS/* with val/CLASS/* (labelled), val/CLASS/* alone (to be scored on), train/* with val/* (unlabelled), "
    "or one folder of unlabelled images"
)


@dataclass(frozen=True)
class Listing:
    """The images of a folder in a fixed order, as paths relative to it with forward slashes."""

    root: Path
    train: tuple[str, ...]
    test: tuple[str, ...]
    classes: tuple[str, ...]  # in alphabetical order, which numbers them; empty: unlabelled

    def labels(self, images: tuple[str, ...]) -> list[int]:
        """The number of the class folder that each of `images` lies in."""
        numbers = {name: number for number, name in enumerate(self.classes)}
        return [numbers[image.split("/")[1 if self.train else -2]] for image in images]

    @property
    def groups(self) -> list[str]:
        """The folders between val/ and the class of each test image, as ImageNet-C's corruption/severity; or ""."""
        return ["" if self.train else "/".join(image.split("/")[1:-2]) for image in self.test]


class Walk:
    """One pass over a folder: its images with their sizes in bytes, its directories with their times of change."""

    def __init__(self, root: Path, *, sizes: bool) -> None:
        self.root, self.sizes = root, sizes
        self.images: dict[str, int] = {}
        self.directories: dict[str, int] = {}

    def visit(self, relative: str) -> None:
        """Take in everything below `relative`; hidden names and links that lead back up are left out."""
        directory = self.root / relative
        # before the names are read: a file that arrives in between makes the next look disagree
        self.directories[relative] = directory.stat().st_mtime_ns
        with os.scandir(directory) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                inside = f"{relative}/{entry.name}" if relative else entry.name
                if entry.name.startswith("."):
                    continue
                if entry.is_dir():
                    if not (entry.is_symlink() and directory.resolve().is_relative_to(Path(entry.path).resolve())):
                        self.visit(inside)
                elif entry.name.lower().endswith(SUFFIXES):
                    self.images[inside] = self._size(entry)

    def _size(self, entry: os.DirEntry[str]) -> int:
        if not self.sizes:
            return 0
        try:
            return entry.stat().st_size
        except OSError:  # a link to nothing: an image that cannot be read, met again when it is decoded
            return -1


def _is_test_only(root: Path) -> bool:
    """Whether `root` holds a folder val/ and nothing else."""
    if not (root / "val").is_dir():
        return False
    return all(path.name == "val" or path.name.startswith(".") for path in root.iterdir())


def walked(root: Path, *, sizes: bool) -> Walk:
    """What lies in `root`: in train/ and val/, in val/ alone, or anywhere. Raises DataError without images."""
    walk = Walk(root, sizes=sizes)
    if (root / "train").is_dir():
        if not (root / "val").is_dir():
            raise DataError(f"{root} has train/ but no val/; a data folder is laid out as {LAYOUTS}.")
        walk.directories[""] = root.stat().st_mtime_ns
        walk.visit("train")
        walk.visit("val")
    elif _is_test_only(root):
        walk.directories[""] = root.stat().st_mtime_ns
        walk.visit("val")
    else:
        walk.visit("")
    if not walk.images:
        raise DataError(f"{root} holds no images ({', '.join(SUFFIXES)}); a data folder is laid out as {LAYOUTS}.")
    return walk


def _classes(root: Path, split: str, images: list[str], directories: dict[str, int]) -> set[str]:
    """The class folders of one split; empty where its images lie in it directly."""
    loose = [image for image in images if image.count("/") == 1]
    folders = {name.split("/")[1] for name in directories if name.startswith(f"{split}/")}
    filled = {image.split("/")[1] for image in images if image.count("/") > 1}
    if not images:
        raise DataError(f"{root / split} holds no images; a data folder is laid out as {LAYOUTS}.")
    if loose and filled:
        raise DataError(f"{root / split} mixes images with class folders; move {loose[0]} into a class folder or out.")
    if filled and folders != filled:
        raise DataError(f"{root / split} has class folders without images ({_some(folders - filled)}); remove them.")
    return filled


def _some(names: set[str]) -> str:
    shown = ", ".join(sorted(names)[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown


def split(root: Path, walk: Walk) -> Listing:
    """The images that `walk` found, by split and class. Raises DataError where they are laid out in no known way."""
    images = sorted(walk.images)
    if "train" not in walk.directories:
        alone = all(image.startswith("val/") for image in images)
        return _split_test_only(root, images) if alone else _split_unlabelled(root, images)
    train = [image for image in images if image.startswith("train/")]
    test = [image for image in images if image.startswith("val/")]
    classes = _classes(root, "train", train, walk.directories)
    others = _classes(root, "val", test, walk.directories)
    if classes != others:
        raise DataError(
            f"{root}: train/ and val/ must hold the same class folders, but only one of them has "
            f"{_some(classes ^ others)}."
        )
    # one class tells nothing apart: a folder that only pleases a loader, so its images are unlabelled
    return Listing(root, tuple(train), tuple(test), tuple(sorted(classes)) if len(classes) > 1 else ())


def _split_test_only(root: Path, images: list[str]) -> Listing:
    """Images to be scored on by a model that learnt from others; the folder that each lies in is its class."""
    loose = [image for image in images if image.count("/") == 1]
    if loose:
        raise DataError(f"{root / 'val'} alone is to be scored on, so it needs classes; move {loose[0]} into a folder.")
    return Listing(root, (), tuple(images), tuple(sorted({image.split("/")[-2] for image in images})))


def _split_unlabelled(root: Path, images: list[str]) -> Listing:
    """A fixed tenth plays the test set: that of the smallest hashes, so it stays when the folder is copied."""
    if len(images) < 2:
        raise DataError(f"{root} holds a single image; give a folder of at least two, better of thousands.")
    ranked = sorted(images, key=lambda image: hashlib.blake2b(os.fsencode(image), digest_size=8).digest())
    test = set(ranked[: max(1, len(images) // 10)])
    train = tuple(image for image in images if image not in test)
    return Listing(root, train, tuple(sorted(test)), ())


def list_folder(root: Path) -> Listing:
    """Every image of `root` by split, without touching the files themselves.

    Raises:
        DataError: the folder is laid out in no known way.
    """
    return split(root, walked(root, sizes=False))
