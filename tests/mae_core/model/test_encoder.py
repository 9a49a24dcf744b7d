"""The encoder against timm's, and what reaches it."""

import pytest
import torch
from timm.models.vision_transformer import VisionTransformer

from mae_core.model.encoder import Encoder, WeightsError
from mae_core.model.mae import MaskedAutoencoder
from mae_core.model.masking import random_masking


def images(recipe, n=2):
    return torch.randn(n, recipe.in_chans, *recipe.image_size, generator=torch.Generator().manual_seed(1))


def timm_twin(encoder, **settings):
    recipe = encoder.recipe
    vit = VisionTransformer(
        recipe.image_size,
        recipe.patch_size,
        recipe.in_chans,
        embed_dim=recipe.embed_dim,
        depth=recipe.depth,
        num_heads=recipe.num_heads,
        num_classes=0,
        **settings,
    )
    vit.load_state_dict(encoder.state_dict())
    return vit.eval()


@pytest.mark.parametrize("in_chans", [1, 3, 4, 13])
def test_features_equal_timms_after_loading_our_weights(recipe, in_chans):
    encoder = Encoder(recipe(in_chans=in_chans)).eval()
    imgs = images(encoder.recipe)
    vit = timm_twin(encoder)
    torch.testing.assert_close(encoder(imgs), vit.forward_features(imgs), rtol=0, atol=1e-5)
    torch.testing.assert_close(encoder.features(imgs), vit(imgs), rtol=0, atol=1e-5)


def test_mean_features_are_the_mean_of_normed_patch_tokens(recipe):
    encoder = Encoder(recipe(), pooling="mean").eval()
    imgs = images(encoder.recipe)
    vit = timm_twin(encoder, global_pool="avg", fc_norm=False)
    torch.testing.assert_close(encoder.features(imgs), vit(imgs), rtol=0, atol=1e-5)


def test_projection_of_picked_patches_equals_the_convolution(recipe):
    encoder = Encoder(recipe())
    imgs, ids = images(encoder.recipe), torch.tensor([[3, 14, 0], [7, 7, 1]])
    tokens = encoder.patch_embed(imgs)
    expected = torch.stack([tokens[i, ids[i]] for i in range(2)])
    torch.testing.assert_close(encoder.embed(imgs, ids), expected, rtol=0, atol=1e-5)


def test_tokens_depend_on_visible_patches_alone(recipe):
    encoder = Encoder(recipe()).eval()
    ids_keep = random_masking(torch.rand(2, 15), 6).ids_keep
    imgs = images(encoder.recipe)
    seen = torch.zeros(2, 15, dtype=torch.bool).scatter_(1, ids_keep, True).reshape(2, 1, 3, 5)
    seen = seen.repeat_interleave(8, dim=2).repeat_interleave(8, dim=3)
    assert torch.equal(encoder(imgs, ids_keep), encoder(imgs.where(seen, torch.nan), ids_keep))


def test_seeing_every_patch_in_another_order_gives_the_same_tokens(recipe):
    encoder = Encoder(recipe()).eval()
    imgs, ids = images(encoder.recipe, n=1), torch.randperm(15)[None]
    shuffled = encoder(imgs, ids)[:, 1:]
    torch.testing.assert_close(shuffled, encoder(imgs)[:, 1:][:, ids[0]], rtol=0, atol=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_nothing_is_masked_unless_asked(recipe, training):
    model = Encoder(recipe()).train(training)
    assert model(images(model.recipe)).shape == (2, 1 + 15, 32)


def test_drop_path_rises_linearly_and_rests_in_evaluation(recipe):
    encoder = Encoder(recipe(depth=3), drop_path=0.5)
    rates = [getattr(block.drop_path2, "drop_prob", 0.0) for block in encoder.blocks]
    assert rates == [0.0, 0.25, 0.5]
    imgs = images(encoder.recipe)
    plain = Encoder(recipe(depth=3)).eval()
    assert torch.equal(encoder.eval()(imgs), plain(imgs))
    assert not torch.equal(encoder.train()(imgs), plain(imgs))


def test_positions_are_frozen(recipe):
    frozen = {name for name, p in MaskedAutoencoder(recipe()).named_parameters() if not p.requires_grad}
    assert frozen == {"pos_embed", "decoder_pos_embed"}


def test_encoder_weights_are_taken_from_a_pretrained_model(recipe):
    pretrained = MaskedAutoencoder(recipe(seed=1)).state_dict()
    encoder = Encoder(recipe(seed=2))
    encoder.load_encoder(pretrained)
    for name, parameter in encoder.state_dict().items():
        assert torch.equal(parameter, pretrained[name])


def test_missing_weights_are_named_and_nothing_is_loaded(recipe):
    encoder = Encoder(recipe(depth=3))
    before = {name: p.clone() for name, p in encoder.state_dict().items()}
    with pytest.raises(WeightsError, match=r"lack 12 of the encoder's 42 parameters, the first of them blocks\.2"):
        encoder.load_encoder(Encoder(recipe(depth=2, seed=9)).state_dict())
    for name, parameter in encoder.state_dict().items():
        assert torch.equal(parameter, before[name])


def test_weights_of_another_shape_are_named(recipe):
    with pytest.raises(WeightsError, match=r"pos_embed is \(1, 26, 32\) in these weights and \(1, 16, 32\)"):
        Encoder(recipe()).load_encoder(Encoder(recipe(image_size=(40, 40))).state_dict())
