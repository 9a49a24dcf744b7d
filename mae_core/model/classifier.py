"""The classifier: an encoder with a linear head, and which of its blocks are tuned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from torch import Tensor, nn

from mae_core.errors import RecipeError
from mae_core.model.blocks import LayerNorm
from mae_core.model.encoder import Encoder
from mae_core.model.initial import initialise
from mae_core.model.position import resized_position
from mae_core.recipes import EncoderRecipe, FinetuneRecipe


def shape_at(encoder: EncoderRecipe, resolution: tuple[int, int] | None) -> EncoderRecipe:
    """The encoder's shape on images of `resolution` (height, width); None: its own."""
    return encoder if resolution is None else replace(encoder, image_size=resolution)


class Classifier(Encoder):
    """An encoder under a linear head, to be fine-tuned; names and shapes of the released fine-tuned models.

    The head reads the class token after the final norm or, with mean pooling, the patch tokens' mean after a norm of
    its own (`fc_norm`), which takes the final norm's place. `fc_norm` starts untrained, so it is never frozen here;
    a probe of mean features uses `Encoder(…, pooling="mean")`, which keeps the trained norm.

    Args:
        encoder: the shape, at its own image size.
        recipe: pooling, drop path, tuned blocks, the resolution it works at, and the seed of the head.
        num_classes: width of the head.
    """

    def __init__(self, encoder: EncoderRecipe, recipe: FinetuneRecipe, num_classes: int) -> None:
        super().__init__(shape_at(encoder, recipe.resolution), drop_path=recipe.drop_path, pooling=recipe.pooling)
        self.trained_grid = encoder.grid
        if recipe.pooling == "mean":
            self.norm = nn.Identity()
            self.fc_norm: nn.Module = LayerNorm(encoder.embed_dim)
        else:
            self.fc_norm = nn.Identity()
        self.head = nn.Linear(encoder.embed_dim, num_classes)
        initialise(self.head, recipe.seed, prefix="head.")
        tune(self, recipe.tuned_blocks)

    def features(self, imgs: Tensor) -> Tensor:
        """What the head reads, (N, D)."""
        features: Tensor = self.fc_norm(super().features(imgs))
        return features

    def forward(self, imgs: Tensor) -> Tensor:  # type: ignore[override]
        """Logits of (N, C, H, W) images: (N, num_classes)."""
        logits: Tensor = self.head(self.features(imgs))
        return logits

    def load_encoder(self, weights: Mapping[str, Tensor]) -> None:
        """Take the encoder's weights, its positions interpolated where the resolution is another."""
        if "pos_embed" in weights and self.trained_grid != self.recipe.grid:
            resized = resized_position(weights["pos_embed"], self.trained_grid, self.recipe.grid)
            weights = {**weights, "pos_embed": resized}
        super().load_encoder(weights)


def tune(classifier: Classifier, blocks: float | None) -> None:
    """Let only the last `blocks` blocks learn, and what follows them (Figure 9); None: everything.

    A half is the MLP sub-block, with its norm, of the block before. As many as there are blocks is full fine-tuning,
    positions and patch projection included. That the final norm is always tuned is a choice of ours: the paper does
    not say.
    """
    depth = len(classifier.blocks)
    blocks = depth if blocks is None else blocks
    if blocks > depth:
        raise RecipeError(f"tuned_blocks {blocks:g} exceeds the encoder's {depth} blocks; choose at most {depth}.")
    classifier.requires_grad_(blocks == depth)
    first = depth - int(blocks)  # of the blocks tuned whole
    tuned: list[nn.Module] = [classifier.blocks[first:], classifier.norm, classifier.fc_norm, classifier.head]
    if blocks > int(blocks):
        half = classifier.blocks.get_submodule(str(first - 1))
        tuned += [half.get_submodule("norm2"), half.get_submodule("mlp")]
        scale = half._parameters.get("gamma_2")  # BEiT's layer scale of the MLP
        if scale is not None:
            scale.requires_grad_(True)
    for module in tuned:
        module.requires_grad_(True)
