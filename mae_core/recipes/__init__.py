"""Recipes: the frozen values from which stages compute. Every default is the paper's (Tables 8, 9 and 10).

One type per kind of stage, flat, so that a row of a table reads as the paper's row::

    replace(BASELINE, decoder_depth=1)

`declaration` says how fields stand to a stage's signature.
"""

from collections.abc import Mapping

from mae_core.recipes.encoders import VIT_B, VIT_H, VIT_L, EncoderRecipe, untrained
from mae_core.recipes.evaluations import (
    FINETUNE_NORM_PIXEL,
    FINETUNE_PAPER,
    FROM_SCRATCH,
    EvaluationRecipe,
    FinetuneRecipe,
    KnnRecipe,
    LinearProbeRecipe,
    LogisticRegressionRecipe,
    RidgeRecipe,
    partial_finetuning,
)
from mae_core.recipes.fitted_targets import (
    DalleRecipe,
    FittedTargetRecipe,
    PcaRecipe,
    TokenizerRecipe,
    fitted_for,
)
from mae_core.recipes.imports import ImportRecipe, imported
from mae_core.recipes.measurements import ReconstructRecipe, RobustnessRecipe, WallClockRecipe
from mae_core.recipes.pretraining import PretrainRecipe, visible_tokens
from mae_core.recipes.recipe import Recipe

BASELINE = PretrainRecipe()  # ViT-L/16, 800 epochs: the default row of Figure 5 and Table 1
FINETUNE = FinetuneRecipe()
LINEAR_PROBE = LinearProbeRecipe()

KINDS: Mapping[str, type[Recipe]] = {
    made.KIND: made
    for made in (
        EncoderRecipe,
        ImportRecipe,
        PcaRecipe,
        TokenizerRecipe,
        DalleRecipe,
        PretrainRecipe,
        FinetuneRecipe,
        LinearProbeRecipe,
        KnnRecipe,
        RidgeRecipe,
        LogisticRegressionRecipe,
        RobustnessRecipe,
        ReconstructRecipe,
        WallClockRecipe,
    )
}

__all__ = [
    "BASELINE",
    "FINETUNE",
    "FINETUNE_NORM_PIXEL",
    "FINETUNE_PAPER",
    "FROM_SCRATCH",
    "KINDS",
    "LINEAR_PROBE",
    "VIT_B",
    "VIT_H",
    "VIT_L",
    "DalleRecipe",
    "EncoderRecipe",
    "EvaluationRecipe",
    "FinetuneRecipe",
    "FittedTargetRecipe",
    "ImportRecipe",
    "KnnRecipe",
    "LinearProbeRecipe",
    "LogisticRegressionRecipe",
    "PcaRecipe",
    "PretrainRecipe",
    "Recipe",
    "ReconstructRecipe",
    "RidgeRecipe",
    "RobustnessRecipe",
    "TokenizerRecipe",
    "WallClockRecipe",
    "fitted_for",
    "imported",
    "partial_finetuning",
    "untrained",
    "visible_tokens",
]
