"""The masked autoencoder against Hugging Face's, and what its loss looks at."""

import pytest
import torch

from mae_core.model.mae import MaskedAutoencoder
from mae_core.model.masking import draw_masking, random_masking
from mae_core.model.patches import patchify, unpatchify
from mae_core.recipes import VIT_B, PretrainRecipe
from tests.mae_core.model.oracle import hf_twin, twin_gradients

VIT_TINY = {"embed_dim": 192, "depth": 12, "num_heads": 3}


def images(recipe, n=2):
    return torch.randn(n, recipe.in_chans, *recipe.image_size, generator=torch.Generator().manual_seed(1))


def step_beside_twin(recipe, imgs):
    """Our loss, the twin's, and both models after backward, under the same noise."""
    model = MaskedAutoencoder(recipe)
    twin = hf_twin(model)
    noise = torch.rand(len(imgs), recipe.num_patches, generator=torch.Generator().manual_seed(2))
    loss = model(imgs, random_masking(noise, recipe.visible_tokens))
    theirs = twin(imgs, noise=noise).loss
    loss.backward()
    theirs.backward()
    return loss, theirs, model, twin


def relative_gap(model, twin):
    """The largest relative distance between a parameter's two gradients."""
    pairs = twin_gradients(model, twin)
    return max(float((ours - theirs).norm() / theirs.norm()) for ours, theirs in pairs.values())


@pytest.mark.parametrize("target", ["pixel", "norm_pixel"])
@pytest.mark.parametrize("in_chans", [1, 3])
def test_loss_and_gradients_equal_hugging_faces(recipe, target, in_chans):
    made = recipe(image_size=32, mask_ratio=0.75, target=target, in_chans=in_chans)
    loss, theirs, model, twin = step_beside_twin(made, images(made, n=3))
    assert loss.item() == pytest.approx(theirs.item(), abs=1e-5)
    assert relative_gap(model, twin) < 1e-4


@pytest.mark.parametrize("target", ["pixel", "norm_pixel"])
@pytest.mark.parametrize("size", [VIT_TINY, VIT_B], ids=["tiny", "base"])
def test_a_whole_models_step_equals_hugging_faces(size, target):
    made = PretrainRecipe(**size, target=target)  # images of 224 px, eight decoder blocks of width 512
    loss, theirs, model, twin = step_beside_twin(made, images(made, n=1))
    assert loss.item() == pytest.approx(theirs.item(), abs=1e-5)
    assert relative_gap(model, twin) < 1e-4


def test_reconstruction_equals_hugging_faces(recipe):
    made = recipe(image_size=32, mask_ratio=0.75)
    model, imgs, noise = MaskedAutoencoder(made).eval(), images(made), torch.rand(2, 16)
    pred = model.reconstruct(imgs, random_masking(noise, made.visible_tokens))
    torch.testing.assert_close(pred, hf_twin(model).eval()(imgs, noise=noise).logits, rtol=0, atol=1e-5)


@pytest.mark.parametrize("sees_mask_tokens", [False, True])
@pytest.mark.parametrize("loss_on", ["masked", "all"])
def test_the_loss_is_the_mean_over_its_patches_of_the_reconstruction(recipe, sees_mask_tokens, loss_on):
    made = recipe(encoder_sees_mask_tokens=sees_mask_tokens, loss_on=loss_on)
    model, imgs, masking = MaskedAutoencoder(made), images(made), draw_masking(made, 0, torch.arange(2))
    error = (model.reconstruct(imgs, masking) - patchify(imgs, 8)).square().mean(dim=2)
    weight = masking.mask if loss_on == "masked" else torch.ones_like(masking.mask)
    assert model(imgs, masking).item() == pytest.approx(((error * weight).sum() / weight.sum()).item(), rel=1e-5)


def test_loss_ignores_what_visible_patches_should_have_been(recipe):
    model, masking = MaskedAutoencoder(recipe()), draw_masking(recipe(), 0, torch.arange(2))
    imgs = images(model.recipe)
    tokens = model.decode(model.encode(imgs, masking), masking)
    patches = patchify(imgs, 8)
    patches[masking.mask == 0] = torch.nan
    loss = model.loss(unpatchify(patches, 8, (3, 5)), tokens, masking)
    assert torch.equal(loss, model(imgs, masking))


@pytest.mark.parametrize("sees_mask_tokens", [False, True])
def test_predictions_do_not_depend_on_masked_pixels(recipe, sees_mask_tokens):
    made = recipe(encoder_sees_mask_tokens=sees_mask_tokens)
    model, imgs, masking = MaskedAutoencoder(made), images(made), draw_masking(made, 0, torch.arange(2))
    patches = patchify(imgs, 8)
    patches[masking.mask == 1] = torch.nan
    hidden = unpatchify(patches, 8, (3, 5))
    assert torch.equal(model.reconstruct(hidden, masking), model.reconstruct(imgs, masking))


def test_an_encoder_with_mask_tokens_equals_masking_after_projection(recipe):
    """Written the long way: project all, overwrite the masked, add positions, keep the image's order."""
    model = MaskedAutoencoder(recipe(encoder_sees_mask_tokens=True))
    imgs, masking = images(model.recipe), draw_masking(model.recipe, 0, torch.arange(2))
    tokens = torch.where(masking.mask[..., None] == 1, model.mask_token, model.patch_embed(imgs))
    tokens = torch.cat([model.cls_token.expand(2, -1, -1), tokens], dim=1)
    latent = model.norm(model.blocks(tokens + model.pos_embed))
    decoded = model.decoder_norm(model.decoder_blocks(model.decoder_embed(latent) + model.decoder_pos_embed))
    expected = model.decoder_pred(decoded)[:, 1:]
    torch.testing.assert_close(model.reconstruct(imgs, masking), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("sees_mask_tokens", [False, True])
def test_every_trainable_parameter_gets_a_gradient(recipe, sees_mask_tokens):
    model = MaskedAutoencoder(recipe(encoder_sees_mask_tokens=sees_mask_tokens))
    model(images(model.recipe), draw_masking(model.recipe, 0, torch.arange(2))).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters() if p.requires_grad)


@pytest.mark.parametrize("image_size", [(8, 40), (40, 16)])
@pytest.mark.parametrize("in_chans", [1, 3, 4, 13])
def test_any_grid_and_any_channels_reconstruct(recipe, image_size, in_chans):
    made = recipe(image_size=image_size, in_chans=in_chans)
    model, imgs, masking = MaskedAutoencoder(made), images(made), draw_masking(made, 0, torch.arange(2))
    pred = model.reconstruct(imgs, masking)
    assert model.target.display(pred, imgs).shape == imgs.shape


def test_masked_patches_cost_the_encoder_nothing(recipe):
    from torch.utils.flop_counter import FlopCounterMode

    def flops(ratio: float) -> int:
        made = recipe(mask_ratio=ratio)
        model, imgs = MaskedAutoencoder(made), images(made)
        masking = draw_masking(made, 0, torch.arange(2))
        with FlopCounterMode(display=False) as counter:
            model.encode(imgs, masking)
        return counter.get_total_flops()

    # projections of 3 and 12 of 15 patches: everything but attention scales with the tokens, class token included
    assert flops(0.8) < flops(0.2) * (1 + 3) / (1 + 12)


def test_compute_in_bfloat16_gives_a_loss_close_to_float32s(recipe):
    model, imgs = MaskedAutoencoder(recipe()), images(recipe())
    masking = draw_masking(recipe(), 0, torch.arange(2))
    with torch.autocast("cpu", torch.bfloat16):
        loss = model(imgs, masking)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(model(imgs, masking).item(), rel=2e-2)
