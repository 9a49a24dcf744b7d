"""Evaluations of an encoder: fine-tuning, probes and their trivial rival (Tables 9, 10 and 11), and their presets."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from mae_core.declaration import added, recipe, unsigned
from mae_core.recipes.fields import BelowOne, Betas, Count, Dtype, ImageSize, NotNegative, Pooling, Positive, Rate
from mae_core.recipes.recipe import Recipe, check_schedule


@recipe
class EvaluationRecipe(Recipe):
    """What fine-tuning and probing share: which labels are learnt from, which images are scored.

    The data may be others than the encoder was trained on (Table 6). The images then take the encoder's size and
    channels: grey is repeated, colour becomes its luma.
    """

    data: str = unsigned(default="imagenet1k")
    fingerprint: str = ""
    labels: Count | None = None  # labelled train images; None: all
    evaluate_on: Literal["test", "heldout"] = "test"  # heldout: train images never learnt from
    scored_images: Count | None = None  # the first so many, spread over sorted classes; None: all


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
    reprob: Rate = 0.0  # of random erasing; in the released code's settings, not in Table 9
    augmentation: Literal["none", "random_crop", "randaugment"] = "randaugment"  # RandAug (9, 0.5)
    crop_scale: tuple[Positive, Positive] = (0.08, 1.0)
    ema_decay: Annotated[float, Field(gt=0, lt=1)] | None = None  # of the averaged weights, which are then scored
    dtype: Dtype = "bfloat16"
    resolution: ImageSize | None = added(default=None, as_before=None)  # of the images; None: the encoder's

    def check(self) -> None:
        """The schedule must contain its warm-up."""
        super().check()
        check_schedule(self, self.warmup_epochs, self.epochs)


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

    @property
    def version(self) -> int:
        """Random crops are clipped to the image since version 2."""
        return self.VERSION + (self.augmentation == "random_crop")

    def check(self) -> None:
        """The schedule must contain its warm-up, and each learning rate appears once."""
        super().check()
        check_schedule(self, self.warmup_epochs, self.epochs)
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
    penalties: tuple[Positive, ...] = (1e-3, 1e-2, 1e-1, 1.0)  # C of scikit-learn, chosen on held-out train images


@recipe
class KnnRecipe(EvaluationRecipe):
    """Weighted nearest neighbours on frozen features: a quick probe without training."""

    KIND: ClassVar[str] = "knn"

    pooling: Pooling = "cls"
    neighbours: Count = 20
    temperature: Positive = 0.07
    dtype: Dtype = "bfloat16"


@recipe
class RidgeRecipe(EvaluationRecipe):
    """Closed-form ridge regression to one-hot labels on frozen features: a quick probe without training."""

    KIND: ClassVar[str] = "ridge"

    pooling: Pooling = "cls"
    # in units of the features' variance, as they are standardised; chosen on held-out train images
    penalties: Annotated[tuple[Positive, ...], Field(min_length=1)] = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
    dtype: Dtype = "bfloat16"


# Presets by the encoder's letter. Table 9 goes with unnormalised pixels as target
FINETUNE_PAPER: Mapping[str, FinetuneRecipe] = MappingProxyType(
    {
        "B": FinetuneRecipe(epochs=100, drop_path=0.1),
        "L": FinetuneRecipe(epochs=50, drop_path=0.1),
        "H": FinetuneRecipe(epochs=50, drop_path=0.2),
    }
)
# the released code's settings for models trained on normalised pixels, those of Tables 3, 6 and 13
FINETUNE_NORM_PIXEL: Mapping[str, FinetuneRecipe] = MappingProxyType(
    {
        "B": FinetuneRecipe(pooling="mean", reprob=0.25, epochs=100, base_lr=5e-4, layer_decay=0.65, drop_path=0.1),
        "L": FinetuneRecipe(pooling="mean", reprob=0.25, epochs=50, drop_path=0.2),
        "H": FinetuneRecipe(pooling="mean", reprob=0.25, epochs=50, drop_path=0.3),
    }
)


def _from_scratch(epochs: int, drop_path: float) -> FinetuneRecipe:
    return FinetuneRecipe(
        epochs=epochs,
        warmup_epochs=20.0,
        batch_size=4096,
        base_lr=1e-4,
        layer_decay=1.0,
        weight_decay=0.3,
        betas=(0.9, 0.95),
        drop_path=drop_path,
        ema_decay=0.9999,
    )


# Table 11: supervised training of an untrained encoder
FROM_SCRATCH: Mapping[str, FinetuneRecipe] = MappingProxyType(
    {"B": _from_scratch(300, 0.1), "L": _from_scratch(200, 0.2), "H": _from_scratch(200, 0.2)}
)


def partial_finetuning(blocks: float, depth: int = 24, epochs: int = 50) -> EvaluationRecipe:
    """Tuning the last `blocks` of `depth` blocks (Figure 9), each in its one spelling.

    None is linear probing (Table 10), all of them are full fine-tuning (Table 9), whose settings hold between, too.
    """
    if blocks == 0:
        return LinearProbeRecipe()
    return FinetuneRecipe(tuned_blocks=None if blocks == depth else blocks, epochs=epochs)
