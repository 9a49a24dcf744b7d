"""BEiT's checkpoints are taken in whole: our encoder computes what timm's BEiT does from the same weights."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from timm.models.beit import Beit

from mae_core.convert.__main__ import main
from mae_core.convert.named import compare, named
from mae_core.convert.reading import read
from mae_core.errors import RecipeError
from mae_core.model.classifier import Classifier
from mae_core.model.encoder import Encoder, WeightsError
from mae_core.recipes import FinetuneRecipe, ImportRecipe
from mae_core.stages.imported import fitted
from mae_core.training.optim import layer_decay_groups

SHAPE = {"image_size": (24, 24), "patch_size": 8, "embed_dim": 32, "depth": 2, "num_heads": 4}
RECIPE = ImportRecipe(**SHAPE, network="beit")
OWN, SHARED = {"use_rel_pos_bias": True}, {"use_shared_rel_pos_bias": True}


@pytest.fixture
def beit() -> Callable[..., Beit]:
    """A tiny BEiT of timm's whose every parameter says something; its names are those of the published files."""

    def make(img_size: Any = 24, **settings: Any) -> Beit:
        shape = {"patch_size": 8, "embed_dim": 32, "depth": 2, "num_heads": 4, "num_classes": 0, "global_pool": "token"}
        made = Beit(img_size, **{**shape, "init_values": 0.1, "use_abs_pos_emb": False, **settings})
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for parameter in made.parameters():
                parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
        return made.eval()

    return make


def published(beit, path):
    """The file its authors' pre-training writes: also what fills masked places, predicts tokens and indexes tables."""
    rest = {
        "mask_token": torch.zeros(1, 1, 32),
        "lm_head.weight": torch.zeros(5, 32),
        "lm_head.bias": torch.zeros(5),
        "rel_pos_bias.relative_position_index": torch.zeros(10, 10, dtype=torch.long),
    }
    torch.save({"model": {**beit.state_dict(), **rest}}, path)
    return path


def taken_in(path, recipe):
    encoder = Encoder(recipe)
    encoder.load_encoder(fitted(read(path), recipe)[0].tensors)
    return encoder.eval()


@pytest.mark.parametrize("tables", [OWN, SHARED], ids=["own", "shared"])
@pytest.mark.parametrize("size", [(24, 24), (16, 40)], ids=str)
def test_features_equal_timms(beit, tmp_path, tables, size):
    made = beit(size, **tables)
    recipe = ImportRecipe(**{**SHAPE, "image_size": size}, network="beit")
    encoder = taken_in(published(made, tmp_path / "beit.pth"), recipe)
    imgs = torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(encoder(imgs), made.forward_features(imgs), rtol=0, atol=1e-5)
    torch.testing.assert_close(encoder.features(imgs), made(imgs), rtol=0, atol=1e-5)


def test_another_image_size_is_refused(beit, tmp_path):
    weights = read(published(beit(**SHARED), tmp_path / "beit.pth"))
    with pytest.raises(RecipeError, match="for 3×3 patches and are not interpolated"):
        fitted(weights, ImportRecipe(**{**SHAPE, "image_size": (24, 32)}, network="beit"))
    larger = Classifier(RECIPE, FinetuneRecipe(resolution=(32, 32)), num_classes=10)
    with pytest.raises(WeightsError, match=r"relative_position_bias_table is .* in these weights"):
        larger.load_encoder(weights.tensors)


def test_a_beit_that_timm_names_is_compared_with_timms(beit):
    found = named(beit(**OWN))
    encoder = Encoder(RECIPE)
    encoder.load_encoder(found.weights.tensors)
    compare(encoder, found.model)


def test_layer_decay_reaches_every_parameter_at_the_depth_of_its_block():
    made = Classifier(RECIPE, FinetuneRecipe(), num_classes=10)
    rates = {id(p): group["lr"] for group in layer_decay_groups(made, 1.0, 0.5, 0.05) for p in group["params"]}
    depths = {"cls_token": 3, "patch_embed": 3, "blocks.0": 2, "blocks.1": 1, "norm": 0, "head": 0}
    for name, parameter in made.named_parameters():
        (depth,) = (depth for start, depth in depths.items() if name.startswith(f"{start}.") or name == start)
        assert rates[id(parameter)] == 0.5**depth, name


def test_half_a_block_is_the_mlp_with_its_norm_and_scale():
    made = Classifier(RECIPE, FinetuneRecipe(tuned_blocks=0.5), num_classes=10)
    tuned = {name.removeprefix("blocks.1.") for name, p in made.named_parameters() if p.requires_grad}
    mlp = {f"{part}.{kind}" for part in ("norm2", "mlp.fc1", "mlp.fc2") for kind in ("weight", "bias")}
    assert tuned == {"gamma_2", "norm.weight", "norm.bias", "head.weight", "head.bias"} | mlp


@pytest.mark.parametrize("lost", ["blocks.1.gamma_2", "blocks.0.attn.v_bias", "norm.bias", "cls_token"])
def test_a_missing_parameter_is_named(beit, tmp_path, lost):
    tensors = {name: tensor for name, tensor in beit(**OWN).state_dict().items() if name != lost}
    torch.save(tensors, tmp_path / "beit.pth")
    with pytest.raises(WeightsError, match=f"lacks 1 .* {lost}"):
        read(tmp_path / "beit.pth")


def test_absolute_positions_beside_relative_ones_are_refused(beit, tmp_path):
    path = published(beit(**OWN, use_abs_pos_emb=True), tmp_path / "beit.pth")
    with pytest.raises(WeightsError, match="holds pos_embed"):
        read(path)


def test_a_recipe_of_the_other_network_is_refused(beit, tmp_path):
    weights = read(published(beit(**SHARED), tmp_path / "beit.pth"))
    with pytest.raises(RecipeError, match="of the network beit; write so"):
        fitted(weights, ImportRecipe(**SHAPE))


def test_a_beit_fine_tuned_with_mean_pooling_is_refused_for_its_norm(beit, tmp_path):
    weights = read(published(beit(**OWN, global_pool="avg"), tmp_path / "beit.pth"))
    with pytest.raises(WeightsError, match="whose norm comes after the pooling"):
        fitted(weights, RECIPE)


def test_no_other_format_is_written_for_a_beit(beit, tmp_path, capsys):
    path = published(beit(**SHARED), tmp_path / "beit.pth")
    assert main([str(path), str(tmp_path / "out.pth"), "--to", "timm", "--num-heads", "4"]) == 2
    assert "only taken in" in capsys.readouterr().err
