"""Masked pre-training (paper, section 3; Table 8)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from mae_core.data import splits
from mae_core.data.images import Images, View
from mae_core.model.mae import MaskedAutoencoder
from mae_core.model.masking import draw_masking
from mae_core.model.patches import patchify, unpatchify
from mae_core.model.targets import Target
from mae_core.recipes import PretrainRecipe
from mae_core.signature import Stage
from mae_core.stages.device import autocast, device_of, sent
from mae_core.stages.images import images_of
from mae_core.stages.probing import Probing
from mae_core.stages.result import Result
from mae_core.stages.targets.fitted_targets import target_of
from mae_core.stages.weights import save_weights
from mae_core.store.run import Store
from mae_core.training.course import Batch, course_of
from mae_core.training.loop import Learner, train
from mae_core.training.optim import absolute_lr, adamw, parameter_groups
from mae_core.training.workspace import Workspace

PANEL_IMAGES = 8
PANELS = "panels.npz"
FEWEST_VIEWS, MOST_VIEWS, VIEW_PIXELS = 8, 64, 64 * 32 * 32  # of train images; between, so many pixels in all


class Reconstruction(Learner):
    """Learn to reconstruct masked patches."""

    compiles = True

    def __init__(
        self,
        recipe: PretrainRecipe,
        images: Images,
        target: Target | None = None,
        probing: Probing | None = None,
    ) -> None:
        self.recipe, self.images, self.probing = recipe, images, probing
        self.device = device_of(recipe)
        self.module: MaskedAutoencoder = MaskedAutoencoder(recipe, target).to(self.device)

    def view(self, epoch: int) -> View:
        """The augmentation of an epoch."""
        return View(self.recipe.augmentation, self.recipe.crop_scale, self.recipe.seed, epoch)

    def loss(self, batch: Batch) -> torch.Tensor:
        """The reconstruction loss of a batch, each image under its own crop and mask."""
        imgs = sent(self.images.batch(batch.samples, self.view(batch.epoch)), self.device)
        masking = draw_masking(self.recipe, batch.epoch, batch.samples).to(self.device)
        with autocast(self.device, self.recipe.dtype):
            loss: torch.Tensor = self.module(imgs, masking)
        return loss

    def ahead(self, batch: Batch) -> None:
        """Read the batch after the next in the background."""
        self.images.ahead(batch.samples, self.view(batch.epoch))

    def observe(self, epoch: int) -> dict[str, float]:
        """The accuracy of quick probes, at the few epochs where they are made."""
        if self.probing is None or epoch not in self.probing.epochs:
            return {}
        return self.probing.look(self.module, self.recipe)


def pretrain(stage: Stage, store: Store, workspace: Workspace) -> Result:
    """Pre-train, then write the weights and panels of reconstructed test images."""
    recipe = stage.recipe
    assert isinstance(recipe, PretrainRecipe)
    images = images_of(recipe, recipe, store, "train")
    target = target_of(stage, store, images, device_of(recipe))
    learner = Reconstruction(recipe, images, target, Probing.of(recipe, images) if workspace.ranks.first else None)
    lr = absolute_lr(recipe.base_lr, recipe.batch_size)
    course = course_of(recipe, splits.pretraining(len(images), recipe.train_images), recipe.min_lr / lr)
    optimizer = adamw(parameter_groups(learner.module, lr, recipe.weight_decay), recipe.betas)
    trained = train(learner, optimizer, course, workspace)
    save_weights(workspace.folder, learner.module, stage)
    views = seen_views(learner, course.samples)
    draw_panels(learner, images_of(recipe, recipe, store, "test"), workspace.folder / PANELS, views)
    remarks = (f"{len(images.corrupt)} damaged train images were replaced by others",) if images.corrupt else ()
    seen = float(course.steps * course.size)
    return Result({"loss": trained.loss, "images": seen}, trained.images_per_second, remarks)


def seen_views(learner: Reconstruction, samples: torch.Tensor) -> dict[str, npt.NDArray[Any]]:
    """A few train images as the loss sees them in the first epoch: what guesses without learning are scored on.

    Returns `views` (n, C, H, W) float32 in [0, 1], under their augmentation, and `views_hidden` (n, L) bool.
    """
    height, width = learner.recipe.image_size
    count = min(max(VIEW_PIXELS // (height * width), FEWEST_VIEWS), MOST_VIEWS, len(samples))
    chosen = samples[torch.linspace(0, len(samples) - 1, count, dtype=torch.float64).long()]
    pixels = learner.images.pixels(chosen, learner.view(0))
    return {"views": pixels.numpy(), "views_hidden": draw_masking(learner.recipe, 0, chosen).mask.bool().numpy()}


@torch.no_grad()
def draw_panels(
    learner: Reconstruction, images: Images, path: Path, more: Mapping[str, Any] = MappingProxyType({})
) -> None:
    """Save masked, reconstructed and original pixels in [0, 1] of the same few test images in every run, and `more`."""
    samples = torch.linspace(0, len(images) - 1, min(PANEL_IMAGES, len(images))).long()
    imgs = images.batch(samples, View("eval"))
    masking = draw_masking(learner.recipe, 0, samples)
    module = learner.module.eval()
    shown = imgs.to(learner.device)
    shown = module.target.display(module.reconstruct(shown, masking.to(learner.device)).float(), shown).cpu()
    visible = unpatchify(
        patchify(torch.ones_like(imgs), learner.recipe.patch_size) * (1 - masking.mask)[:, :, None],
        learner.recipe.patch_size,
        learner.recipe.grid,
    )
    mean, std = (torch.tensor(values)[:, None, None] for values in (images.mean, images.std))
    originals, reconstructed = ((pixels * std + mean).clamp(0, 1) for pixels in (imgs, shown))
    np.savez_compressed(
        path,
        originals=originals.half().numpy(),
        reconstructed=reconstructed.half().numpy(),
        masked=(originals * visible + 0.5 * (1 - visible)).half().numpy(),
        mask_ratio=learner.recipe.mask_ratio,
        mean=np.array(images.mean),  # the loss is on pixels normalised by these two
        std=np.array(images.std),
        **more,
    )
