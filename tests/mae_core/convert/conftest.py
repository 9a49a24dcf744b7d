"""Tiny models of each format, their weights drawn at random."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from timm.models.vision_transformer import VisionTransformer

from mae_core.model.mae import MaskedAutoencoder
from mae_core.recipes import PretrainRecipe

TINY = {
    "image_size": (24, 24),
    "patch_size": 8,
    "embed_dim": 32,
    "depth": 2,
    "num_heads": 4,
    "decoder_embed_dim": 16,
    "decoder_depth": 2,
    "decoder_num_heads": 2,
}


@pytest.fixture
def model() -> Callable[..., MaskedAutoencoder]:
    """A tiny model whose every parameter says something: none is zero or one throughout."""

    def make(**settings: Any) -> MaskedAutoencoder:
        made = MaskedAutoencoder(PretrainRecipe(**{**TINY, **settings}))
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for parameter in made.parameters():
                parameter.add_(0.02 * torch.randn(parameter.shape, generator=generator))
        return made.eval()

    return make


@pytest.fixture
def vit() -> Callable[..., VisionTransformer]:
    """A tiny ViT of timm's, with the given settings."""

    def make(**settings: Any) -> VisionTransformer:
        torch.manual_seed(0)
        shape = {"img_size": 24, "patch_size": 8, "embed_dim": 32, "depth": 2, "num_heads": 4, "num_classes": 0}
        return VisionTransformer(**{**shape, **settings}).eval()

    return make
