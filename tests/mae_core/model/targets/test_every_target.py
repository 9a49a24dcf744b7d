"""Every target under every mask on images of 8×32 patches, of any number of channels; panels of them too."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mae_core.data.images import Images, View
from mae_core.data.in_memory import InMemory
from mae_core.model.mae import MaskedAutoencoder
from mae_core.model.masking import draw_masking, masking_from
from mae_core.model.patches import patchify
from mae_core.model.targets import Covariance, NormPixelTarget, PcaTarget, PixelTarget, TokenTarget
from mae_core.model.targets.dalle import DalleEncoder, DalleTokenizer
from mae_core.model.targets.dvae import DiscreteVae
from mae_core.recipes import PretrainRecipe, TokenizerRecipe
from mae_core.stages.pretrain import Reconstruction, draw_panels

PATCH, SIZE = 2, (16, 64)  # 8×32 patches
CHANNELS = (1, 3, 4, 13)
SHAPE = {"image_size": SIZE, "patch_size": PATCH, "embed_dim": 8, "depth": 1, "num_heads": 2, "decoder_embed_dim": 8}
COARSE = {"pixel": "pixel", "norm_pixel": "norm_pixel", "pca": "pca", "token": "token", "dalle": "token"}
WAYS = [(name, channels) for name in COARSE for channels in CHANNELS if name != "dalle" or channels in (1, 3)]


def recipe(target, channels, **changes):
    small = {"decoder_depth": 1, "decoder_num_heads": 2, "dtype": "float32", "device": "cpu"}
    return PretrainRecipe(**SHAPE, **small, in_chans=channels, target=COARSE[target], **changes)


def images(channels, n=3):
    return torch.randn(n, channels, *SIZE, generator=torch.Generator().manual_seed(channels)).cumsum(dim=2) / 3


def target_of(name, channels):
    """The target of that name, fitted on a few images where it needs fitting."""
    if name in ("pixel", "norm_pixel"):
        return PixelTarget(PATCH) if name == "pixel" else NormPixelTarget(PATCH)
    if name == "pca":
        covariance = Covariance(PATCH**2 * channels)
        covariance.add(patchify(images(channels), PATCH).flatten(0, 1))
        return PcaTarget(covariance.components(max(1, channels // 2)), PATCH)
    if name == "token":
        shape = {"image_size": SIZE, "patch_size": PATCH, "in_chans": channels}
        return TokenTarget(DiscreteVae(TokenizerRecipe(**shape, vocabulary=7, hidden_dim=8)), PATCH)
    encoder = DalleEncoder(width=8, vocabulary=32)
    return TokenTarget(DalleTokenizer(encoder, PATCH, (0.5,) * channels, (0.25,) * channels), PATCH)


@pytest.mark.parametrize("sampling", ["random", "block", "grid"])
@pytest.mark.parametrize(("name", "channels"), WAYS)
def test_a_step_is_finite_and_its_prediction_can_be_shown(name, channels, sampling):
    made, imgs, target = recipe(name, channels, mask_sampling=sampling), images(channels), target_of(name, channels)
    model, masking = MaskedAutoencoder(made, target), draw_masking(made, 0, torch.arange(3))
    model(imgs, masking).backward()
    assert model.decoder_pred.weight.grad.isfinite().all()
    assert model.decoder_pred.weight.grad.any()
    assert target.display(model.reconstruct(imgs, masking), imgs).shape == imgs.shape


@pytest.mark.parametrize(("name", "channels"), WAYS)
def test_the_loss_is_that_of_the_masked_patches_alone(name, channels):
    made, imgs, target = recipe(name, channels), images(channels), target_of(name, channels)
    model, masking = MaskedAutoencoder(made, target), draw_masking(made, 0, torch.arange(3))
    chosen = masking.mask.bool()
    pred, wanted = model.reconstruct(imgs, masking)[chosen], target.of(imgs)[chosen]
    assert model(imgs, masking).item() == pytest.approx(target.loss(pred[None], wanted[None]).item(), rel=1e-4)


@settings(max_examples=25)
@given(st.sampled_from(WAYS[:-2]), st.permutations(range(3)))
def test_a_target_depends_on_its_own_image_alone(way, order):
    imgs, target = images(way[1]), target_of(*way)
    torch.testing.assert_close(target.of(imgs)[list(order)], target.of(imgs[list(order)]))


@settings(max_examples=25)
@given(st.integers(1, 255), st.randoms(use_true_random=False))
def test_a_callers_mask_decides_what_is_lost(num_visible, rng):
    made, imgs = recipe("pixel", 3), images(3)
    mask = torch.ones(3, 256)
    for row in mask:
        row[rng.sample(range(256), num_visible)] = 0
    model, masking = MaskedAutoencoder(made), masking_from(mask)
    assert torch.equal(masking.mask, mask)
    error = (model.reconstruct(imgs, masking) - patchify(imgs, PATCH)).square().mean(dim=2)
    assert model(imgs, masking).item() == pytest.approx(error[mask == 1].mean().item(), rel=1e-4)


@pytest.mark.parametrize("sampling", ["random", "block", "grid"])
@pytest.mark.parametrize(("name", "channels"), WAYS)
def test_panels_of_any_target_mask_and_channels_are_pictures(name, channels, sampling, tmp_path):
    pixels = (images(channels, 4).sigmoid() * 255).byte()
    source = InMemory(pixels, in_chans=channels, size=SIZE)
    split = Images(source, SIZE, None, 0, (0.5,) * channels, (0.25,) * channels, has_margin=False)
    made = recipe(name, channels, mask_sampling=sampling)
    draw_panels(Reconstruction(made, split, target_of(name, channels)), split, tmp_path / "panels.npz")
    originals = split.pixels(torch.arange(4), View("eval")).numpy()
    hidden = draw_masking(made, 0, torch.arange(4)).mask.reshape(4, 1, 8, 32).numpy().repeat(PATCH, 2).repeat(PATCH, 3)
    with np.load(tmp_path / "panels.npz") as panels:
        assert np.abs(panels["originals"] - originals).max() < 1e-3
        assert np.abs(panels["masked"] - np.where(hidden, 0.5, originals)).max() < 1e-3
        assert panels["reconstructed"].shape == (4, channels, *SIZE)
        assert ((panels["reconstructed"] >= 0) & (panels["reconstructed"] <= 1)).all()
