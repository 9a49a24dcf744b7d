"""Recipes: the frozen values from which stages compute. Every default is the paper's (Tables 8, 9 and 10).

One type per kind of stage, flat, so that a row of a table reads as the paper's row::

    replace(BASELINE, decoder_depth=1)

`declaration` says how fields stand to a stage's signature.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field

from mae_core.declaration import recipe, unsigned
from mae_core.errors import RecipeError

Count = Annotated[int, Field(ge=1, strict=True)]
Whole = Annotated[int, Field(ge=0, strict=True)]
Rate = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False, strict=True)]
BelowOne = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False, strict=True)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False, strict=True)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False, strict=True)]
Betas = tuple[BelowOne, BelowOne]
Dtype = Literal["float32", "bfloat16"]
Pooling = Literal["cls", "mean"]


def _as_pair(value: object) -> object:
    """224 and (224, 224) are one image size: height, width."""
    return (value, value) if isinstance(value, int) else value


ImageSize = Annotated[tuple[Count, Count], BeforeValidator(_as_pair)]


def visible_tokens(num_patches: int, mask_ratio: float) -> int:
    """How many of `num_patches` the encoder sees: L·(1 - ratio) rounded down, in exact decimal arithmetic.

    Rounding down gives the paper's counts at L = 196 (49 at 75 %, 156 at 20 %); exact arithmetic avoids
    the float error that turns 100·(1 - 0.8) into 19.
    """
    return math.floor(num_patches * (1 - Fraction(repr(mask_ratio))))


@recipe
class Recipe:
    """What all stages share."""

    KIND: ClassVar[str] = ""
    VERSION: ClassVar[int] = 1  # raised when a fix changes what the stage computes

    seed: Whole = 0
    # how fast, not what
    device: Literal["auto", "cpu", "cuda"] = unsigned(default="auto")
    threads: Count | None = unsigned(default=None)  # None: all cores
    workers: Whole = unsigned(default=0)  # loader processes, where images do not fit in memory
    micro_batch: Count | None = unsigned(default=None)  # None: fitted to the device

    def check(self) -> None:
        """Refuse combinations no single field can see."""

    def refuse(self, sentence: str) -> None:
        """Raise `sentence` under this recipe's name."""
        raise RecipeError(f"{type(self).__name__}: {sentence}")


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
        _check_width(self, "embed_dim", self.embed_dim, "num_heads", self.num_heads)


def _check_width(recipe: Recipe, width_name: str, width: int, heads_name: str, heads: int) -> None:
    if width % heads:
        recipe.refuse(f"{width_name} {width} is not a multiple of {heads_name} {heads}; change one of the two.")
    if width % 4:
        recipe.refuse(f"{width_name} {width} must be a multiple of 4 for 2-D sin-cos position embeddings.")


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

    def check(self) -> None:
        """Something must be seen, something hidden, and the schedule must contain its warm-up."""
        super().check()
        _check_width(self, "decoder_embed_dim", self.decoder_embed_dim, "decoder_num_heads", self.decoder_num_heads)
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
        _check_schedule(self, self.warmup_epochs, self.epochs)


def _check_schedule(recipe: Recipe, warmup_epochs: float, epochs: int) -> None:
    if warmup_epochs > epochs:
        recipe.refuse(f"warmup_epochs {warmup_epochs} is longer than the {epochs} epochs; shorten it.")


@recipe
class EvaluationRecipe(Recipe):
    """What fine-tuning and probing share: which labels are learnt from, which images are scored."""

    data: str = unsigned(default="imagenet1k")
    fingerprint: str = ""
    labels: Count | None = None  # labelled train images; None: all
    evaluate_on: Literal["test", "heldout"] = "test"  # heldout: train images never learnt from
    scored_images: Count | None = None  # the first so many of them; None: all


@recipe
class FinetuneRecipe(EvaluationRecipe):
    """End-to-end fine-tuning (Table 9); on an untrained encoder it is training from scratch."""

    KIND: ClassVar[str] = "finetune"

    tuned_blocks: Annotated[float, Field(ge=0, multiple_of=0.5)] | None = None  # None: all; 0.5: last MLP sub-block
    pooling: Pooling = "cls"
    epochs: Count = 50
    warmup_epochs: NotNegative = 5.0
    batch_size: Count = 1024
    base_lr: Positive = 1e-3
    min_lr: NotNegative = 1e-6
    layer_decay: Annotated[float, Field(gt=0, le=1, strict=True)] = 0.75
    weight_decay: NotNegative = 0.05
    betas: Betas = (0.9, 0.999)
    drop_path: BelowOne = 0.1
    smoothing: BelowOne = 0.1
    mixup: NotNegative = 0.8
    cutmix: NotNegative = 1.0
    reprob: Rate = 0.0
    augmentation: Literal["none", "random_crop", "randaugment"] = "randaugment"  # RandAug (9, 0.5)
    crop_scale: tuple[Positive, Positive] = (0.08, 1.0)
    ema_decay: Annotated[float, Field(gt=0, lt=1)] | None = None
    dtype: Dtype = "bfloat16"

    def check(self) -> None:
        """The schedule must contain its warm-up."""
        super().check()
        _check_schedule(self, self.warmup_epochs, self.epochs)


@recipe
class LinearProbeRecipe(EvaluationRecipe):
    """Linear probing (Table 10): BatchNorm without affine, one linear layer, LARS, frozen encoder.

    Several `base_lrs` are trained as parallel heads in one pass; the head is chosen on held-out train images.
    """

    KIND: ClassVar[str] = "linear_probe"

    pooling: Pooling = "cls"
    views: Count | None = None  # fixed views per image; None: a new random crop each epoch, as the paper
    epochs: Count = 90
    warmup_epochs: NotNegative = 10.0
    batch_size: Count = 16384
    base_lrs: Annotated[tuple[Positive, ...], Field(min_length=1)] = (0.1,)
    weight_decay: NotNegative = 0.0
    momentum: Rate = 0.9
    augmentation: Literal["none", "random_crop"] = "random_crop"
    crop_scale: tuple[Positive, Positive] = (0.08, 1.0)
    dtype: Dtype = "bfloat16"

    def check(self) -> None:
        """The schedule must contain its warm-up, and each learning rate appears once."""
        super().check()
        _check_schedule(self, self.warmup_epochs, self.epochs)
        if list(self.base_lrs) != sorted(set(self.base_lrs)):
            self.refuse("base_lrs must rise and not repeat, so that one grid has one spelling.")


@recipe
class LogisticRegressionRecipe(EvaluationRecipe):
    """The trivial rival: multinomial logistic regression on pixels or their principal components."""

    KIND: ClassVar[str] = "logistic_regression"

    image_size: ImageSize = (224, 224)
    in_chans: Count = 3
    features: Literal["pixels", "pca"] = "pixels"
    components: Count = 64  # of the pca features
    penalties: tuple[Positive, ...] = (1e-3, 1e-2, 1e-1)  # C of scikit-learn, chosen on held-out train images


BASELINE = PretrainRecipe()  # ViT-L/16, 800 epochs: the default row of Figure 5 and Table 1
FINETUNE = FinetuneRecipe()
LINEAR_PROBE = LinearProbeRecipe()

VIT_B: Mapping[str, int] = {"embed_dim": 768, "depth": 12, "num_heads": 12, "patch_size": 16}
VIT_L: Mapping[str, int] = {"embed_dim": 1024, "depth": 24, "num_heads": 16, "patch_size": 16}
VIT_H: Mapping[str, int] = {"embed_dim": 1280, "depth": 32, "num_heads": 16, "patch_size": 14}

KINDS: Mapping[str, type[Recipe]] = {
    made.KIND: made
    for made in (EncoderRecipe, PretrainRecipe, FinetuneRecipe, LinearProbeRecipe, LogisticRegressionRecipe)
}


def untrained(recipe: EncoderRecipe) -> EncoderRecipe:
    """The encoder `recipe` starts from, before any training: same shape, same initial weights."""
    names = [field.name for field in dataclasses.fields(EncoderRecipe)]
    return EncoderRecipe(**{name: getattr(recipe, name) for name in names})
