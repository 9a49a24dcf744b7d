"""Sine-cosine positions against known values and an independent implementation."""

import math

import pytest
import torch

from mae_core.model.position import sincos_position


def test_the_class_token_stands_nowhere():
    assert not sincos_position((3, 5), 16)[0, 0].any()


def test_known_values_on_a_grid_of_two_by_three():
    row_1_column_2 = sincos_position((2, 3), 8)[0, 1 + 5]
    angles = [2, 0.02, 1, 0.01]  # column, then row, each at frequencies 1 and 1/100
    expected = [f(angle) for pair in (angles[:2], angles[2:]) for f in (math.sin, math.cos) for angle in pair]
    assert row_1_column_2.tolist() == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("grid", [(14, 14), (2, 7), (7, 2)])
def test_equals_hugging_faces_with_its_halves_turned(grid):
    from transformers.models.vit_mae.modeling_vit_mae import build_2d_sinusoidal_position_embedding

    theirs = build_2d_sinusoidal_position_embedding(*grid, embed_dim=24, cls_token=True).roll(12, dims=1)
    torch.testing.assert_close(sincos_position(grid, 24)[0], theirs, rtol=0, atol=1e-6)


def test_no_two_patches_share_a_position():
    assert len(sincos_position((4, 9), 16)[0].unique(dim=0)) == 1 + 36
