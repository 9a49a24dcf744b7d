"""Image files for the tests to read, whole ones of any mode and damaged ones; and opening them as a run does."""

import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from mae_core.data.catalogue import describe
from mae_core.data.images import open_images

DAMAGES = ("empty", "cut short", "not an image", "a link to nothing")


def picture(size=(20, 24), mode="RGB", seed=0):
    """A smooth random picture of `size` (height, width)."""
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), np.uint8)
    image = Image.fromarray(coarse).resize((size[1], size[0]), Image.Resampling.BICUBIC)
    if mode == "I;16":
        return Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)
    return image.convert(mode)


def paint(path, size=(20, 24), mode="RGB", seed=0):
    """Write a picture; the suffix says the format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture(size, mode, seed).save(path)
    return path


def damage(path, how):
    """Spoil the image file `path` in one of the `DAMAGES`."""
    content = path.read_bytes()
    path.unlink()
    if how == "a link to nothing":
        path.symlink_to(path.parent / "gone.png")
    else:
        path.write_bytes({"empty": b"", "cut short": content[: len(content) * 2 // 3], "not an image": b"<html>"}[how])


def paint_split(root, classes=("cat", "dog"), train=4, test=2, **picture_settings):
    """A labelled folder of PNGs: `train` and `test` images in each class."""
    for split, count in (("train", train), ("val", test)):
        for label, name in enumerate(classes):
            for index in range(count):
                path = root / split / name / f"{index:03}.png"
                paint(path, seed=1000 * label + 10 * index + (split == "val"), **picture_settings)
    return root


def strew(root, shape, classes=("cat", "dog"), train=4, test=2, splits=("train", "val")):
    """A labelled folder of .npy files of `shape` (height, width, channels) and up to 10,000, as satellites count."""
    for split, count in (("train", train), ("val", test)):
        for label, name in enumerate(classes if split in splits else ()):
            (root / split / name).mkdir(parents=True)
            for index in range(count):
                draw = np.random.default_rng([label, index, split == "val"])
                channels = [picture(shape[:2], "L", int(draw.integers(10**6))) for _ in range(shape[2])]
                values = np.stack(channels, axis=2).astype(np.uint16) * 39
                np.save(root / split / name / f"{index:03}.npy", values)
    return root


def copied(root: Path, to: Path) -> Path:
    """A copy of a folder, elsewhere."""
    return Path(shutil.copytree(root, to, symlinks=True))


def opened(data, home, split="train", size=(32, 32), in_chans=None, **limits):
    """The images of `data`, at its own channels and as it is now."""
    info = describe(str(data), home)
    return open_images(str(data), home, split, size, in_chans or info.in_chans, info.fingerprint, **limits)
