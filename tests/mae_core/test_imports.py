"""Imported encoders as recipes: signed by what they are, refused where that is not known."""

from dataclasses import replace

import pytest

from mae_core.data.catalogue import describe
from mae_core.errors import DataError, RecipeError
from mae_core.recipes import VIT_B, ImportRecipe, imported
from mae_core.scales import SCALES
from mae_core.signature import Stage


def signature(recipe):
    return Stage(recipe).signature


def test_a_file_is_signed_by_its_content_and_not_by_where_it_lies(tmp_path):
    for name, content in (("a.pth", b"one"), ("b.pth", b"one"), ("c.pth", b"two")):
        (tmp_path / name).write_bytes(content)
    one, copy, other = (imported(tmp_path / name, **VIT_B) for name in ("a.pth", "b.pth", "c.pth"))
    assert signature(one) == signature(copy) != signature(other)


@pytest.mark.parametrize("changed", ["config.json", "model.safetensors"])
def test_a_folder_is_signed_by_weights_and_settings(tmp_path, changed):
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_bytes(b"one")
    before = signature(imported(tmp_path, **VIT_B))
    (tmp_path / changed).write_bytes(b"two")
    assert signature(imported(tmp_path, **VIT_B)) != before


def test_timm_models_are_signed_by_name():
    names = ("vit_base_patch16_224.dino", "vit_base_patch16_224.mae")
    assert len({signature(imported(name, **VIT_B)) for name in names}) == 2


def test_seeds_share_one_import():
    recipe = imported("vit_base_patch16_224.dino", **VIT_B)
    assert signature(replace(recipe, seed=1)) == signature(recipe)


def test_a_missing_file_is_not_taken_for_the_name_of_a_model(tmp_path):
    with pytest.raises(DataError, match="no file"):
        imported(tmp_path / "absent.pth", **VIT_B)


@pytest.mark.parametrize(
    ("setting", "word"),
    [
        ({"source": "a.pth"}, "sha256"),
        ({"source": "a.pth", "sha256": "0", "model": "vit"}, "either"),
        ({"in_chans": 1}, "3 values for 1 channels"),
        ({"mean": None}, "both"),
    ],
)
def test_a_recipe_that_does_not_say_what_it_imports_is_refused(setting, word):
    with pytest.raises(RecipeError, match=word):
        ImportRecipe(**setting)


@pytest.mark.parametrize("scale", SCALES.values(), ids=lambda scale: scale.name)
def test_no_scale_changes_the_shape_of_an_imported_encoder(scale, tmp_path):
    recipe = imported("vit_base_patch16_224.dino", **VIT_B)
    scaled = scale.apply(recipe, describe("fashion_mnist", tmp_path))
    assert signature(scaled) == signature(recipe)
