"""Cutting images into patches."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from mae_core.model.patches import gather, patchify, unpatchify


@given(
    grid=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    patch_size=st.integers(1, 4),
    channels=st.sampled_from([1, 3, 4, 13]),
)
def test_unpatchify_inverts_patchify(grid, patch_size, channels):
    n = 2 * channels * grid[0] * grid[1] * patch_size**2
    imgs = torch.arange(n).reshape(2, channels, grid[0] * patch_size, grid[1] * patch_size)
    patches = patchify(imgs, patch_size)
    assert patches.shape == (2, grid[0] * grid[1], patch_size**2 * channels)
    assert torch.equal(unpatchify(patches, patch_size, grid), imgs)


def test_a_patch_is_ordered_row_column_channel():
    imgs = torch.arange(2 * 2 * 4).reshape(1, 2, 2, 4)  # two channels, two patches side by side
    assert patchify(imgs, 2).tolist() == [[[0, 8, 1, 9, 4, 12, 5, 13], [2, 10, 3, 11, 6, 14, 7, 15]]]


def test_patches_hold_the_values_of_unfold():
    imgs = torch.arange(2.0 * 3 * 8 * 12).reshape(2, 3, 8, 12)
    unfolded = F.unfold(imgs, 4, stride=4).reshape(2, 3, 16, 6).permute(0, 3, 2, 1).flatten(2)
    assert torch.equal(patchify(imgs, 4), unfolded)


def test_gather_picks_per_sample():
    tokens = torch.arange(2 * 3 * 2).reshape(2, 3, 2)
    assert gather(tokens, torch.tensor([[2, 0], [1, 1]])).tolist() == [[[4, 5], [0, 1]], [[8, 9], [8, 9]]]
