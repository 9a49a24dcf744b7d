"""Imported encoders are probed and fine-tuned as if they were ours, or refused with the reason."""

from dataclasses import replace

import pytest
import timm
import torch
from safetensors.torch import load_file
from timm.models.beit import Beit

from mae_core.convert.__main__ import convert
from mae_core.convert.named import compare, named
from mae_core.data.normalisation import IMAGENET_MEAN, IMAGENET_STD
from mae_core.model.encoder import Encoder, WeightsError
from mae_core.model.position import resized_position
from mae_core.recipes import ImportRecipe, KnnRecipe, imported, imports
from mae_core.signature import Stage
from mae_core.stages.images import images_of
from mae_core.stages.weights import WEIGHTS
from tests.mae_core.stages.laboratory import EVALUATED, FINETUNE, PRETRAIN, PROBE, SHAPE

ON_CPU = {"device": "cpu", "threads": 1}
SHAPED = {**SHAPE, **ON_CPU, "mean": None, "std": None}


@pytest.fixture
def exported(laboratory, tmp_path):
    """The tiny pre-training's weights in a format."""

    def make(form, name):
        weights = laboratory.done(Stage(PRETRAIN)).finished.folder / WEIGHTS
        convert(weights, tmp_path / name, form)
        return tmp_path / name

    return make


def timm_file(tmp_path, **settings):
    torch.manual_seed(0)
    shape = {"img_size": 16, "patch_size": 4, "in_chans": 1, "embed_dim": 16, "depth": 2, "num_heads": 2}
    vit = timm.create_model("vit_tiny_patch16_224", **{**shape, "num_classes": 0, **settings})
    torch.save(vit.state_dict(), tmp_path / "vit.pth")
    return tmp_path / "vit.pth"


def refusal(laboratory, recipe):
    outcome = laboratory.ask(Stage(recipe))
    assert outcome.ending == "failed"
    return outcome.reason


@pytest.mark.parametrize("form", ["official", "timm", "hf", "ours"])
@pytest.mark.parametrize("evaluation", [PROBE, FINETUNE, KnnRecipe(**EVALUATED)], ids=lambda recipe: recipe.KIND)
def test_what_went_out_and_came_back_gives_the_same_number(laboratory, exported, form, evaluation):
    path = exported(form, {"hf": "hf", "official": "a.pth"}.get(form, "a.safetensors"))
    back = Stage(evaluation, (Stage(imported(path, **SHAPED)),))
    assert laboratory.metrics(back) == laboratory.metrics(Stage(evaluation, (Stage(PRETRAIN),)))


def test_the_decoder_comes_along(laboratory, exported):
    run = laboratory.done(Stage(imported(exported("official", "a.pth"), **SHAPED)))
    kept = load_file(run.finished.folder / WEIGHTS)
    ours = load_file(laboratory.done(Stage(PRETRAIN)).finished.folder / WEIGHTS)
    assert set(kept) == set(ours)


def test_positions_at_another_size_are_interpolated_and_it_is_said(laboratory, tmp_path):
    path = timm_file(tmp_path)
    run = laboratory.done(Stage(imported(path, **{**SHAPED, "image_size": (16, 24)})))
    positions = load_file(run.finished.folder / WEIGHTS)["pos_embed"]
    trained = torch.load(path, weights_only=True)["pos_embed"]
    torch.testing.assert_close(positions, resized_position(trained, (4, 4), (4, 6)))
    assert "positions were interpolated from 4×4 to 4×6" in run.record["remarks"]


def test_heads_that_only_the_recipe_knows_are_said(laboratory, tmp_path):
    run = laboratory.done(Stage(imported(timm_file(tmp_path), **SHAPED)))
    assert run.record["remarks"] == ["the file does not say how many heads it has; the recipe's 2 are taken"]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"depth": 3}, "these weights have depth 2; write so"),
        ({"patch_size": 8}, "these weights have patch_size 4"),
        ({"mlp_ratio": 2.0}, "these weights have mlp_ratio 4"),
    ],
)
def test_a_recipe_of_another_shape_is_refused(laboratory, tmp_path, settings, sentence):
    assert sentence in refusal(laboratory, imported(timm_file(tmp_path), **{**SHAPED, **settings}))


def test_heads_that_contradict_the_file_are_refused(laboratory, exported):
    said = refusal(laboratory, imported(exported("timm", "a.safetensors"), **{**SHAPED, "num_heads": 4}))
    assert "these weights have num_heads 2; write so" in said


def test_a_file_that_changed_since_it_was_planned_is_refused(laboratory, tmp_path):
    recipe = imported(timm_file(tmp_path), **SHAPED)
    timm_file(tmp_path, mlp_ratio=2.0)
    assert "its content changed" in refusal(laboratory, recipe)
    (tmp_path / "vit.pth").unlink()
    assert "is gone" in refusal(laboratory, recipe)


def test_weights_fine_tuned_with_mean_pooling_are_refused_for_their_norm(laboratory, tmp_path):
    path = timm_file(tmp_path, global_pool="avg", fc_norm=True)
    assert "whose norm comes after the pooling" in refusal(laboratory, imported(path, **SHAPED))


def test_a_recipe_that_names_nothing_is_refused(laboratory):
    assert "name a file or a model of timm" in refusal(laboratory, ImportRecipe(**SHAPED))


def test_a_model_that_timm_does_not_know_or_cannot_fetch_is_refused(laboratory):
    assert "timm has no model vit_enormous" in refusal(laboratory, ImportRecipe(model="vit_enormous", **ON_CPU))
    fetched = refusal(laboratory, ImportRecipe(model="vit_tiny_patch16_224.augreg_in21k", **ON_CPU))
    assert "could not be fetched" in fetched


def test_a_model_that_timm_fetches_is_held_to_the_weights_that_were_stated(laboratory, fetchable):
    name, theirs = fetchable
    half = {"mean": (0.5,) * 3, "std": (0.5,) * 3}
    shape = {"image_size": 160, "patch_size": 16, "embed_dim": 64, "depth": 6, "num_heads": 2, "mlp_ratio": 3.0}
    recipe = imported(name, **shape, **half, **ON_CPU)
    run = laboratory.done(Stage(recipe))
    kept = load_file(run.finished.folder / WEIGHTS)
    assert all(torch.equal(kept[name], theirs[name]) for name in kept)
    (remark,) = run.record["remarks"]
    stated = replace(recipe, sha256=remark.split()[-1])
    assert Stage(stated).signature != Stage(recipe).signature
    laboratory.done(Stage(stated))
    assert "not the stated ones" in refusal(laboratory, replace(recipe, sha256="0" * 64))


def test_pixels_are_normalised_as_the_imported_encoder_knows_them(laboratory):
    plain = ImportRecipe(**SHAPED)
    own = replace(plain, mean=(0.5,), std=(0.25,))
    ours, theirs = (images_of(PROBE, recipe, laboratory.store, "test") for recipe in (plain, own))
    assert (theirs.mean, theirs.std) == ((0.5,), (0.25,))
    assert ours.mean == images_of(PROBE, PRETRAIN, laboratory.store, "test").mean != theirs.mean


def test_imagenets_constants_are_those_of_the_data():
    assert (imports.IMAGENET_MEAN, imports.IMAGENET_STD) == (IMAGENET_MEAN, IMAGENET_STD)


def test_a_timm_model_of_the_same_network_has_our_features_and_its_own_constants():
    model = timm.create_model("vit_tiny_patch16_224.augreg_in21k", depth=1, num_classes=0)
    found = named(model)
    encoder = Encoder(found.weights.encoder())
    encoder.load_encoder(found.weights.tensors)
    compare(encoder, found.model)
    assert found.weights.constants == ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


def test_a_timm_model_that_differs_by_what_no_tensor_tells_is_refused():
    model = timm.create_model("vit_tiny_patch16_224", depth=1, num_classes=0, act_layer="relu")
    found = named(model)
    encoder = Encoder(found.weights.encoder())
    encoder.load_encoder(found.weights.tensors)
    with pytest.raises(WeightsError, match="computes something the paper's ViT does not"):
        compare(encoder, found.model)


def test_a_timm_model_that_is_neither_a_vit_nor_a_beit_is_refused_by_name():
    with pytest.raises(WeightsError, match="ResNet is neither a ViT nor a BEiT"):
        named(timm.create_model("test_resnet", num_classes=0))


@pytest.mark.parametrize("evaluation", [PROBE, FINETUNE, replace(FINETUNE, tuned_blocks=0.5)], ids=str)
def test_a_beit_is_probed_and_fine_tuned_like_the_others(laboratory, tmp_path, evaluation):
    shape = {"patch_size": 4, "in_chans": 1, "embed_dim": 16, "depth": 2, "num_heads": 2, "global_pool": "token"}
    made = Beit(16, **shape, num_classes=0, init_values=0.1, use_abs_pos_emb=False, use_shared_rel_pos_bias=True)
    torch.save({"model": made.state_dict()}, tmp_path / "beit.pth")
    imported_beit = Stage(imported(tmp_path / "beit.pth", **SHAPED, network="beit"))
    assert 0 < laboratory.metrics(Stage(evaluation, (imported_beit,)))["top1"] <= 100
