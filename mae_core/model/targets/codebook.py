"""How well a tokenizer's codebook is used."""

from __future__ import annotations

import torch
from torch import Tensor

from mae_core.model.patches import patchify
from mae_core.model.targets.tokens import Tokenizer


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
