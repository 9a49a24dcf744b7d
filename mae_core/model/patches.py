"""Patches: images cut into rows of square patches, and back."""

from __future__ import annotations

from torch import Tensor


def patchify(imgs: Tensor, patch_size: int) -> Tensor:
    """(N, C, H, W) images as (N, L, patch_size²·C): patches row by row, each in the order row, column, channel."""
    n, channels, height, width = imgs.shape
    down, across = height // patch_size, width // patch_size
    cut = imgs.reshape(n, channels, down, patch_size, across, patch_size)
    return cut.permute(0, 2, 4, 3, 5, 1).reshape(n, down * across, patch_size * patch_size * channels)


def unpatchify(patches: Tensor, patch_size: int, grid: tuple[int, int]) -> Tensor:
    """The images (N, C, H, W) that `patchify` cut into `patches` (N, L, patch_size²·C), `grid` down and across."""
    down, across = grid
    cut = patches.reshape(len(patches), down, across, patch_size, patch_size, -1)
    return cut.permute(0, 5, 1, 3, 2, 4).reshape(len(patches), -1, down * patch_size, across * patch_size)


def gather(tokens: Tensor, ids: Tensor) -> Tensor:
    """The tokens (N, L, D) numbered by `ids` (N, V), sample by sample: (N, V, D)."""
    return tokens.gather(1, ids[:, :, None].expand(-1, -1, tokens.shape[2]))
