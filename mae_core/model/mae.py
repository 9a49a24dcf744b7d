"""The masked autoencoder: encode what is visible, decode everything, compare what was masked (paper, Figure 1)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mae_core.model.blocks import LayerNorm, make_blocks, run_blocks
from mae_core.model.encoder import Encoder, positions
from mae_core.model.initial import initialise
from mae_core.model.linear import Linear
from mae_core.model.masking import Masking
from mae_core.model.patches import gather
from mae_core.model.position import sincos_position
from mae_core.model.targets import Target, pixel_target
from mae_core.recipes import PretrainRecipe

DECODER_MLP_RATIO = 4.0  # the paper's decoder blocks, whatever the encoder's


class MaskedAutoencoder(Encoder):
    """An encoder with a light decoder; names and shapes of the released models.

    Tokens stand in shuffled order throughout, visible ones first: a Transformer does not mind, because positions
    say where each belongs. So nothing is ever unshuffled, and the masked tokens are the last ones.

    Args:
        recipe: the shape, and what the mask tokens and the loss do.
        target: what to predict; None: the recipe's, where it needs no fitting.
    """

    def __init__(self, recipe: PretrainRecipe, target: Target | None = None) -> None:
        super().__init__(recipe)
        self.recipe: PretrainRecipe = recipe
        self.target = pixel_target(recipe) if target is None else target
        width = recipe.decoder_embed_dim
        # one mask token, as wide as the tokens among which it enters (Table 1c)
        self.mask_token = nn.Parameter(
            torch.zeros(1, 1, recipe.embed_dim if recipe.encoder_sees_mask_tokens else width)
        )
        self.decoder_embed = Linear(recipe.embed_dim, width)
        self.decoder_pos_embed = nn.Parameter(sincos_position(recipe.grid, width), requires_grad=False)
        drop_paths = [0.0] * recipe.decoder_depth
        self.decoder_blocks = make_blocks(width, recipe.decoder_num_heads, DECODER_MLP_RATIO, drop_paths)
        self.decoder_norm = LayerNorm(width)
        self.decoder_pred = Linear(width, self.target.channels(recipe))
        initialise(self, recipe.seed)

    def forward(self, imgs: Tensor, masking: Masking) -> Tensor:  # type: ignore[override]
        """The loss of `imgs` (N, C, H, W) under `masking`: a float32 scalar."""
        latent = self.encode(imgs, masking)
        tokens = self.decode(latent, masking, last=self._compared(masking).shape[1])
        return self.loss(imgs, tokens, masking)

    def encode(self, imgs: Tensor, masking: Masking) -> Tensor:
        """Encoded tokens, class token first: (N, 1+V, D), or (N, 1+L, D) where the encoder sees mask tokens."""
        tokens = self.embed(imgs, masking.ids_keep)  # [N, V, D]
        if not self.recipe.encoder_sees_mask_tokens:
            return self.transform(tokens, masking.ids_keep)
        return self.transform(self._append_mask_tokens(tokens, masking), masking.ids_shuffle)

    def decode(self, latent: Tensor, masking: Masking, last: int | None = None) -> Tensor:
        """Decoded tokens (N, 1+L, decoder width): the class token, the visible patches, the masked patches.

        With `last`, only so many of the last ones are computed to the end and returned: (N, last, decoder width).
        """
        x = self.decoder_embed(latent)
        if not self.recipe.encoder_sees_mask_tokens:
            x = self._append_mask_tokens(x, masking)
        x = x + positions(self.decoder_pos_embed, masking.ids_shuffle)  # [N, 1+L, D']
        return run_blocks(self.decoder_blocks, x, last)

    def loss(self, imgs: Tensor, tokens: Tensor, masking: Masking) -> Tensor:
        """The target's loss over the patches it is taken on, the last of `tokens`; the others are not predicted."""
        ids = self._compared(masking)
        pred = self._predict(tokens[:, -ids.shape[1] :])
        return self.target.loss(pred, gather(self.target.of(imgs), ids))

    def reconstruct(self, imgs: Tensor, masking: Masking) -> Tensor:
        """Predictions for all patches, visible ones included, row by row: (N, L, channels of the target)."""
        tokens = self.decode(self.encode(imgs, masking), masking)
        return gather(self._predict(tokens[:, 1:]), masking.ids_restore)

    def _compared(self, masking: Masking) -> Tensor:
        return masking.ids_masked if self.recipe.loss_on == "masked" else masking.ids_shuffle

    def _predict(self, tokens: Tensor) -> Tensor:
        pred: Tensor = self.decoder_pred(self.decoder_norm(tokens))
        return pred

    def _append_mask_tokens(self, tokens: Tensor, masking: Masking) -> Tensor:
        mask_tokens = self.mask_token.expand(*masking.ids_masked.shape, -1)
        return torch.cat([tokens, mask_tokens], dim=1)
