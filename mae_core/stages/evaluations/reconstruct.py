"""Reconstructions of test images by a pre-trained model, at a masking ratio of their own (Figures 2-4, 10, 11)."""

from __future__ import annotations

from dataclasses import replace

import torch

from mae_core.convert.reading import read
from mae_core.data.images import Images, View
from mae_core.errors import StoreError
from mae_core.model.masking import draw_masking
from mae_core.recipes import ImportRecipe, PretrainRecipe, ReconstructRecipe
from mae_core.signature import Stage
from mae_core.stages.device import autocast, device_of
from mae_core.stages.images import images_of, some
from mae_core.stages.pretrain import PANELS, Reconstruction, draw_panels
from mae_core.stages.result import Result
from mae_core.stages.targets.fitted_targets import target_of
from mae_core.stages.weights import WEIGHTS, encoder_weights
from mae_core.store.run import Store
from mae_core.training.workspace import Workspace

BATCH = 100


def reconstruct(stage: Stage, store: Store, workspace: Workspace) -> Result:
    """Write panels of the usual test images, and measure the loss on masked patches of the first so many.

    Masks are keyed by the recipe's seed, so those of all models agree. The loss is in the units of the parent's target.
    """
    recipe, trained = stage.recipe, _autoencoder(stage, store)
    assert isinstance(recipe, ReconstructRecipe)
    workspace.resume()
    shown = replace(
        trained,
        mask_ratio=recipe.mask_ratio,
        loss_on="masked",
        seed=recipe.seed,
        device=recipe.device,
        dtype=recipe.dtype,
    )
    parent = stage.parents[0]
    data = parent.recipe.data if isinstance(parent.recipe, PretrainRecipe) else None
    shape = parent.recipe if isinstance(parent.recipe, ImportRecipe) else shown
    images = images_of(recipe, shape, store, "test", normalised_as=data)
    target = None if data is None else target_of(parent, store, images, device_of(recipe))
    learner = Reconstruction(shown, images, target)
    learner.module.load_state_dict(encoder_weights(stage, store))
    draw_panels(learner, images, workspace.folder / PANELS)
    samples = some(images, torch.arange(len(images)), recipe.scored_images)
    return Result({"loss": _loss(learner, images, samples), "n_test": float(len(samples))})


def _autoencoder(stage: Stage, store: Store) -> PretrainRecipe:
    """The parent's recipe; of an import, the shape of the masked autoencoder that its file holds."""
    parent = stage.parents[0] if stage.parents else None
    if parent is not None and isinstance(parent.recipe, PretrainRecipe):
        return parent.recipe
    run = None if parent is None else store.run(parent.signature).finished
    if parent is None or run is None or not isinstance(parent.recipe, ImportRecipe):
        raise StoreError(f"{stage.signature} has no pre-trained model as its parent; plan it again.")
    return read(run.folder / WEIGHTS).autoencoder(parent.recipe)


@torch.no_grad()
def _loss(learner: Reconstruction, images: Images, samples: torch.Tensor) -> float:
    """The loss on masked patches, the mean over `samples`."""
    module, total = learner.module.eval(), 0.0
    for chunk in samples.split(BATCH):
        imgs = images.batch(chunk, View("eval")).to(learner.device)
        masking = draw_masking(learner.recipe, 0, chunk).to(learner.device)
        with autocast(learner.device, learner.recipe.dtype):
            total += float(module(imgs, masking)) * len(chunk)
    return total / len(samples)
