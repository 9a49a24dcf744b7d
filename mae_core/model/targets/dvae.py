"""Our tokenizer: a discrete VAE of single patches, relaxed by Gumbel-softmax while it learns."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mae_core.model.initial import initialise
from mae_core.model.patches import patchify
from mae_core.recipes import TokenizerRecipe

TINY = 1e-12  # keeps logarithms of draws and shares finite


class DiscreteVae(nn.Module):
    """An encoder from a patch to a logit for each token, and a picture for each token as decoder.

    DALL-E's (Ramesh et al. 2021, section 2.1) made small: one token sees one patch, and a token looks the same
    wherever it stands.
    """

    def __init__(self, recipe: TokenizerRecipe) -> None:
        super().__init__()
        self.patch_size, self.vocabulary = recipe.patch_size, recipe.vocabulary
        self.encoder = nn.Sequential(
            nn.Linear(recipe.patch_values, recipe.hidden_dim),
            nn.GELU(),
            nn.Linear(recipe.hidden_dim, recipe.vocabulary),
        )
        self.decoder = nn.Linear(recipe.vocabulary, recipe.patch_values)
        initialise(self, recipe.seed, prefix="tokenizer.")

    def logits(self, imgs: Tensor) -> Tensor:
        """A score for each token at each patch of normalised images: (N, L, vocabulary)."""
        scores: Tensor = self.encoder(patchify(imgs, self.patch_size))
        return scores

    def relaxed(self, logits: Tensor, gumbel: Tensor, temperature: float) -> Tensor:
        """Patches (N, L, patch_size²·C) painted by a draw from `logits` that is nearly one token where it is cold.

        Args:
            logits: (N, L, vocabulary).
            gumbel: of the same shape, standard Gumbel noise.
            temperature: of the softmax (Jang et al. 2017; Maddison et al. 2017).
        """
        painted: Tensor = self.decoder(((logits + gumbel) / temperature).softmax(dim=-1))
        return painted

    def tokens(self, imgs: Tensor) -> Tensor:
        """The likeliest tokens (N, L) of normalised images."""
        return self.logits(imgs).argmax(dim=-1)

    def pictures(self, tokens: Tensor) -> Tensor:
        """What `tokens` (N, L) look like: normalised patches (N, L, patch_size²·C)."""
        return self.decoder.weight.T[tokens] + self.decoder.bias


def gumbel_from(uniform: Tensor) -> Tensor:
    """Standard Gumbel noise, float32, from uniform draws in [0, 1) of float64."""
    return -(-uniform.clamp_min(TINY).log()).clamp_min(TINY).log().float()


def usage_gap(shares: Tensor, batch_shares: Tensor) -> Tensor:
    """How far the use of tokens is from equal use: KL(use ‖ uniform) in nats, a scalar.

    Summed over micro-batches by their share of the effective batch, value and gradient are those of the whole batch.

    Args:
        shares: (vocabulary,) mean probability of each token over a micro-batch, with a graph.
        batch_shares: the same over the effective batch, without one.
    """
    return (shares * (batch_shares.clamp_min(TINY) * len(shares)).log()).sum()


def temperature_at(recipe: TokenizerRecipe, progress: float) -> float:
    """Of the relaxation when `progress` (0 … 1) of the steps are done: it falls geometrically."""
    first, last = recipe.temperatures
    return float(first * (last / first) ** progress)


def shares_of(logits: Tensor) -> Tensor:
    """The mean probability of each token, (vocabulary,), over `logits` (N, L, vocabulary)."""
    return torch.softmax(logits, dim=-1).mean(dim=(0, 1))
