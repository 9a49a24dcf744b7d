"""Fitting principal components of patches, in one pass over the images."""

from __future__ import annotations

from mae_core.model.patches import patchify
from mae_core.model.targets import Covariance
from mae_core.recipes import PcaRecipe
from mae_core.signature import Stage
from mae_core.stages.device import device_of
from mae_core.stages.result import Result
from mae_core.stages.targets.fitted_targets import fit_sample, passed, patch_images
from mae_core.stages.weights import save_weights
from mae_core.store.run import Store
from mae_core.training.workspace import Workspace


def pca(stage: Stage, store: Store, workspace: Workspace) -> Result:
    """Write mean, directions and variances; report the variance explained, in per cent."""
    recipe = stage.recipe
    assert isinstance(recipe, PcaRecipe)
    workspace.resume()
    images, device = patch_images(recipe, store), device_of(recipe)
    samples = fit_sample(recipe, images)
    covariance = Covariance(recipe.patch_values, device)
    for imgs in passed(images, samples, device, workspace):
        covariance.add(patchify(imgs, recipe.patch_size).flatten(0, 1))
    fitted = covariance.components(recipe.components)
    save_weights(workspace.folder, fitted, stage)
    return Result(
        {
            "explained_variance": 100.0 * fitted.explained,
            "components": float(recipe.components),
            "images": float(len(samples)),
        }
    )
