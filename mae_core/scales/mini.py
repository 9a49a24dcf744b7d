"""The scale `mini`."""

from __future__ import annotations

from mae_core.recipes import (
    EncoderRecipe,
    FinetuneRecipe,
    FittedTargetRecipe,
    KnnRecipe,
    LinearProbeRecipe,
    LogisticRegressionRecipe,
    PcaRecipe,
    PretrainRecipe,
    RidgeRecipe,
    RobustnessRecipe,
    TokenizerRecipe,
    WallClockRecipe,
)
from mae_core.scales.grid_of_8 import GRID_OF_8, TINY_IMAGES
from mae_core.scales.scale import Scale

MINI = Scale(
    name="mini",
    purpose="a first look: minutes on two cores",
    data="fashion_mnist",
    threads=1,
    always=GRID_OF_8,
    warmup_share=0.08,
    provenance="found by hand and by studies at the default row, on held-out train images of fashion_mnist "
    "(docs/results/studies)",
    defaults={
        EncoderRecipe: {**TINY_IMAGES, "embed_dim": 64, "depth": 4, "num_heads": 4},
        PretrainRecipe: {
            "train_images": 7500,
            "decoder_embed_dim": 32,
            "decoder_depth": 2,
            "decoder_num_heads": 2,
            "epochs": 8,
            "batch_size": 32,
            "base_lr": 1.6e-2,
            "crop_scale": (0.5, 1.0),
        },
        WallClockRecipe: {"timed_batch": 32, "timed_steps": 20},
        FinetuneRecipe: {
            "labels": 2000,
            "epochs": 5,
            "batch_size": 32,
            "base_lr": 1.6e-2,
            "layer_decay": 0.85,
            "drop_path": 0.0,
            "mixup": 0.0,
            "cutmix": 0.0,
            "augmentation": "none",
        },
        LinearProbeRecipe: {
            "labels": 2000,
            "pooling": "mean",
            "views": 1,
            "augmentation": "none",
            "batch_size": 128,
            "base_lrs": (3.0, 10.0, 30.0, 100.0, 300.0),
        },
        LogisticRegressionRecipe: {**TINY_IMAGES, "labels": 2000},
        FittedTargetRecipe: {**TINY_IMAGES, "train_images": 7500},
        PcaRecipe: {"fit_images": 5000},
        TokenizerRecipe: {"vocabulary": 64, "hidden_dim": 64, "epochs": 8, "batch_size": 128, "base_lr": 4e-2},
        KnnRecipe: {"labels": 2000, "pooling": "mean"},
        RidgeRecipe: {"labels": 2000, "pooling": "mean"},
        RobustnessRecipe: {"scored_images": 1000},
    },
)
