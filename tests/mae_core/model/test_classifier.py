"""The classifier against timm's, and what of it is tuned."""

import pytest
import torch
from timm.models.vision_transformer import VisionTransformer
from torch.nn import functional as F

from mae_core.errors import RecipeError
from mae_core.model.classifier import Classifier
from mae_core.model.mae import MaskedAutoencoder
from mae_core.recipes import FinetuneRecipe
from mae_core.training.optim import adamw, layer_decay_groups


def trainable(classifier):
    return {name for name, p in classifier.named_parameters() if p.requires_grad}


def classifier(recipe, **settings):
    return Classifier(recipe, FinetuneRecipe(**settings), num_classes=10)


@pytest.mark.parametrize(("pooling", "global_pool"), [("cls", "token"), ("mean", "avg")])
def test_logits_equal_timms_after_loading_our_weights(recipe, pooling, global_pool):
    made = recipe()
    ours = classifier(made, pooling=pooling).eval()
    ours.head.weight.data.normal_(generator=torch.Generator().manual_seed(0))  # a zero head would hide everything
    vit = VisionTransformer(
        made.image_size, 8, embed_dim=32, depth=2, num_heads=4, num_classes=10, global_pool=global_pool
    )
    vit.load_state_dict(ours.state_dict())
    imgs = torch.randn(2, 3, *made.image_size)
    torch.testing.assert_close(ours(imgs), vit.eval()(imgs), rtol=0, atol=1e-5)


def test_pretrained_weights_go_into_the_encoder_and_not_into_the_head(recipe):
    pretrained = MaskedAutoencoder(recipe(seed=5)).state_dict()
    made = classifier(recipe())
    head = made.head.weight.clone()
    made.load_encoder(pretrained)
    assert torch.equal(made.blocks[1].mlp.fc1.weight, pretrained["blocks.1.mlp.fc1.weight"])
    assert torch.equal(made.norm.weight, pretrained["norm.weight"])
    assert torch.equal(made.head.weight, head)


def test_mean_pooling_has_no_final_norm_and_a_norm_of_its_own(recipe):
    names = set(classifier(recipe(), pooling="mean").state_dict())
    assert {"fc_norm.weight", "fc_norm.bias"} <= names
    assert not {"norm.weight", "norm.bias"} & names


def test_a_pretrained_models_final_norm_is_not_asked_for_by_mean_pooling(recipe):
    made = classifier(recipe(), pooling="mean")
    made.load_encoder(MaskedAutoencoder(recipe(seed=5)).state_dict())
    assert (made.fc_norm.weight == 1).all()


@pytest.mark.parametrize("blocks", [None, 2.0])
def test_full_fine_tuning_tunes_everything_positions_included(recipe, blocks):
    made = classifier(recipe(), tuned_blocks=blocks)
    assert trainable(made) == {name for name, _ in made.named_parameters()}
    assert "pos_embed" in trainable(made)


@pytest.mark.parametrize(
    ("blocks", "starts"),
    [
        (0.0, ()),
        (0.5, ("blocks.2.norm2", "blocks.2.mlp")),
        (1.0, ("blocks.2",)),
        (1.5, ("blocks.2", "blocks.1.norm2", "blocks.1.mlp")),
    ],
)
@pytest.mark.parametrize(("pooling", "norm"), [("cls", "norm"), ("mean", "fc_norm")])
def test_partial_fine_tuning_tunes_the_last_blocks_the_norm_and_the_head(recipe, blocks, starts, pooling, norm):
    made = classifier(recipe(depth=3), tuned_blocks=blocks, pooling=pooling)
    starts = (*starts, f"{norm}.", "head.")
    assert trainable(made) == {name for name, _ in made.named_parameters() if name.startswith(starts)}


def test_more_tuned_blocks_than_there_are_is_refused(recipe):
    with pytest.raises(RecipeError, match="choose at most 2"):
        classifier(recipe(), tuned_blocks=3.0)


def test_the_head_is_keyed_by_the_fine_tunings_seed_and_the_encoder_by_its_own(recipe):
    one, other = classifier(recipe(), seed=1), classifier(recipe(), seed=2)
    assert not torch.equal(one.head.weight, other.head.weight)
    assert torch.equal(one.blocks[0].mlp.fc1.weight, other.blocks[0].mlp.fc1.weight)


def test_at_another_resolution_positions_are_interpolated_and_the_rest_is_kept(recipe):
    pretrained = MaskedAutoencoder(recipe(seed=5)).state_dict()
    made = classifier(recipe(), resolution=(48, 80))
    made.load_encoder(pretrained)
    old, new = pretrained["pos_embed"], made.pos_embed
    grid = old[0, 1:].reshape(3, 5, -1).permute(2, 0, 1)[None]
    expected = F.interpolate(grid, (6, 10), mode="bicubic", align_corners=False)[0].permute(1, 2, 0).flatten(0, 1)
    torch.testing.assert_close(new[0, 1:], expected)
    assert torch.equal(new[:, 0], old[:, 0])
    assert torch.equal(made.patch_embed.proj.weight, pretrained["patch_embed.proj.weight"])
    assert made(torch.zeros(1, 3, 48, 80)).shape == (1, 10)


def moved(made, steps=2):
    """The parameters that training changes."""
    before = {name: value.clone() for name, value in made.named_parameters()}
    made.head.weight.data.normal_(generator=torch.Generator().manual_seed(0))
    before["head.weight"] = made.head.weight.detach().clone()
    optimizer = adamw(layer_decay_groups(made, 1e-3, 0.75, 0.0), (0.9, 0.999))
    for _ in range(steps):
        imgs = torch.randn(4, 3, 24, 40, generator=torch.Generator().manual_seed(1))
        F.cross_entropy(made(imgs), torch.arange(4)).backward()
        optimizer.step()
    return {name for name, value in made.named_parameters() if not torch.equal(value, before[name])}


@pytest.mark.parametrize("blocks", [0.0, 0.5, 1.0, 2.0, 4.0, 6.0, 12.0, 18.0, 24.0])
def test_exactly_what_is_tuned_moves(recipe, blocks):
    made = classifier(recipe(depth=24, embed_dim=8, num_heads=2), tuned_blocks=blocks)
    starts = ["norm.", "head.", *(f"blocks.{number}." for number in range(24 - int(blocks), 24))]
    starts += ["blocks.23.norm2", "blocks.23.mlp"] * (blocks == 0.5)
    starts += ["cls_token", "pos_embed", "patch_embed"] * (blocks == 24)
    assert moved(made) == {name for name, _ in made.named_parameters() if name.startswith(tuple(starts))}
