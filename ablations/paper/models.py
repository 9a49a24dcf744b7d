"""The models that several tables share: the paper's sizes, its best MAE, and encoders that others trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from ablations.spec.needs import Weights
from mae_core.recipes import (
    BASELINE,
    FINETUNE_NORM_PIXEL,
    VIT_B,
    VIT_H,
    VIT_L,
    EncoderRecipe,
    FinetuneRecipe,
    PretrainRecipe,
)

SHAPES: Mapping[str, Mapping[str, Any]] = MappingProxyType({"B": VIT_B, "L": VIT_L, "H": VIT_H})
PARAMETERS: Mapping[str, float] = MappingProxyType({"B": 86, "L": 304, "H": 632})  # millions


def sized(recipe: PretrainRecipe, size: str) -> PretrainRecipe:
    """The pre-training of a ViT-B/16, ViT-L/16 or ViT-H/14."""
    return replace(recipe, **SHAPES[size])


def encoder(size: str) -> EncoderRecipe:
    """The encoder before any training."""
    return EncoderRecipe(**SHAPES[size])


# the models of Tables 3, 4, 5, 6, 12 and 13
LONGEST = replace(BASELINE, epochs=1600)
MAE: Mapping[str, PretrainRecipe] = MappingProxyType(
    {size: sized(replace(LONGEST, target="norm_pixel"), size) for size in SHAPES}
)
COLUMNS = ("B", "L", "H", "H448")  # of Tables 3, 6 and 13; the last is ViT-H fine-tuned at 448 px
MAE_FINETUNE: Mapping[str, FinetuneRecipe] = MappingProxyType(
    {**FINETUNE_NORM_PIXEL, "H448": replace(FINETUNE_NORM_PIXEL["H"], resolution=(448, 448))}
)
SETTINGS_448 = "The paper does not say how ViT-H is fine-tuned at 448 px; ours takes the settings for 224 px."


def mae(column: str) -> PretrainRecipe:
    """The pre-trained model of a column."""
    return MAE[column[0]]


def key(column: str) -> str:
    """`vit_h_448` for H448."""
    return f"vit_{column[0].lower()}" + ("_448" if column == "H448" else "")


def label(column: str) -> str:
    """`ViT-H, 448 px` for H448."""
    return f"ViT-{column[0]}" + (", 448 px" if column == "H448" else "")


def _weights(name: str, what: str, size: str) -> Weights:
    return Weights(f"{name}_{key(size)}", f"{what}, {label(size)}", SHAPES[size])


DINO = {"B": _weights("dino", "DINO", "B")}
MOCO_V3 = {size: _weights("moco_v3", "MoCo v3", size) for size in "BL"}
RELEASED_MAE = {size: _weights("mae", "MAE, released weights", size) for size in SHAPES}
BEIT_IS_CITED = "BEiT's network has relative positions and layer scale, which ours has not, so its rows are only cited."
