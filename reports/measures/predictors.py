"""Trivial predictors: the loss that a guess without learning has, on train views that pre-trainings remember."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mae_core.recipes import PretrainRecipe
from mae_core.store.run import Store
from reports.figures.panels import NAME
from reports.figures.panels import read as read_panels
from reports.measures.curves import Curve

Pixels = npt.NDArray[np.float64]
EPS = 1e-6  # added to a patch's variance, as pre-training does

MEAN_COLOUR = "mean colour of the data"
PATCH_MEAN = "each patch's own mean"
ZERO = "zero, the mean of a normalised patch"
INPAINTING = "harmonic in-painting"
COMPONENT_MEAN = "mean of the components"
TOKEN_SHARES = "each token's share of held-out patches"


@dataclass(frozen=True)
class Shown:
    """Images as a loss sees them: pixels (N, C, H, W) in [0, 1], what is hidden of them, how they are normalised."""

    pixels: Pixels
    hidden: npt.NDArray[np.bool_]  # (N, H, W)
    mean: Pixels  # (C,)
    std: Pixels


@dataclass(frozen=True)
class Kept:
    """Of a target of principal components: their number, and the share of the variance in them, in per cent."""

    explained_variance: float | None = None
    components: float | None = None


NOT_KEPT = Kept()


def trivial_of_targets(curves: Sequence[Curve], default: str, store: Store) -> dict[str, dict[str, float]]:
    """Target → the losses of trivial predictors, at the default row, else at the first row of that target.

    In-painting is named with the masking ratio of that row, as rows of other ratios stand beside it.
    """
    found: dict[str, dict[str, float]] = {}
    for curve in sorted(curves, key=lambda curve: curve.key != default):
        losses = {} if curve.recipe.target in found else _losses_in_runs(curve, store)
        if losses:
            masked = f" at {curve.recipe.mask_ratio:.0%}".replace("%", " %")  # it paints in from what this ratio leaves
            found[curve.recipe.target] = {
                name + (masked if name == INPAINTING else ""): loss for name, loss in losses.items()
            }
    return found


def constant_guess(
    recipe: PretrainRecipe, metrics: Mapping[str, float], shown: Callable[[], Shown | None]
) -> tuple[str, float] | None:
    """The predictor that guesses the same for every patch, whatever is seen of the image, and its loss.

    `metrics` are those of the stage that fitted the target, if any did. `shown` is asked for only where the target
    needs pixels. None where something that it takes is not known.
    """
    if recipe.target == "token":
        losses = _losses_on_tokens(metrics)
    else:
        images = shown()
        losses = _losses_of_means(images, recipe, _kept(metrics)) if images else {}
    return next(((name, loss) for name, loss in losses.items() if name != PATCH_MEAN), None)


def _losses_in_runs(curve: Curve, store: Store) -> Mapping[str, float]:
    metrics = _metrics_of_target(curve, store)
    if curve.recipe.target == "token":
        return _losses_on_tokens(metrics)
    runs = (store.run(signature).finished for signature in curve.runs)
    paths = (run.folder / NAME for run in runs if run)
    kept = _kept(metrics)
    found = (_losses_in(path, path.stat().st_mtime_ns, curve.recipe, kept) for path in paths if path.is_file())
    return next((losses for losses in found if losses), {})


def _metrics_of_target(curve: Curve, store: Store) -> Mapping[str, float]:
    """What the first finished stage measured that fitted the curve's target."""
    records = (store.run(signature) for signature in curve.fitted)
    return next(((run.record or {}).get("metrics", {}) for run in records if run.finished), {})


def _kept(metrics: Mapping[str, float]) -> Kept:
    return Kept(**{name: metrics.get(name) for name in ("explained_variance", "components")})


def _losses_on_tokens(metrics: Mapping[str, float]) -> dict[str, float]:
    return {TOKEN_SHARES: math.log(metrics["perplexity"])} if "perplexity" in metrics else {}


@functools.lru_cache(64)  # most ablations have the same default row
def _losses_in(path: Path, changed: int, recipe: PretrainRecipe, kept: Kept) -> Mapping[str, float]:
    """The losses by the views in `path`, as it was when it was `changed`; empty where none can be read."""
    shown = read(path, recipe)
    return trivial_losses(shown, recipe, kept) if shown else {}


def read(path: Path, recipe: PretrainRecipe) -> Shown | None:
    """The train views that a pre-training kept beside its panels, cropped as it crops; else the panels' test images.

    None where the file is absent or damaged, or does not say how pixels were normalised.
    """
    panels = read_panels(path, recipe.patch_size)
    if panels is None or panels.mean is None or panels.std is None:
        return None
    mean, std = panels.mean.astype(np.float64), panels.std.astype(np.float64)
    with path.open("rb") as file, np.load(file) as arrays:
        if "views" not in arrays:  # older runs
            return Shown(panels.originals.astype(np.float64), panels.hidden, mean, std)
        views, hidden = arrays["views"].astype(np.float64), arrays["views_hidden"].reshape(-1, *recipe.grid)
    of_pixels = hidden.repeat(recipe.patch_size, axis=1).repeat(recipe.patch_size, axis=2)
    return Shown(views, of_pixels, mean, std)


def trivial_losses(shown: Shown, recipe: PretrainRecipe, kept: Kept = NOT_KEPT) -> dict[str, float]:
    """Predictor → mean squared error under the recipe's target, over the pixels its loss covers.

    Empty where the target is neither pixels nor components whose number and share of variance are known.
    """
    losses = _losses_of_means(shown, recipe, kept)
    if recipe.target in ("pixel", "norm_pixel"):
        size, images = recipe.patch_size, _normal(shown)
        filled = patches(np.stack([inpainted(i, h) for i, h in zip(images, shown.hidden, strict=True)]), size)
        losses[INPAINTING] = _loss(shown, recipe, filled)
    return losses


def _losses_of_means(shown: Shown, recipe: PretrainRecipe, kept: Kept) -> dict[str, float]:
    """Those of the predictors that guess means."""
    if recipe.target == "pca":
        return _losses_on_components(shown, recipe, kept)
    if recipe.target not in ("pixel", "norm_pixel"):
        return {}
    pixels = patches(_normal(shown), recipe.patch_size)
    own = np.broadcast_to(pixels.mean(axis=(-2, -1), keepdims=True), pixels.shape)
    if recipe.target == "norm_pixel":
        return {ZERO: _loss(shown, recipe, own)}
    return {MEAN_COLOUR: _loss(shown, recipe, np.zeros_like(pixels)), PATCH_MEAN: _loss(shown, recipe, own)}


def _normal(shown: Shown) -> Pixels:
    """The images in the units of the model's input."""
    return (shown.pixels - shown.mean[:, None, None]) / shown.std[:, None, None]


def _loss(shown: Shown, recipe: PretrainRecipe, guess: Pixels) -> float:
    """The mean squared error of the patches `guess` under a target of pixels, over the pixels that the loss covers."""
    covered = shown.hidden if recipe.loss_on == "masked" else np.ones_like(shown.hidden)
    weights = patches(np.broadcast_to(covered[:, None], shown.pixels.shape).astype(np.float64), recipe.patch_size)
    target = patches(_normal(shown), recipe.patch_size)
    if recipe.target == "norm_pixel":
        guess, target = normalised(guess), normalised(target)
    return float((weights * (guess - target) ** 2).sum() / weights.sum())


def _losses_on_components(shown: Shown, recipe: PretrainRecipe, kept: Kept) -> dict[str, float]:
    """What their mean scores: the patches' variance, as far as it lies in the components, over their number.

    The share that they explain is that of the patches they were fitted on: their directions are no longer needed.
    """
    if kept.explained_variance is None or kept.components is None:
        return {}
    size = recipe.patch_size
    cut = patches(_normal(shown), size)
    hidden = patches(shown.hidden[:, None].astype(np.float64), size).all(axis=(-2, -1))
    covered = cut[hidden] if recipe.loss_on == "masked" else cut.reshape(-1, *cut.shape[2:])
    variance = float(covered.var(axis=0).sum())
    return {COMPONENT_MEAN: kept.explained_variance / 100 * variance / kept.components}


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
