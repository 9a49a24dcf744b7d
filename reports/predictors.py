"""Trivial predictors: the loss that a guess without learning has, on the images whose panels are remembered."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mae_core.recipes import PretrainRecipe
from reports.figures.panels import Panels

Pixels = npt.NDArray[np.float64]
EPS = 1e-6  # added to a patch's variance, as pre-training does

MEAN_COLOUR = "mean colour of the data"
PATCH_MEAN = "each patch's own mean"
ZERO = "zero, the mean of a normalised patch"
INPAINTING = "harmonic in-painting"


def trivial_losses(panels: Panels, recipe: PretrainRecipe) -> dict[str, float]:
    """Predictor → mean squared error under the recipe's target, over the pixels its loss covers.

    Empty where the target is no pixels or the panels do not say how pixels were normalised.
    """
    if recipe.target not in ("pixel", "norm_pixel") or panels.mean is None or panels.std is None:
        return {}
    mean, std = (values.astype(np.float64)[:, None, None] for values in (panels.mean, panels.std))
    images = (panels.originals.astype(np.float64) - mean) / std
    covered = panels.hidden if recipe.loss_on == "masked" else np.ones_like(panels.hidden)
    weights = patches(np.broadcast_to(covered[:, None], images.shape).astype(np.float64), panels.patch_size)
    filled = patches(np.stack([inpainted(i, h) for i, h in zip(images, panels.hidden, strict=True)]), panels.patch_size)
    pixels = patches(images, panels.patch_size)

    def loss(guess: Pixels, target: Pixels) -> float:
        return float((weights * (guess - target) ** 2).sum() / weights.sum())

    if recipe.target == "norm_pixel":
        target = normalised(pixels)
        return {ZERO: loss(np.zeros_like(target), target), INPAINTING: loss(normalised(filled), target)}
    own = np.broadcast_to(pixels.mean(axis=(-2, -1), keepdims=True), pixels.shape)
    return {
        MEAN_COLOUR: loss(np.zeros_like(pixels), pixels),
        PATCH_MEAN: loss(own, pixels),
        INPAINTING: loss(filled, pixels),
    }


def patches(images: Pixels, size: int) -> Pixels:
    """(N, C, H, W) as (N, L, C, size²)."""
    n, channels, height, width = images.shape
    cut = images.reshape(n, channels, height // size, size, width // size, size)
    return cut.transpose(0, 2, 4, 1, 3, 5).reshape(n, -1, channels, size * size)


def normalised(pixels: Pixels) -> Pixels:
    """Patches (…, C, size²) less their mean, by their deviation, all channels together."""
    axes = (-2, -1)
    less = pixels - pixels.mean(axis=axes, keepdims=True)
    variance = (less**2).sum(axis=axes, keepdims=True) / (pixels.shape[-2] * pixels.shape[-1] - 1)
    scaled: Pixels = less / np.sqrt(variance + EPS)
    return scaled


def inpainted(image: Pixels, hidden: npt.NDArray[np.bool_]) -> Pixels:
    """`image` (C, H, W) with its hidden pixels the smoothest possible: each the mean of its four neighbours."""
    from scipy.sparse import diags_array, eye_array, kron
    from scipy.sparse.csgraph import laplacian
    from scipy.sparse.linalg import splu

    down, across = (diags_array([1.0, 1.0], offsets=[-1, 1], shape=(size, size)) for size in hidden.shape)
    height, width = (eye_array(size) for size in hidden.shape)
    balance = laplacian(kron(height, across) + kron(down, width)).tocsr()[hidden.ravel()]
    filled = image.copy()
    pull = -balance[:, ~hidden.ravel()] @ image[:, ~hidden].T
    filled[:, hidden] = splu(balance[:, hidden.ravel()].tocsc()).solve(pull).T
    return filled
