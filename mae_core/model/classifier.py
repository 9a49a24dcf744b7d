"""The classifier: an encoder with a linear head, and which of its blocks are tuned."""

from __future__ import annotations

from torch import Tensor, nn

from mae_core.errors import RecipeError
from mae_core.model.blocks import LayerNorm
from mae_core.model.encoder import Encoder
from mae_core.model.initial import initialise
from mae_core.recipes import EncoderRecipe, FinetuneRecipe


class Classifier(Encoder):
    """An encoder under a linear head, to be fine-tuned; names and shapes of the released fine-tuned models.

    The head reads the class token after the final norm or, with mean pooling, the patch tokens' mean after a norm of
    its own (`fc_norm`), which takes the final norm's place. `fc_norm` starts untrained, so it is never frozen here;
    a probe of mean features uses `Encoder(…, pooling="mean")`, which keeps the trained norm.

    Args:
        encoder: the shape.
        recipe: pooling, drop path, tuned blocks, and the seed of the head.
        num_classes: width of the head.
    """

    def __init__(self, encoder: EncoderRecipe, recipe: FinetuneRecipe, num_classes: int) -> None:
        super().__init__(encoder, drop_path=recipe.drop_path, pooling=recipe.pooling)
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
    for module in tuned:
        module.requires_grad_(True)
