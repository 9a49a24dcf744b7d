"""Discrete tokens as a target (Table 1d), and how well a codebook is used."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from mae_core.model.patches import patchify, unpatchify
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


class CodebookUse:
    """Which tokens some images get, and how far their pictures are from the images, in batches."""

    def __init__(self, tokenizer: Tokenizer, patch_size: int) -> None:
        self.tokenizer, self.patch_size = tokenizer, patch_size
        self.counts = torch.zeros(tokenizer.vocabulary, dtype=torch.float64)
        self.errors = {"reconstruction_error": 0.0, "patch_mean_error": 0.0}
        self.values = 0

    @torch.no_grad()
    def add(self, imgs: Tensor) -> None:
        """Take in normalised images (N, C, H, W)."""
        patches, tokens = patchify(imgs, self.patch_size), self.tokenizer.tokens(imgs)
        flat = patches.mean(dim=-1, keepdim=True).expand_as(patches)  # the trivial rival: each patch in its own grey
        rivals = {"reconstruction_error": self.tokenizer.pictures(tokens), "patch_mean_error": flat}
        for name, made in rivals.items():
            self.errors[name] += float((made - patches).double().square().sum())
        self.values += patches.numel()
        self.counts += torch.bincount(tokens.flatten().cpu(), minlength=len(self.counts))

    def metrics(self) -> dict[str, float]:
        """`perplexity`: tokens as if equally used; `codebook_used`: per cent used at all; errors: mean squared.

        `patch_mean_error` is that of painting each patch in its own mean, which needs a real number, not a token.
        """
        shares = self.counts / self.counts.sum()
        entropy = -torch.xlogy(shares, shares).sum()
        return {
            "perplexity": float(entropy.exp()),
            "codebook_used": 100.0 * float((self.counts > 0).double().mean()),
            **{name: error / self.values for name, error in self.errors.items()},
        }
