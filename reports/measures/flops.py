"""FLOPs of pre-training and parameters of encoders, counted from the shapes."""

from __future__ import annotations

from mae_core.costs import transformer_macs
from mae_core.recipes import DalleRecipe, PcaRecipe, PretrainRecipe, TokenizerRecipe
from mae_core.signature import Stage

DALLE_VOCABULARY = 8192


def forward_flops(stage: Stage) -> float:
    """Floating-point operations of the forward pass of a pre-training on one image, as PyTorch's counter has them.

    Every product of matrices counts, two for a multiply-add.
    """
    recipe = stage.recipe
    assert isinstance(recipe, PretrainRecipe)
    seen, patches, width = recipe.visible_tokens, recipe.num_patches, recipe.decoder_embed_dim
    encoded = 1 + (patches if recipe.encoder_sees_mask_tokens else seen)
    predicted = patches - seen if recipe.loss_on == "masked" else patches
    macs: float = seen * recipe.patch_size**2 * recipe.in_chans * recipe.embed_dim
    macs += transformer_macs(encoded, recipe.embed_dim, recipe.depth, recipe.mlp_ratio)
    macs += encoded * recipe.embed_dim * width
    macs += transformer_macs(1 + patches, width, recipe.decoder_depth) - _spared(1 + patches, predicted, width)
    macs += predicted * width * _channels(stage, recipe)
    return 2 * macs


def encoder_parameters(recipe: PretrainRecipe) -> int:
    """Parameters of the encoder without a head, positions included, as the paper's Table 12 counts them."""
    width, hidden = recipe.embed_dim, round(recipe.mlp_ratio * recipe.embed_dim)
    embedding = recipe.patch_size**2 * recipe.in_chans * width + width
    tokens = (1 + recipe.num_patches) * width + width  # positions, and the class token
    attention, mlp, norms = 4 * width**2 + 4 * width, 2 * width * hidden + hidden + width, 4 * width
    return embedding + tokens + recipe.depth * (attention + mlp + norms) + 2 * width


def _spared(tokens: int, predicted: int, width: int) -> float:
    """What the last decoder block need not do for tokens that are not predicted: all but keys and values."""
    others = tokens - predicted
    return others * width * width * (2 + 2 * 4) + 2 * others * tokens * width


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
