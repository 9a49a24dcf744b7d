"""The scale `small`."""

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

SMALL = Scale(
    name="small",
    purpose="results worth reading without a GPU: hours on two cores",
    data="fashion_mnist",
    threads=1,
    always=GRID_OF_8,
    warmup_share=0.1,
    provenance="pre-training and probe by trials at the default row, on held-out train images of fashion_mnist "
    "(docs/log.md, docs/results/studies), all else by hand or after mini",
    defaults={
        EncoderRecipe: {**TINY_IMAGES, "embed_dim": 96, "depth": 4, "num_heads": 6},
        PretrainRecipe: {
            "decoder_embed_dim": 32,
            "decoder_depth": 2,
            "decoder_num_heads": 2,
            "epochs": 8,
            "batch_size": 64,
            "base_lr": 1.8e-2,
            "crop_scale": (0.5, 1.0),
        },
        WallClockRecipe: {"timed_batch": 64, "timed_steps": 20},
        FinetuneRecipe: {
            "labels": 10_000,
            "epochs": 10,
            "batch_size": 64,
            "base_lr": 8e-3,
            "layer_decay": 0.85,
            "drop_path": 0.0,
            "mixup": 0.0,
            "cutmix": 0.0,
            "augmentation": "none",
        },
        LinearProbeRecipe: {
            "labels": 10_000,
            "pooling": "mean",
            "views": 1,
            "augmentation": "none",
            "batch_size": 128,
            "base_lrs": (3.0, 10.0, 30.0, 100.0, 300.0),
        },
        LogisticRegressionRecipe: {**TINY_IMAGES, "labels": 10_000},
        FittedTargetRecipe: {**TINY_IMAGES},
        PcaRecipe: {"fit_images": 10_000},
        TokenizerRecipe: {"vocabulary": 128, "hidden_dim": 64, "epochs": 4, "batch_size": 128, "base_lr": 4e-2},
        KnnRecipe: {"labels": 10_000, "pooling": "mean"},
        RidgeRecipe: {"labels": 10_000, "pooling": "mean"},
        RobustnessRecipe: {"scored_images": 2000},
    },
)
