"""Pixels as a target: what is predicted, and how it is shown."""

import pytest
import torch
from torch import Tensor

from mae_core.errors import RecipeError
from mae_core.model.patches import patchify
from mae_core.model.targets import NormPixelTarget, PixelTarget, pixel_target

IMGS = torch.randn(2, 3, 8, 12, generator=torch.Generator().manual_seed(0)) * 2 + 5


def test_normalised_patches_have_mean_zero_and_unbiased_variance_one():
    target = NormPixelTarget(4).of(IMGS)
    assert target.mean(dim=-1) == pytest.approx(torch.zeros(2, 6), abs=1e-5)
    assert target.var(dim=-1, correction=1) == pytest.approx(torch.ones(2, 6), abs=1e-5)


def test_a_flat_patch_is_normalised_to_zero():
    assert not NormPixelTarget(4).of(torch.full((1, 1, 4, 4), 7.0)).any()


@pytest.mark.parametrize("target", [PixelTarget(4), NormPixelTarget(4)])
def test_a_perfect_prediction_shows_the_image(target):
    torch.testing.assert_close(target.display(target.of(IMGS), IMGS), IMGS)


def test_pixels_are_not_changed():
    assert torch.equal(PixelTarget(4).of(IMGS), patchify(IMGS, 4))


def test_predicting_nothing_of_normalised_pixels_costs_n_minus_one_in_n():
    target = NormPixelTarget(4)
    loss = target.loss(torch.zeros(2, 6, 48), target.of(IMGS))
    assert loss.item() == pytest.approx(47 / 48, rel=1e-5)


def test_the_loss_is_float32_under_half_precision():
    target = PixelTarget(4)
    pred: Tensor = target.of(IMGS).bfloat16()
    assert target.loss(pred, target.of(IMGS)).dtype == torch.float32


@pytest.mark.parametrize("name", ["pca", "token"])
def test_a_target_that_needs_fitting_is_asked_for(recipe, name):
    with pytest.raises(RecipeError, match="give the fitted target"):
        pixel_target(recipe(target=name))
