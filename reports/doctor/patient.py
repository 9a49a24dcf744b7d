"""A patient: everything the store remembers of one run, read once, without loading torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mae_core.recipes import EncoderRecipe, PretrainRecipe, Recipe
from mae_core.signature import Stage, from_document
from mae_core.store.run import Run
from reports.doctor.views import Views
from reports.figures.panels import NAME as PANELS
from reports.figures.panels import Panels, read
from reports.measures.predictors import normalised, patches

WEIGHTS = "weights.safetensors"


@dataclass(frozen=True)
class Patient:
    """A run and what its stage is."""

    run: Run
    stage: Stage
    home: Path
    views: Views | None = None  # those of the home, where several patients share them

    @classmethod
    def of(cls, run: Run, home: Path) -> Patient | None:
        """The run of a readable recipe, else None."""
        document = run.document
        return None if document is None else cls(run, from_document(document), home)

    @property
    def recipe(self) -> Recipe:
        """The recipe as it is run."""
        return self.stage.recipe

    @cached_property
    def journal(self) -> list[Mapping[str, float]]:
        """The rows that have a loss."""
        return [row for row in self.run.rows() if "loss" in row]

    @cached_property
    def record(self) -> Mapping[str, Any]:
        """How the run ended; empty while it goes on."""
        return self.run.record or {}

    @cached_property
    def folder(self) -> Path | None:
        """Where the finished attempt is."""
        return self.run.finished.folder if self.run.finished else None

    @cached_property
    def tensors(self) -> list[str] | None:
        """The names of what its weights hold; None where they are absent or damaged."""
        from safetensors import SafetensorError, safe_open

        if self.folder is None or not self.has_weights:
            return None
        try:
            with safe_open(self.folder / WEIGHTS, "numpy") as file:
                return list(file.keys())
        except (OSError, SafetensorError):
            return None

    @property
    def has_weights(self) -> bool:
        """Whether its weights are here."""
        return self.folder is not None and (self.folder / WEIGHTS).is_file()

    @cached_property
    def encoder(self) -> EncoderRecipe | None:
        """The encoder that the run trains or rests on."""
        stages = (self.stage, *self.stage.parents)
        return next((stage.recipe for stage in stages if isinstance(stage.recipe, EncoderRecipe)), None)

    @cached_property
    def panels(self) -> Panels | None:
        """What a pre-training saw and guessed of a few test images."""
        if self.folder is None or self.encoder is None:
            return None
        return read(self.folder / PANELS, self.encoder.patch_size)

    @cached_property
    def guesses(self) -> Guesses | None:
        """The panels of a pre-training on pixels, patch by patch in the units of its loss."""
        recipe, panels = self.recipe, self.panels
        if not isinstance(recipe, PretrainRecipe) or panels is None or panels.mean is None or panels.std is None:
            return None
        if recipe.target not in ("pixel", "norm_pixel"):
            return None
        mean, std = (values.astype(np.float64)[:, None, None] for values in (panels.mean, panels.std))
        images, guessed = (
            patches((pixels.astype(np.float64) - mean) / std, recipe.patch_size)
            for pixels in (panels.originals, panels.reconstructed)
        )
        hidden = np.broadcast_to(panels.hidden[:, None], (*panels.hidden.shape[:1], 1, *panels.hidden.shape[1:]))
        of_patch = patches(hidden.astype(np.float64), recipe.patch_size)[:, :, 0, 0] > 0
        return Guesses(images, guessed, of_patch, normal=recipe.target == "norm_pixel")


@dataclass(frozen=True)
class Guesses:
    """Patches (N, L, C, size²) of originals and guesses, and which of them (N, L) were hidden."""

    images: npt.NDArray[np.float64]
    guessed: npt.NDArray[np.float64]
    hidden: npt.NDArray[np.bool_]
    normal: bool  # patches are normalised before they are compared

    def _error(self, guess: npt.NDArray[np.float64]) -> float:
        """Mean squared error over hidden patches in the units of the loss."""
        difference = self.images - guess
        if self.normal:
            size = self.images.shape[-2] * self.images.shape[-1]
            difference = difference / np.sqrt(self.images.var(axis=(-2, -1), keepdims=True) * size / (size - 1) + 1e-6)
        return float((difference[self.hidden] ** 2).mean())

    @property
    def loss(self) -> float:
        """The model's own loss on these images."""
        return self._error(self.guessed)

    @property
    def trivial(self) -> float:
        """The loss of the guess that needs no learning: zero, the mean colour, or a normalised patch's mean."""
        if self.normal:
            return float((normalised(self.images)[self.hidden] ** 2).mean())
        return self._error(np.zeros_like(self.images))

    def variance(self, pixels: npt.NDArray[np.float64]) -> float:
        """The variance within hidden patches."""
        return float(pixels.var(axis=(-2, -1))[self.hidden].mean())

    def spread(self, pixels: npt.NDArray[np.float64]) -> float:
        """The variance between images of the mean of each hidden patch, place by place."""
        means = np.ma.masked_array(pixels.mean(axis=(-2, -1)), ~self.hidden)
        return float(means.var(axis=0).mean())
