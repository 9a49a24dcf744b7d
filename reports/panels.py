"""Panels: what the pre-trained models see, guess and should have guessed, for three rows of an ablation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt
from matplotlib import rc_context
from matplotlib.figure import Figure

from mae_core.recipes import PretrainRecipe
from mae_core.store.run import Store
from reports.figure import STYLE
from reports.results import Result, Results

NAME = "panels.npz"  # written by pre-training
COLUMNS = ("masked", "reconstructed", "originals")
HEADS = "masked | reconstruction | original"
IMAGES = 4  # rows of the figure
GAP = 2  # pixels between pictures
WIDTH, HEAD = 2.5, 0.35  # inches

Pixels = npt.NDArray[np.float32]


def draw(results: Results, home: Path, folder: Path) -> Path | None:
    """Write `panels.png`: three rows of the ablation side by side; None where no panels are remembered yet."""
    found = [(label, pixels) for label, path in _chosen(results, Store(home)) if (pixels := _mosaic(path)) is not None]
    if not found:
        return None
    path = folder / "panels.png"
    with rc_context(fname=STYLE):
        height, width = found[0][1].shape[:2]
        tall = WIDTH * height / width
        figure = Figure(figsize=(WIDTH * len(found), tall + HEAD))
        figure.subplots_adjust(0, 0, 1, tall / (tall + HEAD), wspace=0.06)
        for axes, (label, pixels) in zip(figure.subplots(1, len(found), squeeze=False)[0], found, strict=True):
            axes.imshow(pixels, interpolation="nearest")
            axes.set_title(f"{label}\n{HEADS}", fontsize=7)
            axes.set_axis_off()
        figure.savefig(path, metadata={"Software": None})
    return path


def _chosen(results: Results, store: Store) -> list[tuple[str, Path]]:
    """Label and file of the first, the default and the last row whose pre-training is finished, at the first seed."""
    files: dict[str, tuple[str, Path]] = {}
    for result in results.cells:
        path = _file(result, store)
        if path is not None:
            files.setdefault(result.cell.case.key, (result.cell.case.label, path))
    keys = list(files)
    wanted = dict.fromkeys([*keys[:1], results.ablation.default, *keys[-1:]])
    return [files[key] for key in wanted if key in files]


def _file(result: Result, store: Store) -> Path | None:
    for parent in result.cell.stage.parents if result.cell.stage else ():
        finished = store.run(parent.signature).finished
        if isinstance(parent.recipe, PretrainRecipe) and finished and (finished.folder / NAME).is_file():
            return finished.folder / NAME
    return None


def _mosaic(path: Path) -> Pixels | None:
    """A row for each image, masked | reconstruction | original, (H, W, 3) in [0, 1]; None for a damaged file."""
    try:
        with path.open("rb") as file, np.load(file) as arrays:  # numpy leaves a damaged file it opened itself open
            columns = [arrays[name][:IMAGES].astype(np.float32) for name in COLUMNS]  # (N, C, H, W)
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None
    return _tiled([[_picture(image) for image in images] for images in zip(*columns, strict=True)])


def _picture(image: Pixels) -> Pixels:
    """(C, H, W) as (H + gap, W + gap, 3); one channel is grey, of more than three the first three are shown."""
    colour = np.repeat(image[:1], 3, axis=0) if len(image) < 3 else image[:3]
    return np.pad(colour.transpose(1, 2, 0), ((0, GAP), (0, GAP), (0, 0)), constant_values=1.0).clip(0, 1)


def _tiled(pictures: Sequence[Sequence[Pixels]]) -> Pixels:
    return np.concatenate([np.concatenate(row, axis=1) for row in pictures], axis=0)
