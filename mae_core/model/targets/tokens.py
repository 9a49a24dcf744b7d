"""Discrete tokens as a target (Table 1d)."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from mae_core.model.patches import unpatchify
from mae_core.recipes import EncoderRecipe


class Tokenizer(Protocol):
    """Gives each patch one of `vocabulary` tokens, and each token a picture."""

    @property
    def vocabulary(self) -> int:
        """How many tokens there are."""
        ...

    def tokens(self, imgs: Tensor) -> Tensor:
        """The tokens (N, L) int64 of normalised images (N, C, H, W)."""
        ...

    def pictures(self, tokens: Tensor) -> Tensor:
        """What `tokens` (N, L) look like: normalised patches (N, L, patch_size²·C)."""
        ...


class TokenTarget:
    """The token of each patch; cross-entropy (BEiT; paper, section 4.1)."""

    def __init__(self, tokenizer: Tokenizer, patch_size: int) -> None:
        self.tokenizer, self.patch_size = tokenizer, patch_size

    def channels(self, recipe: EncoderRecipe) -> int:
        """A logit for each token."""
        return self.tokenizer.vocabulary

    @torch.no_grad()
    def of(self, imgs: Tensor) -> Tensor:
        """Tokens: (N, L, 1) int64, found in float32 whatever the compute dtype."""
        with torch.autocast(imgs.device.type, enabled=False):
            return self.tokenizer.tokens(imgs.float())[:, :, None]

    def loss(self, pred: Tensor, target: Tensor) -> Tensor:
        """Mean cross-entropy in nats, in float32."""
        return F.cross_entropy(pred.float().flatten(0, -2), target.flatten())

    def display(self, pred: Tensor, imgs: Tensor) -> Tensor:
        """The pictures of the likeliest tokens."""
        height, width = imgs.shape[2:]
        grid = height // self.patch_size, width // self.patch_size
        return unpatchify(self.tokenizer.pictures(pred.argmax(dim=-1)), self.patch_size, grid)
