"""The encoder: a Vision Transformer that computes on the patches it is given and on nothing else.

Parameter names and shapes are those of timm's VisionTransformer and of the released MAE models.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from timm.layers import PatchEmbed
from torch import Tensor, nn
from torch.nn import functional as F

from mae_core.errors import UserError
from mae_core.model.blocks import LayerNorm, make_beit_blocks, make_blocks, run_blocks
from mae_core.model.initial import initialise
from mae_core.model.linear import linear
from mae_core.model.patches import gather, patchify
from mae_core.model.position import sincos_position
from mae_core.recipes import EncoderRecipe, ImportRecipe
from mae_core.recipes.fields import Pooling


class WeightsError(UserError):
    """Weights that do not fit the model they are loaded into."""


class Encoder(nn.Module):
    """A ViT with a class token and fixed sine-cosine positions, its initial weights keyed by the recipe's seed.

    An imported BEiT has tables of relative positions in its blocks instead; it sees whole images only.

    Args:
        recipe: the shape.
        drop_path: stochastic depth of the last block; it rises linearly from 0 at the first.
        pooling: what `features` returns of the tokens.
    """

    def __init__(self, recipe: EncoderRecipe, *, drop_path: float = 0.0, pooling: Pooling = "cls") -> None:
        super().__init__()
        self.recipe = recipe
        self.pooling: Pooling = pooling
        dim = recipe.embed_dim
        self.patch_embed = PatchEmbed(recipe.image_size, recipe.patch_size, recipe.in_chans, dim)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        drop_paths = torch.linspace(0, drop_path, recipe.depth).tolist()
        self.pos_embed: nn.Parameter | None = None
        if isinstance(recipe, ImportRecipe) and recipe.network == "beit":
            self.blocks = make_beit_blocks(dim, recipe.num_heads, recipe.mlp_ratio, drop_paths, recipe.grid)
        else:
            self.pos_embed = nn.Parameter(sincos_position(recipe.grid, dim), requires_grad=False)
            self.blocks = make_blocks(dim, recipe.num_heads, recipe.mlp_ratio, drop_paths)
        self.norm: nn.Module = LayerNorm(dim)
        initialise(self, recipe.seed)

    def forward(self, imgs: Tensor, ids_keep: Tensor | None = None) -> Tensor:
        """Tokens after the final norm, the class token first: (N, 1+V, D).

        Args:
            imgs: (N, C, H, W) normalised images.
            ids_keep: (N, V) the patches to see; None sees all of them, in training as in evaluation.
        """
        return self.transform(self.embed(imgs, ids_keep), ids_keep)

    def embed(self, imgs: Tensor, ids_keep: Tensor | None = None) -> Tensor:
        """The projection of the patches `ids_keep`, or of all, without their positions: (N, V, D).

        A patch projection is a linear map of one patch, so patches are picked first and only the visible ones
        projected.
        """
        patches = patchify(imgs, self.recipe.patch_size)  # [N, L, p*p*C]
        if ids_keep is not None:
            patches = gather(patches, ids_keep)  # [N, V, p*p*C]
        projection = self.patch_embed.proj
        weight = projection.weight.permute(0, 2, 3, 1).flatten(1)  # [D, p*p*C], pixels ordered as `patchify` does
        embedded: Tensor = linear(patches, weight, projection.bias)
        return embedded

    def transform(self, tokens: Tensor, ids: Tensor | None = None) -> Tensor:
        """Blocks and final norm over the class token and `tokens` (N, V, D), which stand at the patches `ids`."""
        cls_token = self.cls_token.expand(len(tokens), -1, -1)
        x = torch.cat([cls_token, tokens], dim=1)  # [N, 1+V, D]
        if self.pos_embed is not None:
            x = x + positions(self.pos_embed, ids)
        normed: Tensor = self.norm(run_blocks(self.blocks, x))
        return normed

    def features(self, imgs: Tensor) -> Tensor:
        """What a classifier or a probe reads: the class token or the mean of the patch tokens, (N, D)."""
        tokens = self.transform(self.embed(imgs))
        return tokens[:, 0] if self.pooling == "cls" else tokens[:, 1:].mean(dim=1)

    def group_matcher(self, coarse: bool = False) -> dict[str, str]:
        """How timm groups parameters into layers: embeddings, each block, and what follows the blocks."""
        return {"stem": r"cls_token|pos_embed|patch_embed", "blocks": r"blocks\.(\d+)"}

    def load_encoder(self, weights: Mapping[str, Tensor]) -> None:
        """Take the encoder's weights from `weights`, which may hold a decoder or a head too; those are left alone.

        Raises WeightsError where a weight of the encoder is missing or of another shape; nothing is loaded then.
        """
        shapes = {name: parameter.shape for name, parameter in self.state_dict().items() if is_encoder(name)}
        missing = [name for name in shapes if name not in weights]
        if missing:
            raise WeightsError(
                f"these weights lack {len(missing)} of the encoder's {len(shapes)} parameters, the first of them "
                f"{missing[0]}; give the encoder's weights, or a recipe whose depth and norm are theirs."
            )
        for name, shape in shapes.items():
            if weights[name].shape != shape:
                raise WeightsError(
                    f"{name} is {tuple(weights[name].shape)} in these weights and {tuple(shape)} in the recipe; "
                    f"use the recipe they were trained with."
                )
        self.load_state_dict({name: weights[name] for name in shapes}, strict=False)


def is_encoder(name: str) -> bool:
    """Whether a parameter of that name belongs to the encoder, not to a decoder or head."""
    return name.split(".")[0] in {"cls_token", "pos_embed", "patch_embed", "blocks", "norm"}


def positions(pos_embed: Tensor, ids: Tensor | None) -> Tensor:
    """Rows of `pos_embed` (1, 1+L, D): the class token's, then those of patches `ids` (N, V) or of all."""
    if ids is None:
        return pos_embed
    ids_with_class = F.pad(ids + 1, (1, 0))  # the class token stands before patch 0
    return pos_embed[0][ids_with_class]  # [N, 1+V, D]
