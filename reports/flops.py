"""FLOPs of pre-training, counted from the shapes: every product of matrices, two for a multiply-add."""

from __future__ import annotations

from mae_core.costs import transformer_macs
from mae_core.recipes import DalleRecipe, PcaRecipe, PretrainRecipe, TokenizerRecipe
from mae_core.signature import Stage

DALLE_VOCABULARY = 8192


def forward_flops(stage: Stage) -> float:
    """Floating-point operations of the forward pass of a pre-training on one image, as PyTorch's counter has them."""
    recipe = stage.recipe
    assert isinstance(recipe, PretrainRecipe)
    seen, patches, width = recipe.visible_tokens, recipe.num_patches, recipe.decoder_embed_dim
    encoded = 1 + (patches if recipe.encoder_sees_mask_tokens else seen)
    predicted = patches - seen if recipe.loss_on == "masked" else patches
    macs: float = seen * recipe.patch_size**2 * recipe.in_chans * recipe.embed_dim
    macs += transformer_macs(encoded, recipe.embed_dim, recipe.depth, recipe.mlp_ratio)
    macs += encoded * recipe.embed_dim * width
    macs += transformer_macs(1 + patches, width, recipe.decoder_depth)
    macs += predicted * width * _channels(stage, recipe)
    return 2 * macs


def _channels(stage: Stage, recipe: PretrainRecipe) -> int:
    """Values predicted of one patch."""
    for parent in stage.parents:
        match parent.recipe:
            case PcaRecipe() as fitted:
                return fitted.components
            case TokenizerRecipe() as fitted:
                return fitted.vocabulary
            case DalleRecipe():
                return DALLE_VOCABULARY
    return recipe.patch_size**2 * recipe.in_chans
