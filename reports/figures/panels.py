"""Panels: what the pre-trained models see, guess and should have guessed, the same images for each row shown."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from mae_core.recipes import EncoderRecipe
from mae_core.signature import Stage
from mae_core.store.run import Store
from reports.figures.style import styled
from reports.results import Results

NAME = "panels.npz"  # written by the stages that reconstruct
HEADS = ("masked", "reconstruction", "filled in", "original")
IMAGES = 4  # rows of a block
MOST_CASES = 4  # where there are more: the first, the default, the last, and those amid the widest gaps
SMALLEST = 96  # pixels down of a picture; smaller images are enlarged by a whole factor, so that pixels stay square
GAP = 2  # pixels between pictures
LINE = 960  # pixels across, at most, unless one block alone is wider
BETWEEN, HEAD = 16, 34  # pixels between blocks, and above each
DPI = 100

Pixels = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Panels:
    """What a model was shown and guessed: (N, C, H, W) in [0, 1], and how pixels were normalised if that is known."""

    originals: Pixels
    reconstructed: Pixels
    hidden: npt.NDArray[np.bool_]  # (N, H, W)
    patch_size: int
    mean: Pixels | None  # (C,)
    std: Pixels | None


def read(path: Path, patch_size: int) -> Panels | None:
    """The panels of a file; None where it is absent or damaged."""
    try:
        with path.open("rb") as file, np.load(file) as arrays:  # numpy leaves a damaged file it opened itself open
            originals, reconstructed, masked = (
                arrays[name].astype(np.float32) for name in ("originals", "reconstructed", "masked")
            )
            mean, std = (arrays[name].astype(np.float32) if name in arrays else None for name in ("mean", "std"))
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None
    return Panels(originals, reconstructed, _hidden(masked, patch_size), patch_size, mean, std)


def _hidden(masked: Pixels, patch_size: int) -> npt.NDArray[np.bool_]:
    """Which pixels the model did not see: those of patches that are grey throughout."""
    n, _, height, width = masked.shape
    down, across = height // patch_size, width // patch_size
    grey = (masked == 0.5).all(axis=1).reshape(n, down, patch_size, across, patch_size).all(axis=(2, 4))
    return np.repeat(np.repeat(grey, patch_size, axis=1), patch_size, axis=2)


def panels_of(stage: Stage, store: Store) -> Panels | None:
    """The panels of a stage, else of what it rests on."""
    for one in (stage, *stage.parents):
        finished = store.run(one.signature).finished
        encoder = next((s.recipe for s in (one, *one.parents) if isinstance(s.recipe, EncoderRecipe)), None)
        if finished and encoder and (found := read(finished.folder / NAME, encoder.patch_size)):
            return found
    return None


def found_panels(results: Results, home: Path) -> dict[str, Panels]:
    """Case key → the panels of its first seed that has any."""
    store, found = Store(home), dict[str, Panels]()
    for result in results.cells:
        if result.cell.stage and result.cell.case.key not in found and (one := panels_of(result.cell.stage, store)):
            found[result.cell.case.key] = one
    return found


def draw(results: Results, found: dict[str, Panels], folder: Path) -> Path | None:
    """Write `panels.png`, a block for each row shown; None where no panels are remembered yet."""
    if not found:
        return None
    path = folder / "panels.png"
    with styled():
        _compose([(_label(results, key), found[key]) for key in shown(results, found)]).savefig(
            path, dpi=DPI, metadata={"Software": None}
        )
    return path


def _label(results: Results, key: str) -> str:
    return results.ablation.case(key).label + (" (default)" if key == results.ablation.default else "")


def shown(results: Results, found: dict[str, Panels]) -> list[str]:
    """The case keys whose panels are drawn, in the ablation's order: all where it is reconstructions that it shows."""
    keys = list(found)
    if len(keys) <= MOST_CASES or "reconstruct" in results.ablation.protocols:
        return keys
    chosen = {0, len(keys) - 1} | {at for at, key in enumerate(keys) if key == results.ablation.default}
    while len(chosen) < MOST_CASES:
        before, after = max(itertools.pairwise(sorted(chosen)), key=lambda gap: gap[1] - gap[0])  # the first widest
        chosen.add((before + after + 1) // 2)
    return [keys[at] for at in sorted(chosen)]


def _compose(blocks: Sequence[tuple[str, Panels]]) -> Figure:
    """The figure, one picture pixel on one pixel of the file."""
    mosaics = [(label, _mosaic(one)) for label, one in blocks]
    down, across = (max(mosaic.shape[axis] for _, mosaic in mosaics) for axis in (0, 1))
    in_line = min(len(mosaics), max(1, (LINE + BETWEEN) // (across + BETWEEN)))
    lines = -(-len(mosaics) // in_line)
    width, height = in_line * (across + BETWEEN) - BETWEEN, lines * (down + HEAD)
    figure = Figure(figsize=(width / DPI, height / DPI))
    for number, (label, mosaic) in enumerate(mosaics):
        left = number % in_line * (across + BETWEEN)
        top = number // in_line * (down + HEAD) + HEAD
        tall, wide = mosaic.shape[:2]
        axes = figure.add_axes((left / width, 1 - (top + tall) / height, wide / width, tall / height))
        axes.imshow(mosaic, interpolation="nearest", aspect="auto")
        axes.set_axis_off()
        axes.text(0, 1 + 20 / tall, label, transform=axes.transAxes, fontsize=8, fontweight="bold")
        for place, head in enumerate(HEADS):
            axes.text((place + 0.5) / len(HEADS), 1 + 5 / tall, head, transform=axes.transAxes, fontsize=6, ha="center")
    return figure


def _mosaic(panels: Panels) -> Pixels:
    """A line for each image, a column for each of `HEADS`: (H, W, 3) in [0, 1]."""
    seen = ~panels.hidden[:, None]
    columns = (
        np.where(seen, panels.originals, 0.5),
        panels.reconstructed,
        np.where(seen, panels.originals, panels.reconstructed),
        panels.originals,
    )
    lines = zip(*(column[:IMAGES] for column in columns), strict=True)
    return np.concatenate([np.concatenate([_picture(image) for image in line], axis=1) for line in lines], axis=0)


def _picture(image: Pixels) -> Pixels:
    """(C, H, W) as (H + gap, W + gap, 3); one channel is grey, of more than three the first three are shown."""
    colour = np.repeat(image[:1], 3, axis=0) if len(image) < 3 else image[:3]
    times = -(-SMALLEST // image.shape[1]) if image.shape[1] < SMALLEST else 1
    large = colour.repeat(times, axis=1).repeat(times, axis=2).transpose(1, 2, 0)
    return np.pad(large, ((0, GAP), (0, GAP), (0, 0)), constant_values=1.0).clip(0, 1).astype(np.float32)
