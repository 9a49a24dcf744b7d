"""Positions: fixed 2-D sine-cosine embeddings of a grid of patches, and embeddings taken to another grid."""

from __future__ import annotations

import torch
from timm.layers import resample_abs_pos_embed
from torch import Tensor

TEMPERATURE = 10_000.0  # Vaswani et al. 2017, section 3.5


def _sincos(coordinates: Tensor, channels: int) -> Tensor:
    """Sines, then cosines, of (L,) coordinates at channels/2 falling frequencies: (L, channels)."""
    frequencies = TEMPERATURE ** -(torch.arange(channels // 2, dtype=torch.float64) / (channels // 2))
    angles = torch.outer(coordinates, frequencies)
    return torch.cat([angles.sin(), angles.cos()], dim=1)


def sincos_position(grid: tuple[int, int], embed_dim: int) -> Tensor:
    """Embeddings of the class token (zeros) and of each patch, row by row: (1, 1+L, embed_dim) float32.

    The first half of the channels comes from the column, the second from the row, the order of the released models.

    Args:
        grid: patches down and across.
        embed_dim: a multiple of 4.
    """
    row, column = torch.meshgrid(*(torch.arange(n, dtype=torch.float64) for n in grid), indexing="ij")
    halves = [_sincos(coordinates.flatten(), embed_dim // 2) for coordinates in (column, row)]
    patches = torch.cat(halves, dim=1)  # [L, D]
    return torch.cat([torch.zeros(1, embed_dim), patches])[None].float()  # [1, 1+L, D]


def resized_position(pos_embed: Tensor, grid: tuple[int, int], new_grid: tuple[int, int]) -> Tensor:
    """Embeddings (1, 1+L, D) of `grid` interpolated bicubically to `new_grid`, as the released fine-tuning does.

    The class token's stays; without antialiasing, which the released code does not use.
    """
    resized: Tensor = resample_abs_pos_embed(pos_embed, list(new_grid), list(grid), antialias=False)
    return resized
