"""The presets by name: what Tables 9 and 11 and the released fine-tuning print, letter by letter."""

from dataclasses import replace

import pytest

from mae_core.recipes import (
    BASELINE,
    FINETUNE,
    FINETUNE_NORM_PIXEL,
    FINETUNE_PAPER,
    FROM_SCRATCH,
    LINEAR_PROBE,
    partial_finetuning,
)
from mae_core.signature import Stage


def settings(recipe, *names):
    return tuple(getattr(recipe, name) for name in names)


@pytest.mark.parametrize(("letter", "epochs", "drop_path"), [("B", 100, 0.1), ("L", 50, 0.1), ("H", 50, 0.2)])
def test_table_9_differs_between_sizes_in_epochs_and_drop_path_alone(letter, epochs, drop_path):
    assert FINETUNE_PAPER[letter] == replace(FINETUNE, epochs=epochs, drop_path=drop_path)


@pytest.mark.parametrize(
    ("letter", "values"),
    [("B", (100, 5e-4, 0.65, 0.1)), ("L", (50, 1e-3, 0.75, 0.2)), ("H", (50, 1e-3, 0.75, 0.3))],
)
def test_the_released_settings_for_normalised_pixels(letter, values):
    preset = FINETUNE_NORM_PIXEL[letter]
    assert settings(preset, "epochs", "base_lr", "layer_decay", "drop_path") == values
    assert settings(preset, "reprob", "mixup", "cutmix", "pooling", "batch_size") == (0.25, 0.8, 1.0, "mean", 1024)


@pytest.mark.parametrize(("letter", "epochs", "drop_path"), [("B", 300, 0.1), ("L", 200, 0.2), ("H", 200, 0.2)])
def test_table_11_trains_from_scratch_with_averaged_weights(letter, epochs, drop_path):
    preset = FROM_SCRATCH[letter]
    assert settings(preset, "epochs", "drop_path") == (epochs, drop_path)
    assert settings(preset, "base_lr", "weight_decay", "betas", "ema_decay") == (1e-4, 0.3, (0.9, 0.95), 0.9999)
    assert settings(preset, "batch_size", "warmup_epochs", "layer_decay", "reprob") == (4096, 20, 1.0, 0.0)


def test_partial_fine_tuning_lies_between_linear_probing_and_full_fine_tuning():
    assert partial_finetuning(0) == LINEAR_PROBE
    assert partial_finetuning(24, depth=24) == FINETUNE
    assert partial_finetuning(0.5, epochs=100) == replace(FINETUNE, tuned_blocks=0.5, epochs=100)


def test_another_resolution_is_another_stage_and_the_usual_one_is_not():
    default = Stage(BASELINE)
    pair, number = (Stage(replace(FINETUNE, resolution=size), (default,)) for size in ((448, 448), 448))
    assert pair.signature == number.signature != Stage(FINETUNE, (default,)).signature
