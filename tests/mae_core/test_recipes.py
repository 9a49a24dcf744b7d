"""Recipes refuse what cannot be computed, in one sentence, and hold the paper's defaults."""

from dataclasses import replace

import pytest

from mae_core.errors import RecipeError
from mae_core.recipes import BASELINE, FINETUNE, LINEAR_PROBE, PretrainRecipe, untrained, visible_tokens

PAPER_COUNTS = {10: 176, 20: 156, 30: 137, 40: 117, 50: 98, 60: 78, 70: 58, 75: 49, 80: 39, 90: 19}


@pytest.mark.parametrize(
    ("setting", "word"),
    [
        ({"mask_ratio": 1.0}, "mask_ratio"),
        ({"mask_ratio": 0.999}, "at least one visible"),
        ({"patch_size": 15}, "divides"),
        ({"image_size": (224, 225)}, "divides"),
        ({"target": "pixle"}, "pixel"),
        ({"mask_ratoi": 0.5}, "did you mean mask_ratio"),
        ({"epochs": 1.5}, "integer"),
        ({"weight_decay": "0.1"}, "number"),
        ({"num_heads": 7}, "multiple"),
        ({"warmup_epochs": 801.0}, "shorten"),
        ({"mask_sampling": "grid", "mask_ratio": 0.5}, "0.75"),
        ({"betas": (0.9, 1.0)}, "betas"),
    ],
)
def test_an_impossible_recipe_is_refused_in_one_sentence(setting, word):
    with pytest.raises(RecipeError, match=word) as refusal:
        replace(BASELINE, **setting)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(("percent", "count"), PAPER_COUNTS.items())
def test_visible_tokens_are_the_papers_at_196_patches(percent, count):
    assert visible_tokens(196, percent / 100) == count


def test_float_error_never_costs_a_token():
    assert (visible_tokens(100, 0.8), visible_tokens(100, 0.9), visible_tokens(10, 0.9)) == (20, 10, 1)


def test_two_spellings_of_an_image_size_are_one_recipe():
    assert replace(BASELINE, image_size=128) == replace(BASELINE, image_size=(128, 128))


def test_defaults_are_tables_8_9_and_10():
    assert (BASELINE.base_lr, BASELINE.weight_decay, BASELINE.betas) == (1.5e-4, 0.05, (0.9, 0.95))
    assert (BASELINE.batch_size, BASELINE.warmup_epochs, BASELINE.epochs) == (4096, 40, 800)
    assert (FINETUNE.base_lr, FINETUNE.layer_decay, FINETUNE.betas) == (1e-3, 0.75, (0.9, 0.999))
    assert (FINETUNE.batch_size, FINETUNE.mixup, FINETUNE.cutmix, FINETUNE.smoothing) == (1024, 0.8, 1.0, 0.1)
    assert (LINEAR_PROBE.base_lrs, LINEAR_PROBE.batch_size, LINEAR_PROBE.epochs) == ((0.1,), 16384, 90)
    assert (LINEAR_PROBE.weight_decay, LINEAR_PROBE.momentum, LINEAR_PROBE.warmup_epochs) == (0.0, 0.9, 10)


def test_the_untrained_encoder_forgets_everything_but_its_shape_and_seed():
    rows = [replace(BASELINE, mask_ratio=0.5), replace(BASELINE, decoder_depth=1), PretrainRecipe()]
    assert len({untrained(row) for row in rows}) == 1
    assert untrained(replace(BASELINE, seed=1)) != untrained(BASELINE)
