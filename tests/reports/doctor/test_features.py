"""Features computed with numpy are the model's own, and their effective rank is what it should be."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mae_core.model.encoder import Encoder
from mae_core.recipes import PretrainRecipe
from reports.doctor.features import encode, rank_of

RECIPE = PretrainRecipe(
    image_size=(8, 16), in_chans=3, patch_size=4, embed_dim=16, depth=2, num_heads=2, decoder_embed_dim=16,
    decoder_depth=1, decoder_num_heads=2, mask_ratio=0.5,
)  # fmt: skip


@torch.no_grad()
def test_numpy_encoder_is_the_models() -> None:
    model = Encoder(RECIPE).eval().double()
    for parameter in model.parameters():
        parameter.add_(0.1 * torch.randn_like(parameter))
    imgs = torch.randn(3, 3, 8, 16, dtype=torch.float64)
    weights = {name: value.numpy() for name, value in model.state_dict().items()}
    expected = model(imgs)[:, 1:].numpy()
    assert encode(weights, RECIPE, imgs.numpy()) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("rank", [0, 1, 3, 6])
def test_effective_rank_counts_equal_directions(rank: int) -> None:
    basis = np.linalg.qr(np.random.default_rng(0).standard_normal((8, 8)))[0]
    signs = np.concatenate([np.eye(rank), -np.eye(rank)]) if rank else np.zeros((2, 0))
    features = 5.0 + (signs @ basis[:rank])[:, None, :]  # (2·rank, 1, 8), mean taken away place by place
    assert rank_of(features) == pytest.approx(rank, abs=1e-3)
