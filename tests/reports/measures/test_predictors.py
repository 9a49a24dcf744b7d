"""Trivial predictors: their losses where they are known by reckoning."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ablations.paper import ABLATIONS
from mae_core.recipes import PretrainRecipe
from mae_core.store.run import Store
from reports.measures.curves import Curve
from reports.measures.predictors import (
    COMPONENT_MEAN,
    INPAINTING,
    MEAN_COLOUR,
    PATCH_MEAN,
    TOKEN_SHARES,
    ZERO,
    Kept,
    Shown,
    inpainted,
    read,
    trivial_losses,
    trivial_of_targets,
)
from tests.reports.laboratory import Laboratory

RECIPE = PretrainRecipe(image_size=(16, 16), patch_size=4, mask_ratio=0.5, embed_dim=8, depth=1, num_heads=2)


def shown(pixels: np.ndarray) -> Shown:  # type: ignore[type-arg]
    """Those images, every second patch hidden, normalised by 0.5 and 0.25."""
    n, channels = pixels.shape[:2]
    hidden = (np.indices((4, 4)).sum(axis=0) % 2 == 1).repeat(4, axis=0).repeat(4, axis=1)[None].repeat(n, axis=0)
    return Shown(pixels, hidden, np.full(channels, 0.5), np.full(channels, 0.25))


def test_ramps_are_painted_in_exactly_and_means_have_their_variance() -> None:
    ramp = np.broadcast_to(np.linspace(0, 1, 16), (2, 3, 16, 16))
    found = trivial_losses(shown(ramp), RECIPE)
    inside = np.arange(4) / 15 / 0.25  # within a patch, in the units of the loss
    assert found[PATCH_MEAN] == pytest.approx(inside.var(), rel=1e-4)
    assert found[MEAN_COLOUR] == pytest.approx((((ramp[0, 0, 0] - 0.5) / 0.25) ** 2).mean(), rel=1e-4)
    assert found[INPAINTING] < 0.02 * found[PATCH_MEAN] + 0.05


@given(seed=st.integers(0, 9), channels=st.sampled_from([1, 3]))
@settings(max_examples=8)
def test_zero_scores_the_variance_of_normalised_patches(seed: int, channels: int) -> None:
    noise = np.random.default_rng(seed).random((2, channels, 16, 16))
    found = trivial_losses(shown(noise), replace(RECIPE, target="norm_pixel"))
    size = 16 * channels
    assert found[ZERO] == pytest.approx((size - 1) / size, rel=1e-3)


def test_loss_on_all_pixels_paints_the_seen_ones_for_nothing() -> None:
    noise = np.random.default_rng(0).random((2, 1, 16, 16))
    masked, everywhere = (trivial_losses(shown(noise), replace(RECIPE, loss_on=on)) for on in ("masked", "all"))
    assert everywhere[INPAINTING] == pytest.approx(masked[INPAINTING] / 2, rel=1e-6)


def test_components_that_explain_all_are_guessed_as_badly_as_pixels() -> None:
    noise = np.random.default_rng(0).random((64, 1, 16, 16))
    pixels = trivial_losses(shown(noise), RECIPE)[MEAN_COLOUR]
    whole = trivial_losses(shown(noise), replace(RECIPE, target="pca"), Kept(100.0, 16.0))
    assert whole[COMPONENT_MEAN] == pytest.approx(pixels, rel=0.02)  # rotations keep squares
    half = trivial_losses(shown(noise), replace(RECIPE, target="pca"), Kept(50.0, 4.0))
    assert half[COMPONENT_MEAN] == pytest.approx(2 * whole[COMPONENT_MEAN])


def test_targets_of_which_nothing_is_known_have_none() -> None:
    noise = np.random.default_rng(0).random((2, 1, 16, 16))
    assert trivial_losses(shown(noise), replace(RECIPE, target="pca")) == {}
    assert trivial_losses(shown(noise), replace(RECIPE, target="token")) == {}


def test_tokens_are_guessed_by_their_shares(tmp_path: Path) -> None:
    laboratory = Laboratory(tmp_path, ABLATIONS["target"])
    stages = laboratory.cell("/token/finetune/0").stages()
    fitted, learnt = (next(s for s in stages if s.kind == kind) for kind in ("tokenizer", "pretrain"))
    assert isinstance(learnt.recipe, PretrainRecipe)
    curve = Curve("token", "", learnt.recipe, (), (), (), (), 1, (learnt.signature,), (fitted.signature,))
    assert trivial_of_targets([curve], "pixel", Store(tmp_path)) == {}
    laboratory.end(fitted, metrics={"perplexity": 8.0})
    found = trivial_of_targets([curve], "pixel", Store(tmp_path))
    assert found == {"token": {TOKEN_SHARES: pytest.approx(np.log(8.0))}}


def test_train_views_go_before_test_images_and_older_files_have_the_latter(tmp_path: Path) -> None:
    draw, path = np.random.default_rng(0), tmp_path / "panels.npz"
    originals, views = draw.random((2, 1, 16, 16)).astype(np.float16), draw.random((3, 1, 16, 16)).astype(np.float32)
    panels = dict.fromkeys(("originals", "reconstructed", "masked"), originals)
    moments = {"mean": np.array([0.5]), "std": np.array([0.25])}
    np.savez(path, **panels)
    assert read(path, RECIPE) is None
    np.savez(path, **panels, **moments)
    found = read(path, RECIPE)
    assert found is not None
    assert np.array_equal(found.pixels, originals)
    hidden = draw.random((3, 16)) < 0.5
    np.savez(path, **panels, **moments, views=views, views_hidden=hidden)
    found = read(path, RECIPE)
    assert found is not None
    assert np.array_equal(found.pixels, views)
    assert np.array_equal(found.hidden[:, ::4, ::4].reshape(3, 16), hidden)


def test_hidden_pixels_lie_evenly_between_the_seen_ones() -> None:
    image = np.zeros((1, 16, 16))
    image[:, :, 8:] = 1.0
    hidden = np.ones((16, 16), bool)
    hidden[:, [2, 13]] = False
    painted = inpainted(image, hidden)[0]
    assert painted[:, [0, 7, 8, 15]] == pytest.approx(np.tile([0, 5 / 11, 6 / 11, 1], (16, 1)))
    assert painted[~hidden].tolist() == image[0][~hidden].tolist()


def test_one_seen_pixel_paints_all() -> None:
    hidden = np.ones((4, 4), bool)
    hidden[1, 1] = False
    assert inpainted(np.full((3, 4, 4), 7.0), hidden) == pytest.approx(np.full((3, 4, 4), 7.0))


def test_in_painting_is_named_with_the_ratio_it_was_computed_at(three_rows: Laboratory) -> None:
    three_rows.finish_all({"10": 60.0, "75": 70.0, "90": 65.0})
    curves = []
    for result in three_rows.results().cells:
        assert isinstance(result.encoder, PretrainRecipe)
        runs = tuple(stage.signature for stage in result.cell.stages() if stage.kind == "pretrain")
        key, label = result.cell.case.key, result.cell.case.label
        curves.append(Curve(key, label, result.encoder, (), (), (), (), 1, runs))
    found = trivial_of_targets(curves, "75", Store(three_rows.home))["pixel"]
    assert set(found) == {MEAN_COLOUR, PATCH_MEAN, f"{INPAINTING} at 75 %"}
