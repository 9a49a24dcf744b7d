"""Masked pre-training (Table 8)."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from mae_core.declaration import recipe, unsigned
from mae_core.recipes.encoders import EncoderRecipe, check_width
from mae_core.recipes.fields import Betas, Count, Dtype, NotNegative, Positive
from mae_core.recipes.recipe import check_schedule


def visible_tokens(num_patches: int, mask_ratio: float) -> int:
    """How many of `num_patches` the encoder sees: L·(1 - ratio) rounded down, in exact decimal arithmetic.

    Rounding down gives the paper's counts at L = 196 (49 at 75 %, 156 at 20 %); exact arithmetic avoids
    the float error that turns 100·(1 - 0.8) into 19.
    """
    return math.floor(num_patches * (1 - Fraction(repr(mask_ratio))))


@recipe
class PretrainRecipe(EncoderRecipe):
    """Masked pre-training (Table 8)."""

    KIND: ClassVar[str] = "pretrain"

    data: str = unsigned(default="imagenet1k")  # where the images are; `fingerprint` says what they are
    fingerprint: str = ""
    train_images: Count | None = None  # None: all

    mask_ratio: Annotated[float, Field(gt=0, lt=1, strict=True)] = 0.75
    mask_sampling: Literal["random", "block", "grid"] = "random"
    encoder_sees_mask_tokens: bool = False
    decoder_embed_dim: Count = 512
    decoder_depth: Count = 8
    decoder_num_heads: Count = 16
    target: Literal["pixel", "norm_pixel", "pca", "token"] = "pixel"
    loss_on: Literal["masked", "all"] = "masked"

    augmentation: Literal["none", "fixed_crop", "random_crop", "random_crop_jitter"] = "random_crop"
    crop_scale: tuple[Positive, Positive] = (0.2, 1.0)

    epochs: Count = 800
    warmup_epochs: NotNegative = 40.0
    batch_size: Count = 4096
    base_lr: Positive = 1.5e-4
    min_lr: NotNegative = 0.0
    weight_decay: NotNegative = 0.05
    betas: Betas = (0.9, 0.95)
    dtype: Dtype = "bfloat16"

    @property
    def visible_tokens(self) -> int:
        """Patches the encoder sees."""
        return visible_tokens(self.num_patches, self.mask_ratio)

    @property
    def version(self) -> int:
        """No block masks more than is left to mask since version 2."""
        return self.VERSION + (self.mask_sampling == "block")

    def check(self) -> None:
        """Something must be seen, something hidden, and the schedule must contain its warm-up."""
        super().check()
        check_width(self, "decoder_embed_dim", self.decoder_embed_dim, "decoder_num_heads", self.decoder_num_heads)
        if not 0 < self.visible_tokens < self.num_patches:
            self.refuse(
                f"mask_ratio {self.mask_ratio} of {self.num_patches} patches leaves {self.visible_tokens} visible; "
                f"choose a ratio that leaves at least one visible and one masked."
            )
        if self.mask_sampling == "grid" and (self.mask_ratio != 0.75 or self.grid[0] % 2 or self.grid[1] % 2):
            self.refuse(
                "grid sampling keeps one patch of every 2×2; use mask_ratio=0.75 and an even number of "
                "patches down and across."
            )
        check_schedule(self, self.warmup_epochs, self.epochs)
