"""Surveys: what a plan needs to know of an image folder, and what identifies it, remembered so that it is read once."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from mae_core.data.folders.listing import MAYBE_ARRAYS, Listing, split, walked
from mae_core.data.placement import placing, read_json
from mae_core.errors import DataError

Kind = Literal["photographs", "arrays"]

GREY_MODES = ("1", "L", "I", "I;16", "I;16L", "I;16B", "I;16N")  # Pillow's names
SAMPLED = 64  # images of each split opened to tell what they are
RELIST_UP_TO = 50_000  # files; a larger folder is taken as unchanged while its directories' times are
FINGERPRINTS = {"photographs": "folder", "arrays": "arrays"}  # what each kind's begins with


@dataclass(frozen=True)
class Survey:
    """What a plan needs to know about a folder, kept so that a million files are not read again."""

    fingerprint: str
    kind: Kind
    in_chans: int
    same_size: tuple[int, int] | None  # height, width shared by all sampled images
    num_classes: int
    num_train: int
    num_test: int

    @property
    def is_measured(self) -> bool:
        """Whether no constants are known for such images, so that they are measured on the train images."""
        return self.kind == "arrays" or self.in_chans not in (1, 3)


@dataclass(frozen=True)
class _Look:
    """What the head of one file says."""

    path: Path
    kind: Kind
    in_chans: int
    size: tuple[int, int]  # height, width
    shows_through: bool = False  # some of its alpha is not opaque


def _digest(images: dict[str, int]) -> str:
    """What identifies images: their relative paths and sizes in bytes."""
    digest = hashlib.sha256()
    for name in sorted(images):
        digest.update(os.fsencode(name) + b"\0" + str(images[name]).encode() + b"\0")
    return digest.hexdigest()[:16]


def _looked_at_array(path: Path) -> _Look | None:
    from mae_core.data.folders import arrays  # here, because photographs need no NumPy

    if not arrays.is_array(path):
        return None
    height, width, in_chans = arrays.shape_of(path)
    return _Look(path, "arrays", in_chans, (height, width))


def _looked(path: Path) -> _Look | None:
    """What `path` is, without reading its pixels where its head tells enough; None where it cannot be opened."""
    from PIL import Image  # here, because a folder that is known already opens no image

    try:
        if path.suffix.lower() in MAYBE_ARRAYS and (look := _looked_at_array(path)):
            return look
        with Image.open(path) as image:
            size, mode = (image.height, image.width), image.mode
            if mode == "RGBA":
                return _Look(path, "photographs", 4, size, image.getchannel("A").getextrema() != (255, 255))
            return _Look(path, "photographs", 1 if mode in GREY_MODES else 3, size)
    except DataError:
        raise
    except Exception:  # readers let struct, zlib, index and other errors through
        return None


def _sampled(root: Path, images: tuple[str, ...]) -> list[_Look]:
    """Looks at images spread evenly over `images`."""
    count = min(SAMPLED, len(images))
    looks = (_looked(root / images[index * len(images) // count]) for index in range(count))
    return [look for look in looks if look is not None]


def _refuse_mixture(looks: Iterable[_Look]) -> None:
    """Arrays have one number of channels; photographs of different ones are converted, but not beside arrays."""
    first, *others = looks
    for other in others:
        if other.kind != first.kind:
            raise DataError(
                f"{first.path} and {other.path} are of two kinds, {first.kind} and {other.kind}; keep one in the "
                f"folder."
            )
        if other.kind == "arrays" and other.in_chans != first.in_chans:
            raise DataError(
                f"{first.path} has {first.in_chans} channels and {other.path} has {other.in_chans}; give a folder "
                f"whose images all have the same."
            )


def _channels(looks: list[_Look]) -> int:
    """Grey only if all are; with alpha only if all have one and some of it shows through; else colour."""
    found = {look.in_chans for look in looks}
    if looks[0].kind == "arrays" or found == {1}:
        return looks[0].in_chans
    return 4 if found == {4} and any(look.shows_through for look in looks) else 3


def _surveyed(listing: Listing, digest: str) -> Survey:
    train, test = (_sampled(listing.root, images) for images in (listing.train, listing.test))
    looks = train if listing.train else test
    if not looks:
        count = min(SAMPLED, len(listing.train or listing.test))
        raise DataError(f"{listing.root}: none of {count} images can be opened; repair or replace them.")
    _refuse_mixture([*train, *test])
    sizes = {look.size for look in looks}
    return Survey(
        fingerprint=f"{FINGERPRINTS[looks[0].kind]}:{digest}",
        kind=looks[0].kind,
        in_chans=_channels(looks),
        same_size=sizes.pop() if len(sizes) == 1 else None,
        num_classes=len(listing.classes),
        num_train=len(listing.train),
        num_test=len(listing.test),
    )


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
    walk = walked(root, sizes=True)
    digest = _digest(walk.images)
    if known and known.fingerprint.endswith(f":{digest}") and directories == walk.directories:
        return known
    found = _surveyed(split(root, walk), digest)
    with suppress(OSError), placing(record) as temporary:  # a home that cannot be written costs time only
        temporary.write_text(json.dumps({"survey": asdict(found), "directories": walk.directories}))
    return found
