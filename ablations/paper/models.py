"""The models that several tables share: the paper's sizes, its best MAE, and encoders that others trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from ablations.spec.needs import Weights
from mae_core.recipes import (
    BASELINE,
    FINETUNE_NORM_PIXEL,
    FINETUNE_PAPER,
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


def mae(column: str) -> PretrainRecipe:
    """The pre-trained model of a column."""
    return MAE[column[0]]


def key(column: str) -> str:
    """`vit_h_448` for H448."""
    return f"vit_{column[0].lower()}" + ("_448" if column == "H448" else "")


def label(column: str) -> str:
    """`ViT-H, 448 px` for H448."""
    return f"ViT-{column[0]}" + (", 448 px" if column == "H448" else "")


@dataclass(frozen=True)
class Imported:
    """An encoder that others trained, at one size."""

    method: str
    size: str
    weights: Weights
    finetune: FinetuneRecipe  # on ImageNet-1K

    @property
    def key(self) -> str:
        """`dino_vit_b`, `released_mae_vit_b`."""
        return f"released_{self.weights.name}" if self.method == RELEASED else self.weights.name

    @property
    def label(self) -> str:
        """`DINO, ViT-B`."""
        return f"{self.method}, {label(self.size)}"


def _imported(method: str, name: str, size: str, timm: str = "", **network: Any) -> Imported:
    finetune = FINETUNE_NORM_PIXEL if method == RELEASED else FINETUNE_PAPER
    settings = {**SHAPES[size], **network}
    return Imported(
        method, size, Weights(f"{name}_{key(size)}", f"{method}, {label(size)}", settings, timm), finetune[size]
    )


RELEASED = "MAE, released weights"
DINO = (_imported("DINO", "dino", "B", "vit_base_patch16_224.dino"),)
MOCO_V3 = tuple(_imported("MoCo v3", "moco_v3", size) for size in "BL")
HALF = (0.5, 0.5, 0.5)  # BEiT's pixels lie between -1 and 1
BEIT = tuple(_imported("BEiT", "beit", size, network="beit", mean=HALF, std=HALF) for size in "BL")
TIMM_MAE = {"B": "vit_base_patch16_224.mae", "L": "vit_large_patch16_224.mae", "H": "vit_huge_patch14_224.mae"}
RELEASED_MAE = tuple(_imported(RELEASED, "mae", size, name) for size, name in TIMM_MAE.items())
IMPORTED = (*DINO, *MOCO_V3, *BEIT, *RELEASED_MAE)  # of Tables 3, 12 and 13 and Figure 9
