"""Scales: a row keeps what it means, every scaled recipe can be computed, and the paper's scale changes nothing."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mae_core.data.catalogue import describe
from mae_core.recipes import (
    BASELINE,
    FINETUNE,
    FINETUNE_NORM_PIXEL,
    FROM_SCRATCH,
    LINEAR_PROBE,
    VIT_B,
    VIT_H,
    EncoderRecipe,
    FinetuneRecipe,
    WallClockRecipe,
    fitted_for,
)
from mae_core.scales import SCALES, changes
from mae_core.scales.departures import departed
from mae_core.scales.fitting import shaped

FASHION = describe("fashion_mnist", Path())
below_paper = pytest.mark.parametrize("scale", [s for s in SCALES.values() if s.name != "paper"], ids=lambda s: s.name)


@pytest.mark.parametrize("recipe", [BASELINE, FINETUNE, FROM_SCRATCH["B"], replace(FINETUNE, tuned_blocks=18)])
def test_the_papers_scale_changes_no_setting(recipe):
    info = describe("imagenet1k", Path("nowhere"))
    assert set(changes(recipe, SCALES["paper"].apply(recipe, info))) <= {"fingerprint"}


@below_paper
def test_model_sizes_stay_three_sizes_in_order(scale):
    shapes = [scale.apply(EncoderRecipe(**size), FASHION) for size in (VIT_B, {}, VIT_H)]
    assert len({(s.embed_dim, s.depth) for s in shapes}) == 3
    assert [s.embed_dim * s.depth for s in shapes] == sorted(s.embed_dim * s.depth for s in shapes)
    assert len({s.patch_size for s in shapes}) == 1


@below_paper
def test_schedules_keep_their_proportions(scale):
    lengths = (100, 200, 400, 800, 1600)
    epochs = [scale.apply(replace(BASELINE, epochs=n), FASHION).epochs for n in lengths]
    assert epochs == sorted(set(epochs))
    default = epochs[lengths.index(800)]
    assert all(abs(ours - default * paper / 800) <= 0.5 for ours, paper in zip(epochs, lengths, strict=True))


@below_paper
@settings(max_examples=40)
@given(
    heads=st.sampled_from([1, 2, 3, 4, 6, 8, 12, 16, 24, 32]),
    steps=st.integers(1, 40),
    decoder_heads=st.sampled_from([1, 2, 4, 8, 16, 32]),
    decoder_steps=st.integers(1, 40),
    patch=st.sampled_from([7, 8, 14, 16, 28, 32]),
    target=st.sampled_from(["pixel", "pca", "token"]),
)
def test_every_shape_that_the_paper_could_train_a_scale_can(
    scale, heads, steps, decoder_heads, decoder_steps, patch, target
):
    paper = replace(
        BASELINE, num_heads=heads, embed_dim=4 * heads * steps, decoder_num_heads=decoder_heads,
        decoder_embed_dim=4 * decoder_heads * decoder_steps, patch_size=patch, target=target,
    )  # fmt: skip
    scaled = scale.apply(paper, FASHION)  # a recipe that cannot be computed refuses to be made
    fitted = fitted_for(paper)
    if fitted is not None:
        assert scale.apply(fitted, FASHION).patch_size == scaled.patch_size


@below_paper
@given(blocks=st.integers(1, 23))
@settings(max_examples=25)
def test_tuned_blocks_stay_within_the_encoder_and_in_order(scale, blocks):
    depth = scale.apply(EncoderRecipe(), FASHION).depth
    fewer, more = (
        scale.apply(FinetuneRecipe(tuned_blocks=float(n)), FASHION).tuned_blocks for n in (blocks, blocks + 1)
    )
    assert 1 <= fewer <= more <= depth
    assert scale.apply(FinetuneRecipe(tuned_blocks=0.5), FASHION).tuned_blocks == 0.5


@below_paper
def test_twice_the_resolution_stays_twice_and_is_tiled(scale):
    encoder = EncoderRecipe(**VIT_H)
    tuned = scale.apply(replace(FINETUNE, resolution=(448, 448)), FASHION, encoder)
    scaled = scale.apply(encoder, FASHION)
    assert tuned.resolution == tuple(2 * side for side in scaled.image_size)
    assert tuned.resolution[0] % scaled.patch_size == 0


@below_paper
@pytest.mark.parametrize("size", "BLH")
def test_from_scratch_stays_without_layer_decay_and_averages_over_the_same_share_of_the_schedule(scale, size):
    scaled = scale.apply(FROM_SCRATCH[size], FASHION)
    paper_share = 1e4 / (FROM_SCRATCH[size].epochs * -(-1_281_167 // 4096))
    steps = scaled.epochs * -(-(scaled.labels or FASHION.num_train) // scaled.batch_size)
    assert scaled.layer_decay == 1.0
    assert 1 / (1 - scaled.ema_decay) == pytest.approx(max(paper_share * steps, 2), rel=1e-6)


@below_paper
def test_what_a_scale_switches_off_stays_off(scale):
    scaled = scale.apply(FINETUNE_NORM_PIXEL["H"], FASHION)
    usual = scale.apply(FINETUNE, FASHION)
    assert (scaled.drop_path > 0) == (usual.drop_path > 0)
    assert scaled.reprob == (0.25 if scale.name == "gpu" else 0.0)


@pytest.mark.parametrize(
    ("name", "value", "usual", "default", "ours"),
    [
        ("decoder_depth", 8, 8, 2, 2),
        ("decoder_depth", 12, 8, 2, 3),
        ("decoder_depth", 1, 8, 2, 1),
        ("base_lr", 2e-3, 1e-3, 4e-3, 8e-3),
        ("layer_decay", 1.0, 0.75, 0.85, 1.0),
        ("layer_decay", 0.5625, 0.75, 0.5, 0.25),
        ("drop_path", 0.2, 0.1, 0.0, 0.0),
        ("reprob", 0.25, 0.0, 0.1, 0.25),
        ("augmentation", "none", "random_crop", "random_crop", "none"),
        ("image_size", (112, 224), (224, 224), (32, 32), (16, 32)),
        ("train_images", 1000, None, 5000, 1000),
    ],
)
def test_a_departure_is_kept_as_what_it_means(name, value, usual, default, ours):
    assert departed(name, value, usual, default) == pytest.approx(ours)


@pytest.mark.parametrize("scale", SCALES.values(), ids=lambda s: s.name)
@pytest.mark.parametrize("paper", [BASELINE, FINETUNE, LINEAR_PROBE], ids=lambda recipe: recipe.KIND)
def test_of_few_images_a_batch_holds_no_more_than_are_learnt_from(scale, paper):
    scaled = scale.apply(paper, replace(FASHION, num_train=20))
    learnt = getattr(scaled, "train_images", None) or getattr(scaled, "labels", None) or 20
    assert scaled.batch_size == learnt <= 20


@below_paper
@pytest.mark.parametrize("same_size", [None, (64, 64), (480, 640), (640, 400)])
def test_images_that_a_square_shows_most_of_are_seen_in_a_square(scale, same_size):
    info = replace(FASHION, same_size=same_size)
    assert scale.apply(BASELINE, info) == scale.apply(BASELINE, FASHION)


@given(
    short=st.integers(1, 500),
    stretch=st.floats(2, 16),
    upright=st.booleans(),
    patch=st.sampled_from([4, 14, 16]),
    patches=st.sampled_from([8, 14, 16]),
)
def test_strips_keep_their_shape_and_the_number_of_pixels(short, stretch, upright, patch, patches):
    side, strip = patch * patches, (round(short * stretch), short)
    found = shaped((side, side), patch, replace(FASHION, same_size=strip if upright else strip[::-1]))
    assert not any(length % (2 * patch) for length in found)
    assert (found[0] > found[1]) == upright
    assert 0.5 < found[0] * found[1] / side**2 < 2


@pytest.mark.parametrize("scale", SCALES.values(), ids=lambda scale: scale.name)
def test_all_stages_of_a_row_see_strips_alike(scale):
    info = replace(FASHION, same_size=(64, 256))
    pretrained, tuned = scale.apply(BASELINE, info), scale.apply(replace(FINETUNE, resolution=(448, 448)), info)
    fitted_target = scale.apply(fitted_for(replace(BASELINE, target="pca")), info)
    assert pretrained.image_size == fitted_target.image_size
    assert pretrained.image_size[1] >= 3.5 * pretrained.image_size[0]
    assert tuned.resolution == tuple(2 * side for side in pretrained.image_size)


@pytest.mark.parametrize(("name", "batch"), [("mini", 32), ("small", 64)])
def test_small_scales_time_twenty_steps_of_their_own_batch(name, batch):
    timed = SCALES[name].apply(WallClockRecipe(), FASHION)
    assert (timed.timed_steps, timed.timed_batch, timed.batch_size) == (20, batch, batch)


def test_the_papers_scale_times_few_images_that_any_machine_holds():
    timed = SCALES["paper"].apply(WallClockRecipe(), describe("imagenet1k", Path()))
    assert (timed.timed_steps, timed.timed_batch, timed.batch_size) == (3, 8, 4096)
