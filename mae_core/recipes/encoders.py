"""Encoders: their shape, and where their weights come from when we do not train them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import ClassVar

from mae_core.declaration import recipe
from mae_core.recipes.fields import Count, ImageSize, Positive
from mae_core.recipes.recipe import Recipe


@recipe
class EncoderRecipe(Recipe):
    """The encoder's shape and the images it reads; defaults are ViT-L/16 at 224 px (paper, section 4)."""

    KIND: ClassVar[str] = "untrained"

    image_size: ImageSize = (224, 224)  # height, width
    in_chans: Count = 3
    patch_size: Count = 16
    embed_dim: Count = 1024
    depth: Count = 24
    num_heads: Count = 16
    mlp_ratio: Positive = 4.0

    @property
    def grid(self) -> tuple[int, int]:
        """Patches down and across."""
        return self.image_size[0] // self.patch_size, self.image_size[1] // self.patch_size

    @property
    def num_patches(self) -> int:
        """Patches of one image, L."""
        return self.grid[0] * self.grid[1]

    def check(self) -> None:
        """Patches must tile the image, and heads and sin-cos positions the width."""
        height, width = self.image_size
        if height % self.patch_size or width % self.patch_size:
            self.refuse(
                f"patch_size {self.patch_size} does not divide the image of {height}×{width}; choose a patch_size "
                f"that divides both, or another image_size."
            )
        check_width(self, "embed_dim", self.embed_dim, "num_heads", self.num_heads)


def check_width(recipe: Recipe, width_name: str, width: int, heads_name: str, heads: int) -> None:
    """Refuse a width that its heads or sin-cos positions cannot share out."""
    if width % heads:
        recipe.refuse(f"{width_name} {width} is not a multiple of {heads_name} {heads}; change one of the two.")
    if width % 4:
        recipe.refuse(f"{width_name} {width} must be a multiple of 4 for 2-D sin-cos position embeddings.")


VIT_B: Mapping[str, int] = {"embed_dim": 768, "depth": 12, "num_heads": 12, "patch_size": 16}
VIT_L: Mapping[str, int] = {"embed_dim": 1024, "depth": 24, "num_heads": 16, "patch_size": 16}
VIT_H: Mapping[str, int] = {"embed_dim": 1280, "depth": 32, "num_heads": 16, "patch_size": 14}


def untrained(recipe: EncoderRecipe) -> EncoderRecipe:
    """The encoder `recipe` starts from, before any training: same shape, same initial weights."""
    names = [field.name for field in dataclasses.fields(EncoderRecipe)]
    return EncoderRecipe(**{name: getattr(recipe, name) for name in names})
