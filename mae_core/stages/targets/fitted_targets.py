"""What the stages that fit a target share, and how pre-training gets what was fitted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import torch
from safetensors.torch import load_file
from torch import nn

from mae_core import randomness
from mae_core.data import splits
from mae_core.data.images import Images, View, open_images
from mae_core.errors import StoreError
from mae_core.model.targets import PcaTarget, PrincipalComponents, Target, Tokenizer, TokenTarget, pixel_target
from mae_core.model.targets.codebook import CodebookUse
from mae_core.model.targets.dalle import DalleEncoder, DalleTokenizer
from mae_core.model.targets.dvae import DiscreteVae
from mae_core.recipes import DalleRecipe, FittedTargetRecipe, PcaRecipe, PretrainRecipe, TokenizerRecipe
from mae_core.signature import Stage
from mae_core.stages.weights import WEIGHTS
from mae_core.store.run import Store
from mae_core.training.workspace import StoppedError, Workspace

M = TypeVar("M", bound=nn.Module)

AT_ONCE = 64  # images of a step without gradients
JUDGED = 1000  # images on which a codebook is judged, at most


def patch_images(recipe: FittedTargetRecipe, store: Store) -> Images:
    """The train images whose patches are fitted."""
    return open_images(
        recipe.data, store.home, "train", image_size=recipe.image_size, in_chans=recipe.in_chans,
        fingerprint=recipe.fingerprint,
    )  # fmt: skip


def fit_sample(recipe: PcaRecipe | DalleRecipe, images: Images) -> torch.Tensor:
    """The numbers of the images that a fit sees, drawn from those pre-training sees."""
    seen = splits.pretraining(len(images), recipe.train_images)
    return seen[randomness.permutation(recipe.seed, "fit", n=len(seen))[: recipe.fit_images]]


def passed(images: Images, samples: torch.Tensor, device: torch.device, workspace: Workspace) -> Iterator[torch.Tensor]:
    """Evaluation views of `samples`, normalised, (n, C, H, W) at a time. Raises StoppedError where that is asked."""
    for chunk in samples.split(AT_ONCE):
        if workspace.stop_requested():
            raise StoppedError
        yield images.batch(chunk, View("eval")).to(device)


def codebook_metrics(
    tokenizer: Tokenizer, recipe: TokenizerRecipe | DalleRecipe, images: Images, device: torch.device, work: Workspace
) -> dict[str, float]:
    """How the tokens are used on held-out train images, and how well they paint them."""
    most = min(JUDGED, recipe.fit_images) if isinstance(recipe, DalleRecipe) else JUDGED
    heldout = splits.heldout(len(images))[:most]
    samples = heldout if len(heldout) else torch.arange(len(images))  # too few images to hold any out
    use = CodebookUse(tokenizer, recipe.patch_size)
    for imgs in passed(images, samples, device, work):
        use.add(imgs)
    return use.metrics()


def target_of(stage: Stage, store: Store, images: Images, device: torch.device) -> Target:
    """The target of the pre-training `stage`, on `device`: fitted by its parent, or plain pixels.

    Args:
        stage: the pre-training.
        store: where its parent is finished.
        images: what it learns from, or any others normalised as they are.
        device: where predictions will be.
    """
    recipe = stage.recipe
    assert isinstance(recipe, PretrainRecipe)
    if recipe.target not in ("pca", "token"):
        return pixel_target(recipe)
    fitted = _fitted_recipe(stage)
    if isinstance(fitted, PcaRecipe):
        components = PrincipalComponents(fitted.patch_values, fitted.components)
        return PcaTarget(_filled(components, stage, store, device), recipe.patch_size)
    if isinstance(fitted, TokenizerRecipe):
        return TokenTarget(_filled(DiscreteVae(fitted), stage, store, device), recipe.patch_size)
    with torch.device("meta"):  # initial weights would only be overwritten
        tokenizer = DalleTokenizer(DalleEncoder(), recipe.patch_size, images.mean, images.std)
    return TokenTarget(_filled(tokenizer, stage, store, device), recipe.patch_size)


def _fitted_recipe(stage: Stage) -> FittedTargetRecipe:
    """The recipe of the parent. Raises StoreError where it is not one for these patches."""
    recipe = stage.recipe
    assert isinstance(recipe, PretrainRecipe)
    kinds = PcaRecipe if recipe.target == "pca" else TokenizerRecipe | DalleRecipe
    for parent in stage.parents:
        fitted = parent.recipe
        if isinstance(fitted, kinds):
            if (fitted.patch_size, fitted.in_chans) != (recipe.patch_size, recipe.in_chans):
                raise StoreError(
                    f"{parent.signature} was fitted on other patches than {stage.signature}'s; plan it again."
                )
            return fitted
    raise StoreError(f"{stage.signature} predicts what nothing was fitted for; plan it with `fitted_for` its recipe.")


def _filled(module: M, stage: Stage, store: Store, device: torch.device) -> M:
    """`module` with the parent's weights, fixed, on `device`."""
    parent = store.run(stage.parents[0].signature)
    if parent.finished is None:
        raise StoreError(f"{parent.signature} is not finished; run it first.")
    module.load_state_dict(load_file(parent.finished.folder / WEIGHTS), assign=True)
    return module.requires_grad_(False).eval().to(device)
