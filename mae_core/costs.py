"""What a stage costs, from its recipe alone: multiply-adds, counted as the paper counts FLOPs.

Used to start long stages first and to tell the time left; never shown as a measurement.
"""

from __future__ import annotations

from mae_core.recipes import (
    EncoderRecipe,
    FinetuneRecipe,
    KnnRecipe,
    LinearProbeRecipe,
    LogisticRegressionRecipe,
    PretrainRecipe,
    RidgeRecipe,
    WallClockRecipe,
)
from mae_core.signature import Stage

BACKWARD = 2.0  # a backward pass costs twice its forward pass
ALL_IMAGES = 1_281_167  # where a recipe takes all images and their number is not known without the data: ImageNet-1K's
TEST_IMAGES = 10_000


def transformer_macs(tokens: int, dim: int, depth: int, mlp_ratio: float = 4.0) -> float:
    """Multiply-adds of `depth` blocks on one image: projections and MLP per token, attention per pair of tokens."""
    return depth * (tokens * dim * dim * (4 + 2 * mlp_ratio) + 2 * tokens * tokens * dim)


def encoder_macs(recipe: EncoderRecipe, patches: int) -> float:
    """Multiply-adds of the encoder on one image of which it sees `patches` patches."""
    projection = patches * recipe.patch_size**2 * recipe.in_chans * recipe.embed_dim
    return projection + transformer_macs(1 + patches, recipe.embed_dim, recipe.depth, recipe.mlp_ratio)


def pretrain_macs(recipe: PretrainRecipe) -> float:
    """Multiply-adds of one forward pass of pre-training on one image."""
    seen = recipe.num_patches if recipe.encoder_sees_mask_tokens else recipe.visible_tokens
    decoder = transformer_macs(1 + recipe.num_patches, recipe.decoder_embed_dim, recipe.decoder_depth)
    return encoder_macs(recipe, seen) + decoder


def cost(stage: Stage) -> float:
    """Multiply-adds of the whole stage, roughly."""
    recipe = stage.recipe
    if isinstance(recipe, WallClockRecipe):
        return (1 + BACKWARD) * pretrain_macs(recipe) * recipe.timed_batch * (1 + recipe.timed_steps)
    if isinstance(recipe, PretrainRecipe):
        return (1 + BACKWARD) * pretrain_macs(recipe) * recipe.epochs * (recipe.train_images or ALL_IMAGES)
    if isinstance(recipe, LogisticRegressionRecipe):
        pixels = recipe.image_size[0] * recipe.image_size[1] * recipe.in_chans
        return 2e4 * pixels * (recipe.labels or ALL_IMAGES) * len(recipe.penalties)
    parent = stage.parents[0].recipe if stage.parents else None
    if not isinstance(parent, EncoderRecipe):
        return 0.0
    macs = encoder_macs(parent, parent.num_patches)
    images = (getattr(recipe, "labels", None) or ALL_IMAGES) * 1.0
    if isinstance(recipe, FinetuneRecipe):
        return macs * (images * recipe.epochs * (1 + BACKWARD) + TEST_IMAGES)
    if isinstance(recipe, LinearProbeRecipe):
        return macs * (images * (recipe.views or recipe.epochs) + TEST_IMAGES)
    if isinstance(recipe, KnnRecipe | RidgeRecipe):
        return macs * (images + TEST_IMAGES)
    return 0.0
