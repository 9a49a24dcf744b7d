"""Reconstructions: the trained model at a masking ratio of their own, its loss and its panels."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from mae_core.data.images import View
from mae_core.model.mae import MaskedAutoencoder
from mae_core.model.masking import draw_masking
from mae_core.model.patches import patchify
from mae_core.recipes import PretrainRecipe, ReconstructRecipe
from mae_core.recipes.imports import imported
from mae_core.signature import Stage
from mae_core.stages.images import images_of
from mae_core.stages.weights import WEIGHTS, encoder_weights
from tests.mae_core.stages.laboratory import CPU, DIGITS, PRETRAIN, SHAPE

RECIPE = ReconstructRecipe(**DIGITS, **CPU, mask_ratio=0.5, scored_images=120)


def panels(laboratory, stage):
    return np.load(laboratory.done(stage).finished.folder / "panels.npz")


def test_the_loss_is_the_mean_squared_error_of_masked_patches(laboratory):
    stage = Stage(RECIPE, (Stage(PRETRAIN),))
    metrics = laboratory.metrics(stage)
    model = MaskedAutoencoder(PRETRAIN)
    model.load_state_dict(encoder_weights(stage, laboratory.store))
    samples = torch.arange(120)
    imgs = images_of(PRETRAIN, PRETRAIN, laboratory.store, "test").batch(samples, View("eval"))
    masking = draw_masking(replace(PRETRAIN, mask_ratio=0.5), 0, samples)
    with torch.no_grad():
        errors = (model.eval().reconstruct(imgs, masking) - patchify(imgs, 4)).square().mean(dim=2)
    assert metrics["loss"] == pytest.approx(errors[masking.mask.bool()].mean().item(), rel=1e-4)


@pytest.mark.parametrize(("ratio", "hidden"), [(0.5, 8), (0.75, 12)])
def test_panels_hide_the_share_asked_for(laboratory, ratio, hidden):
    shown = panels(laboratory, Stage(replace(RECIPE, mask_ratio=ratio), (Stage(PRETRAIN),)))
    grey = (shown["masked"] == 0.5).reshape(-1, 4, 4, 4, 4).all(axis=(2, 4))
    assert (grey.sum(axis=(1, 2)) == hidden).all()
    assert shown["mask_ratio"] == ratio


def test_models_see_equal_masks_whatever_their_own_seed(laboratory):
    one, other = (Stage(RECIPE, (Stage(replace(PRETRAIN, seed=seed)),)) for seed in (0, 1))
    assert np.array_equal(panels(laboratory, one)["masked"], panels(laboratory, other)["masked"])


def test_an_imported_autoencoder_reconstructs_as_the_model_it_was_made_from(laboratory, tmp_path):
    ours = Stage(RECIPE, (Stage(PRETRAIN),))
    laboratory.done(ours)
    weights = laboratory.store.run(Stage(PRETRAIN).signature).finished.folder / WEIGHTS
    recipe = imported(weights, **SHAPE, mean=None, std=None, device="cpu", threads=1)
    theirs = laboratory.metrics(Stage(RECIPE, (Stage(recipe),)))
    assert theirs["loss"] == pytest.approx(laboratory.metrics(ours)["loss"], rel=1e-6)


def test_an_encoder_alone_cannot_reconstruct_and_says_why(laboratory, tmp_path):
    weights = load_file(laboratory.store.run(Stage(PRETRAIN).signature).finished.folder / WEIGHTS)
    path = tmp_path / "encoder.safetensors"
    save_file({name: value for name, value in weights.items() if "decoder" not in name and "mask" not in name}, path)
    outcome = laboratory.ask(
        Stage(RECIPE, (Stage(imported(path, **SHAPE, mean=None, std=None, device="cpu", threads=1)),))
    )
    assert outcome.ending == "failed"
    assert "an encoder's alone; to reconstruct, give a file with the decoder" in outcome.reason


def test_what_predicts_whitened_patches_is_reconstructed_too(laboratory):
    parent = Stage(replace(PRETRAIN, target="norm_pixel", loss_on="all"))
    assert isinstance(parent.recipe, PretrainRecipe)
    shown = panels(laboratory, Stage(RECIPE, (parent,)))["reconstructed"]
    assert np.isfinite(shown).all()
    assert shown.std() > 0.05
