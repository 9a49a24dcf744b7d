"""What has to be fitted before a pre-training follows from its recipe."""

import hashlib
from dataclasses import replace

import pytest

from mae_core.data.catalogue import describe
from mae_core.errors import RecipeError
from mae_core.recipes import BASELINE, DalleRecipe, PcaRecipe, TokenizerRecipe, fitted_for
from mae_core.scales import SCALES


@pytest.mark.parametrize("target", ["pixel", "norm_pixel"])
def test_pixels_need_no_fitting(target):
    assert fitted_for(replace(BASELINE, target=target)) is None


def test_pca_and_tokens_are_fitted_first():
    assert isinstance(fitted_for(replace(BASELINE, target="pca")), PcaRecipe)
    assert isinstance(fitted_for(replace(BASELINE, target="token")), TokenizerRecipe)


@pytest.mark.parametrize("scale", SCALES.values(), ids=SCALES)
@pytest.mark.parametrize("shape", [{}, {"patch_size": 8}], ids=["default", "smaller patches"])
@pytest.mark.parametrize("target", ["pca", "token"])
def test_what_is_fitted_has_the_patches_of_its_pretraining_at_every_scale(scale, shape, target, tmp_path):
    paper, info = replace(BASELINE, target=target, **shape), describe("fashion_mnist", tmp_path)
    pretraining, fitted = scale.apply(paper, info), scale.apply(fitted_for(paper), info)
    names = ("image_size", "patch_size", "in_chans", "data", "fingerprint", "train_images", "threads", "device")
    assert {name: getattr(fitted, name) for name in names} == {name: getattr(pretraining, name) for name in names}


def test_a_dalle_file_is_known_by_its_content(tmp_path):
    path = tmp_path / "encoder.safetensors"
    path.write_bytes(b"weights")
    fitted = fitted_for(replace(BASELINE, target="token"), dalle=path)
    assert isinstance(fitted, DalleRecipe)
    assert (fitted.file, fitted.sha256) == (str(path), hashlib.sha256(b"weights").hexdigest())
    path.write_bytes(b"others")
    assert fitted_for(replace(BASELINE, target="token"), dalle=path) != fitted


@pytest.mark.parametrize("name", ["absent.safetensors", "encoder.pkl"])
def test_dalle_is_taken_from_a_converted_file_only(tmp_path, name):
    (tmp_path / "encoder.pkl").write_bytes(b"pickled")
    with pytest.raises(RecipeError, match="convert"):
        fitted_for(replace(BASELINE, target="token"), dalle=tmp_path / name)


def test_the_papers_96_coefficients_and_the_same_share_of_other_patches():
    assert PcaRecipe().components == 96
    assert PcaRecipe(image_size=32, patch_size=4).components == 6
    assert PcaRecipe(image_size=32, patch_size=2, in_chans=1).components == 1


def test_dalle_reads_grey_or_colour():
    with pytest.raises(RecipeError, match="3 channels"):
        DalleRecipe(in_chans=4)
