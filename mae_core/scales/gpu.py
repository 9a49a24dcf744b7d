"""The scale `gpu`."""

from __future__ import annotations

from mae_core.recipes import (
    EncoderRecipe,
    FinetuneRecipe,
    FittedTargetRecipe,
    LinearProbeRecipe,
    LogisticRegressionRecipe,
    PretrainRecipe,
    TokenizerRecipe,
)
from mae_core.scales.scale import Scale

GPU = Scale(
    name="gpu",
    purpose="one GPU: ViT-B/16 at 128 px",
    data="cifar10",
    threads=None,
    warmup_share=0.05,
    defaults={
        EncoderRecipe: {"image_size": (128, 128), "embed_dim": 768, "depth": 12, "num_heads": 12},
        PretrainRecipe: {"epochs": 40, "batch_size": 1024},
        FinetuneRecipe: {"epochs": 20, "batch_size": 256, "drop_path": 0.1},
        LinearProbeRecipe: {"epochs": 40, "batch_size": 2048, "base_lrs": (0.1, 0.3, 1.0)},
        LogisticRegressionRecipe: {"image_size": (32, 32)},
        FittedTargetRecipe: {"image_size": (128, 128)},
        TokenizerRecipe: {"vocabulary": 512, "epochs": 10},
    },
)
