"""Image folders: which files are train and which test, which classes they have, and what identifies the whole."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from mae_core.data.placement import placing, read_json
from mae_core.errors import DataError

SUFFIXES = (".jpg", ".jpeg", ".png", ".ppm", ".pgm", ".bmp", ".tif", ".tiff", ".webp", ".gif")
GREY_MODES = ("1", "L", "I", "I;16", "I;16L", "I;16B", "I;16N")  # Pillow's names
SAMPLED = 64  # images opened to tell grey from colour
RELIST_UP_TO = 50_000  # files; a larger folder is taken as unchanged while its directories' times are
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


@dataclass(frozen=True)
class Survey:
    """What a plan needs to know about a folder, kept so that a million files are not read again."""

    fingerprint: str
    in_chans: int
    same_size: tuple[int, int] | None  # height, width shared by all sampled images
    num_classes: int
    num_train: int
    num_test: int


class _Walk:
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


def _walked(root: Path, *, sizes: bool) -> _Walk:
    walk = _Walk(root, sizes=sizes)
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


def _split(root: Path, walk: _Walk) -> Listing:
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
    return _split(root, _walked(root, sizes=False))


def _fingerprint(images: dict[str, int]) -> str:
    digest = hashlib.sha256()
    for name in sorted(images):
        digest.update(os.fsencode(name) + b"\0" + str(images[name]).encode() + b"\0")
    return f"folder:{digest.hexdigest()[:16]}"


def _sampled(root: Path, images: tuple[str, ...]) -> tuple[int, tuple[int, int] | None]:
    """Channels, and the size that all share, from images spread evenly over `images`."""
    from PIL import Image  # here, because a folder that is known already opens no image

    count = min(SAMPLED, len(images))
    modes, sizes = set(), set()
    for index in range(count):
        with suppress(OSError), Image.open(root / images[index * len(images) // count]) as image:
            modes.add(image.mode)
            sizes.add((image.height, image.width))
    if not modes:
        raise DataError(f"{root}: none of {count} images can be opened; repair or replace them.")
    return 1 if modes <= set(GREY_MODES) else 3, sizes.pop() if len(sizes) == 1 else None


def _remembered(record: Path) -> tuple[Survey | None, dict[str, int]]:
    """The survey in `record` and the directories' times it was made at."""
    content = read_json(record)
    try:
        values = content["survey"]
        size = values["same_size"]
        return Survey(**{**values, "same_size": tuple(size) if size else None}), content["directories"]
    except (KeyError, TypeError):
        return None, {}


def _is_unchanged(root: Path, directories: dict[str, int]) -> bool:
    try:
        return all((root / name).stat().st_mtime_ns == time for name, time in directories.items())
    except OSError:
        return False


def survey(root: Path, records: Path, *, relist_up_to: int = RELIST_UP_TO) -> Survey:
    """What `root` holds, remembered in the folder `records`.

    A folder of up to `relist_up_to` files is listed again each time, which takes milliseconds and sees a file that was
    overwritten in place. A larger one is listed again only when one of its directories has changed.
    """
    record = records / f"{hashlib.blake2b(os.fsencode(root), digest_size=8).hexdigest()}.json"
    known, directories = _remembered(record)
    if known and known.num_train + known.num_test > relist_up_to and _is_unchanged(root, directories):
        return known
    walk = _walked(root, sizes=True)
    fingerprint = _fingerprint(walk.images)
    if known and known.fingerprint == fingerprint and directories == walk.directories:
        return known
    listing = _split(root, walk)
    in_chans, same_size = _sampled(root, listing.train or listing.test)
    found = Survey(fingerprint, in_chans, same_size, len(listing.classes), len(listing.train), len(listing.test))
    with suppress(OSError), placing(record) as temporary:  # a home that cannot be written costs time only
        temporary.write_text(json.dumps({"survey": asdict(found), "directories": walk.directories}))
    return found
