"""What a stage costs, from its recipe alone: multiply-adds, counted as the paper counts FLOPs.

Used to start long stages first and to tell the time left; never shown as a measurement.
"""

from __future__ import annotations

from collections.abc import Iterator

from mae_core.recipes import (
    DalleRecipe,
    EncoderRecipe,
    FinetuneRecipe,
    FittedTargetRecipe,
    KnnRecipe,
    LinearProbeRecipe,
    LogisticRegressionRecipe,
    PcaRecipe,
    PretrainRecipe,
    Recipe,
    ReconstructRecipe,
    RidgeRecipe,
    RobustnessRecipe,
    TokenizerRecipe,
    WallClockRecipe,
)
from mae_core.signature import Stage

BACKWARD = 2.0  # a backward pass costs twice its forward pass
ALL_IMAGES = 1_281_167  # where a recipe takes all images and their number is not known without the data: ImageNet-1K's
TEST_IMAGES = 10_000
DALLE_MACS = 132_956_160.0  # of DALL-E's encoder for one token
CORRUPTED_VIEWS = 31  # six corruptions at five severities, and the images as they are


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
        tokens = sum(DALLE_MACS for parent in stage.parents if isinstance(parent.recipe, DalleRecipe))
        macs = (1 + BACKWARD) * pretrain_macs(recipe) + tokens * recipe.num_patches
        return macs * recipe.epochs * (recipe.train_images or ALL_IMAGES)
    if isinstance(recipe, FittedTargetRecipe):
        return _fitting_cost(recipe)
    if isinstance(recipe, LogisticRegressionRecipe):
        pixels = recipe.image_size[0] * recipe.image_size[1] * recipe.in_chans
        return 2e4 * pixels * (recipe.labels or ALL_IMAGES) * len(recipe.penalties)
    return _evaluation_cost(stage)


def _fitting_cost(recipe: FittedTargetRecipe) -> float:
    """Multiply-adds of fitting a target: products of patches, training a tokenizer, or passes of DALL-E's encoder."""
    learnt, values = recipe.train_images or ALL_IMAGES, recipe.patch_values
    if isinstance(recipe, PcaRecipe):
        return 1.0 * min(learnt, recipe.fit_images) * recipe.num_patches * values**2
    if isinstance(recipe, TokenizerRecipe):
        macs = recipe.hidden_dim * values + recipe.vocabulary * (recipe.hidden_dim + values)
        return (1 + BACKWARD) * macs * recipe.num_patches * learnt * recipe.epochs
    return DALLE_MACS * min(learnt, getattr(recipe, "fit_images", ALL_IMAGES)) * recipe.num_patches


def _evaluation_cost(stage: Stage) -> float:
    """Multiply-adds of an evaluation: forward passes, and backward ones where the encoder is tuned."""
    recipe, encoder, patches = stage.recipe, None, 0
    for above in _lineage(stage):
        if isinstance(above, FinetuneRecipe) and above.resolution is not None:
            patches = above.resolution[0] * above.resolution[1]
        if isinstance(above, EncoderRecipe):
            encoder = above
    if encoder is None:
        return 0.0
    macs = encoder_macs(encoder, patches // encoder.patch_size**2 or encoder.num_patches)
    learnt, scored = getattr(recipe, "labels", None) or ALL_IMAGES, getattr(recipe, "scored_images", None)
    if isinstance(recipe, FinetuneRecipe):
        return macs * (learnt * recipe.epochs * (1 + BACKWARD) + TEST_IMAGES)
    if isinstance(recipe, LinearProbeRecipe):
        return macs * (learnt * (recipe.views or recipe.epochs) + TEST_IMAGES)
    if isinstance(recipe, KnnRecipe | RidgeRecipe):
        return macs * (learnt + TEST_IMAGES)
    if isinstance(recipe, RobustnessRecipe | ReconstructRecipe):
        return macs * (scored or TEST_IMAGES) * (CORRUPTED_VIEWS if recipe.KIND == "robustness" else 1)
    return 0.0


def _lineage(stage: Stage) -> Iterator[Recipe]:
    """The recipes of `stage` and of the stages that it descends from, first parents only."""
    yield stage.recipe
    if stage.parents and not isinstance(stage.recipe, EncoderRecipe):
        yield from _lineage(stage.parents[0])
