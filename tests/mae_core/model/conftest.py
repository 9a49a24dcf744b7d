"""Tiny recipes."""

from collections.abc import Callable

import pytest

from mae_core.recipes import PretrainRecipe

TINY = {
    "image_size": (24, 40),
    "patch_size": 8,
    "embed_dim": 32,
    "depth": 2,
    "num_heads": 4,
    "decoder_embed_dim": 16,
    "decoder_depth": 2,
    "decoder_num_heads": 2,
    "mask_ratio": 0.6,
}


@pytest.fixture
def recipe() -> Callable[..., PretrainRecipe]:
    """A tiny recipe on a 3×5 grid with the given settings."""
    return lambda **settings: PretrainRecipe(**{**TINY, **settings})
