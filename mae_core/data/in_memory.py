"""Images kept decoded: arrays of bytes on disk, mapped into memory and so shared by all processes of a machine."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from filelock import FileLock

from mae_core.data.folders.decoding import cover_box, decode
from mae_core.data.folders.files import ImageFiles
from mae_core.data.folders.levels import Levels
from mae_core.data.placement import placing, read_json
from mae_core.data.transforms import crops
from mae_core.data.transforms.views import Draws

Pixels = npt.NDArray[np.uint8]

MEMORY_LIMIT = 2 * 10**9  # bytes of one split; part of what is computed: above it, crops come from the full images
CHUNK = 256
DECODING = 2  # raised when the same file would be decoded to other pixels


def _mapped(path: Path, shape: tuple[int, ...]) -> Pixels | None:
    """The array in `path`; None where it is missing or not whole."""
    try:
        found: Pixels = np.load(path, mmap_mode="c")  # copy on write: torch wants memory it might write to
    except (OSError, ValueError, EOFError):
        return None
    return found if found.shape == shape else None


def kept(path: Path, shape: tuple[int, ...], rows: Callable[[], Iterable[Pixels]]) -> Pixels:
    """The array of `shape` in `path`; where there is none, it is written from `rows`, by one process alone.

    Args:
        path: the .npy file.
        shape: of the whole array.
        rows: called if need be; yields consecutive parts of the array.
    """
    found = _mapped(path, shape)
    if found is not None:
        return found
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock")):
        found = _mapped(path, shape)
        if found is None:
            with placing(path) as temporary, temporary.open("wb") as file:
                header = {"descr": np.dtype(np.uint8).str, "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_2_0(file, header)
                for part in rows():  # by write, which reports a full disk; a mapped page would end the process
                    file.write(np.ascontiguousarray(part).data)
            found = _mapped(path, shape)
    assert found is not None
    return found


def _decoded_chunks(
    files: ImageFiles, size: tuple[int, int], in_chans: int, levels: Levels | None, damage: Path
) -> Iterator[Pixels]:
    box_of = functools.partial(cover_box, size=size)
    make = functools.partial(decode, size=size, in_chans=in_chans, box_of=box_of, levels=levels)
    blank = np.zeros((in_chans, *size), np.uint8)
    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        for first in range(0, len(files), CHUNK):
            samples = range(first, min(first + CHUNK, len(files)))
            images = pool.map(lambda sample: files.read(sample, make), samples)
            yield np.stack([blank if image is None else image for image in images])
    files.refuse_damage()
    with placing(damage) as temporary:
        temporary.write_text(json.dumps({"damaged": files.damaged}))


def decoded(
    files: ImageFiles,
    size: tuple[int, int],
    in_chans: int,
    folder: Path,
    fingerprint: str,
    levels: Levels | None = None,
) -> Pixels:
    """Every image of `files` at `size` and `levels`, (n, in_chans, *size), decoded once into `folder`."""
    identity = repr((fingerprint, files.split, size, in_chans, DECODING, *([levels] if levels else [])))
    path = folder / f"{hashlib.sha256(identity.encode()).hexdigest()[:16]}.npy"
    damage = path.with_suffix(".json")
    rows = functools.partial(_decoded_chunks, files, size, in_chans, levels, damage)
    pixels = kept(path, (len(files), in_chans, *size), rows)
    files.know_damaged(read_json(damage).get("damaged", []))
    return pixels


class InMemory:
    """Images as bytes, (n, C, h, w), cropped in batches."""

    def __init__(
        self,
        pixels: torch.Tensor,
        *,
        in_chans: int,
        size: tuple[int, int],
        padding: int = 0,
        corrupt: tuple[Path, ...] = (),
    ) -> None:
        self.pixels, self.in_chans, self.size, self.padding, self.corrupt = pixels, in_chans, size, padding, corrupt

    def __len__(self) -> int:
        return len(self.pixels)

    def canvas(self, samples: torch.Tensor) -> torch.Tensor:
        """Whole images as bytes, (N, in_chans, h, w)."""
        imgs = self.pixels[samples]
        if self.padding:
            imgs = F.pad(imgs, (self.padding,) * 4)
        return crops.with_channels(imgs, self.in_chans)

    def crops(
        self, samples: torch.Tensor, draws: Draws, crop_scale: tuple[float, float], device: torch.device
    ) -> torch.Tensor:
        """Random resized crops, (N, in_chans, *size) float32 in [0, 1]."""
        imgs = self.canvas(samples).to(device)
        boxes = draws.boxes(crop_scale, imgs.shape[-1] / imgs.shape[-2], self.size[1] / self.size[0])
        return crops.resized_crops(crops.as_float(imgs), boxes, self.size)
