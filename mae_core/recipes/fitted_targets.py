"""What is fitted before pre-training, for the targets that need it (Table 1d): components, tokens."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from mae_core.declaration import recipe, unsigned
from mae_core.recipes.fields import Betas, Count, Dtype, ImageSize, NotNegative, Positive
from mae_core.recipes.recipe import Recipe, check_schedule


@recipe
class FittedTargetRecipe(Recipe):
    """The patches that a target is fitted on."""

    data: str = unsigned(default="imagenet1k")
    fingerprint: str = ""
    train_images: Count | None = None  # None: all
    image_size: ImageSize = (224, 224)  # height, width
    in_chans: Count = 3
    patch_size: Count = 16


@recipe
class PcaRecipe(FittedTargetRecipe):
    """Principal components of patches: the 96 largest coefficients of 16×16×3 values (Table 1d).

    The paper says no more. Ours: patches of evaluation views, normalised as the input is, centred, not whitened; the
    same share of the values at other patch sizes.
    """

    KIND: ClassVar[str] = "pca"

    fit_images: Count = 20_000  # all patches of each
    share: Annotated[float, Field(gt=0, le=1, strict=True)] = 0.125  # 96 of 768

    @property
    def components(self) -> int:
        """How many coefficients of a patch are predicted."""
        return max(1, round(self.share * self.patch_size**2 * self.in_chans))


@recipe
class TokenizerRecipe(FittedTargetRecipe):
    """A discrete VAE that gives each patch one of `vocabulary` tokens, trained by us (Gumbel-softmax).

    It stands in for DALL-E's tokenizer, whose training data nobody has; the settings are ours.
    """

    KIND: ClassVar[str] = "tokenizer"

    vocabulary: Count = 8192
    hidden_dim: Count = 256
    temperatures: tuple[Positive, Positive] = (1.0, 0.0625)  # of Gumbel-softmax: first and last step's
    kl_weight: NotNegative = 0.0
    epochs: Count = 20
    warmup_epochs: NotNegative = 1.0
    batch_size: Count = 512
    base_lr: Positive = 1e-3
    min_lr: NotNegative = 0.0
    weight_decay: NotNegative = 0.0
    betas: Betas = (0.9, 0.999)
    dtype: Dtype = "float32"

    def check(self) -> None:
        """The schedule must contain its warm-up."""
        super().check()
        check_schedule(self, self.warmup_epochs, self.epochs)


@recipe
class DalleRecipe(Recipe):
    """DALL-E's released encoder as tokenizer, from a file converted to safetensors by an explicit command."""

    KIND: ClassVar[str] = "dalle"

    file: str = unsigned(default="")
    sha256: str = ""
