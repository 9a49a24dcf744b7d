"""The scale `smoke`."""

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
    ReconstructRecipe,
    RidgeRecipe,
    RobustnessRecipe,
    TokenizerRecipe,
)
from mae_core.scales.grid_of_8 import GRID_OF_8, TINY_IMAGES
from mae_core.scales.scale import Scale

SMOKE = Scale(
    name="smoke",
    purpose="tests: every stage really trains, nothing is learnt",
    data="fashion_mnist",
    threads=1,
    always=GRID_OF_8,
    warmup_share=0.1,
    defaults={
        EncoderRecipe: {**TINY_IMAGES, "embed_dim": 32, "depth": 2, "num_heads": 2},
        PretrainRecipe: {
            "train_images": 256,
            "decoder_embed_dim": 16,
            "decoder_depth": 2,
            "decoder_num_heads": 2,
            "epochs": 8,
            "batch_size": 128,
            "base_lr": 4e-3,
        },
        FinetuneRecipe: {
            "labels": 256,
            "scored_images": 1000,
            "epochs": 4,
            "batch_size": 64,
            "base_lr": 1.6e-2,
            "drop_path": 0.0,
            "mixup": 0.0,
            "cutmix": 0.0,
            "augmentation": "none",
        },
        LinearProbeRecipe: {
            "labels": 256,
            "scored_images": 1000,
            "epochs": 10,
            "batch_size": 256,
            "views": 1,
            "base_lrs": (10.0,),
        },
        LogisticRegressionRecipe: {**TINY_IMAGES, "labels": 256, "scored_images": 1000, "components": 32},
        FittedTargetRecipe: {**TINY_IMAGES, "train_images": 256},
        PcaRecipe: {"fit_images": 256},
        TokenizerRecipe: {"vocabulary": 16, "hidden_dim": 16, "epochs": 4, "batch_size": 64, "base_lr": 1e-1},
        KnnRecipe: {"labels": 256, "scored_images": 1000},
        RidgeRecipe: {"labels": 256, "scored_images": 1000},
        RobustnessRecipe: {"scored_images": 100},
        ReconstructRecipe: {"scored_images": 64},
    },
)
