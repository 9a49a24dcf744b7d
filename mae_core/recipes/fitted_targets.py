"""What is fitted before pre-training, for the targets that need it (Table 1d): components, tokens."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field

from mae_core.declaration import recipe, unsigned
from mae_core.errors import RecipeError
from mae_core.recipes.fields import Betas, Count, Dtype, ImageSize, NotNegative, Positive
from mae_core.recipes.pretraining import PretrainRecipe
from mae_core.recipes.recipe import Recipe, check_schedule


@recipe
class FittedTargetRecipe(Recipe):
    """The patches that a target is fitted on; defaults are those of the pre-training it serves."""

    data: str = unsigned(default="imagenet1k")
    fingerprint: str = ""
    train_images: Count | None = None  # None: all
    image_size: ImageSize = (224, 224)  # height, width
    in_chans: Count = 3
    patch_size: Count = 16

    @property
    def grid(self) -> tuple[int, int]:
        """Patches down and across."""
        return self.image_size[0] // self.patch_size, self.image_size[1] // self.patch_size

    @property
    def num_patches(self) -> int:
        """Patches of one image, L."""
        return self.grid[0] * self.grid[1]

    @property
    def patch_values(self) -> int:
        """Values of one patch, patch_size²·in_chans."""
        return self.patch_size**2 * self.in_chans

    def check(self) -> None:
        """Patches must tile the image."""
        height, width = self.image_size
        if height % self.patch_size or width % self.patch_size:
            self.refuse(
                f"patch_size {self.patch_size} does not divide the image of {height}×{width}; choose a patch_size "
                f"that divides both, or another image_size."
            )


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
        return max(1, round(self.share * self.patch_values))


@recipe
class TokenizerRecipe(FittedTargetRecipe):
    """A discrete VAE that gives each patch one of `vocabulary` tokens, trained by us (Gumbel-softmax).

    It stands in for DALL-E's tokenizer, whose training data nobody has; the settings are ours.
    """

    KIND: ClassVar[str] = "tokenizer"

    vocabulary: Count = 8192
    hidden_dim: Count = 256
    temperatures: tuple[Positive, Positive] = (1.0, 0.0625)  # of Gumbel-softmax: first and last step's
    usage_weight: NotNegative = 0.1  # of KL(mean use of the tokens ‖ equal use), without which most tokens die
    epochs: Count = 20
    warmup_epochs: NotNegative = 1.0
    batch_size: Count = 512
    base_lr: Positive = 1e-2
    min_lr: NotNegative = 0.0
    weight_decay: NotNegative = 0.0
    betas: Betas = (0.9, 0.999)
    dtype: Dtype = "float32"

    def check(self) -> None:
        """The schedule must contain its warm-up."""
        super().check()
        check_schedule(self, self.warmup_epochs, self.epochs)


@recipe
class DalleRecipe(FittedTargetRecipe):
    """DALL-E's released encoder as tokenizer, from a file converted to safetensors by an explicit command.

    What is fitted is how its tokens look: the mean of the patches that carry each.
    """

    KIND: ClassVar[str] = "dalle"

    file: str = unsigned(default="")
    sha256: str = ""  # of the file
    fit_images: Count = 20_000

    def check(self) -> None:
        """The encoder reads colour; grey is read as colour."""
        super().check()
        if self.in_chans not in (1, 3):
            self.refuse(f"DALL-E's encoder reads 3 channels, or 1 repeated, not {self.in_chans}; use our tokenizer.")


def fitted_for(recipe: PretrainRecipe, dalle: Path | None = None) -> FittedTargetRecipe | None:
    """What must be fitted before the pre-training `recipe`, its only parent; None for pixels.

    Recipe in, recipe out, both the paper's: the caller applies the same scale and seed to both.

    Args:
        recipe: the pre-training.
        dalle: DALL-E's encoder, converted to safetensors, to take the tokens from; None: a tokenizer of our own.

    Raises:
        RecipeError: there is no such safetensors file.
    """
    shared = ("data", "fingerprint", "train_images", "image_size", "in_chans", "patch_size", "device", "threads")
    patches = {name: getattr(recipe, name) for name in shared}
    if recipe.target == "pca":
        return PcaRecipe(**patches)
    if recipe.target != "token":
        return None
    if dalle is None:
        return TokenizerRecipe(**patches)
    if dalle.suffix != ".safetensors" or not dalle.is_file():
        raise RecipeError(
            f"{dalle} is no safetensors file; make one of OpenAI's encoder with `python -m mae_core.dalle convert`."
        )
    found = dalle.stat()
    return DalleRecipe(**patches, file=str(dalle), sha256=_sha256(dalle, found.st_size, found.st_mtime_ns))


@functools.cache
def _sha256(path: Path, size: int, changed: int) -> str:
    """Of the file as it is at that size and time of change: a plan asks often, and 200 MB take a while."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
