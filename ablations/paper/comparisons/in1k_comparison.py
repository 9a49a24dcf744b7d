"""Table 3: fine-tuned on ImageNet-1K, MAE is ahead of earlier self-supervised methods and scales with the model.

python -m ablations.run in1k_comparison
"""

from __future__ import annotations

from collections.abc import Mapping

from ablations.paper.models import (
    BEIT_IS_CITED,
    DINO,
    MAE_FINETUNE,
    MOCO_V3,
    RELEASED_MAE,
    SETTINGS_448,
    encoder,
    key,
    label,
    mae,
)
from ablations.spec import Ablation, Case
from ablations.spec.claims import Better
from ablations.spec.needs import Weights
from ablations.spec.protocols import Protocols
from mae_core.recipes import FINETUNE, FINETUNE_PAPER, FROM_SCRATCH

SCRATCH = {"B": 82.3, "L": 82.6, "H": 83.1}
MAE_POINTS = {"B": 83.6, "L": 85.9, "H": 86.9, "H448": 87.8}


def _others(method: str, weights: Mapping[str, Weights], paper: Mapping[str, float], recipes: Protocols) -> list[Case]:
    return [
        Case(
            key=need.name,
            label=f"{method}, {label(size)}",
            paper={"finetune": paper[size]},
            evaluations={"finetune": recipes[size]},
            needs=need,
        )
        for size, need in weights.items()
    ]


ABLATION = Ablation(
    name="in1k_comparison",
    title="Methods on ImageNet-1K",
    source="Table 3",
    axis="method, model",
    default="mae_vit_l",
    cases=(
        *(
            Case(
                key=f"scratch_{key(size)}",
                label=f"scratch, ours, {label(size)}",
                recipe=encoder(size),
                paper={"finetune": paper},
                evaluations={"finetune": FROM_SCRATCH[size]},
            )
            for size, paper in SCRATCH.items()
        ),
        *_others("DINO", DINO, {"B": 82.8}, FINETUNE_PAPER),
        *_others("MoCo v3", MOCO_V3, {"B": 83.2, "L": 84.1}, FINETUNE_PAPER),
        Case("beit_vit_b", "BEiT, ViT-B", paper={"finetune": 83.2}, cited=True),
        Case("beit_vit_l", "BEiT, ViT-L", paper={"finetune": 85.2}, cited=True),
        *(
            Case(
                key=f"mae_{key(column)}",
                label=f"MAE, {label(column)}",
                recipe=mae(column),
                paper={"finetune": paper},
                evaluations={"finetune": MAE_FINETUNE[column]},
            )
            for column, paper in MAE_POINTS.items()
        ),
        *(
            Case(
                key=f"released_{need.name}",
                label=f"MAE, released weights, {label(size)}",
                paper={"finetune": MAE_POINTS[size]},
                evaluations={"finetune": MAE_FINETUNE[size]},
                needs=need,
            )
            for size, need in RELEASED_MAE.items()
        ),
        Case("previous_best", "previous best (VOLO, 512 px)", paper={"finetune": 87.1}, cited=True),
    ),
    protocols={"finetune": FINETUNE},
    claims=(
        Better("finetune", "mae_vit_b", "scratch_vit_b", "MAE is ahead of training from scratch with ViT-B"),
        Better("finetune", "mae_vit_l", "scratch_vit_l", "MAE is ahead of training from scratch with ViT-L"),
        Better("finetune", "mae_vit_h", "scratch_vit_h", "MAE is ahead of training from scratch with ViT-H"),
        Better("finetune", "mae_vit_l", "mae_vit_b", "MAE gains from a larger model, ViT-B to ViT-L"),
        Better("finetune", "mae_vit_h", "mae_vit_l", "MAE gains from a larger model, ViT-L to ViT-H"),
        Better("finetune", "mae_vit_h_448", "mae_vit_h", "MAE gains from fine-tuning at 448 px"),
        Better("finetune", "mae_vit_l", "moco_v3_vit_l", "MAE is ahead of MoCo v3 with ViT-L"),
    ),
    decisions=(
        SETTINGS_448,
        "Encoders that others trained are fine-tuned with Table 9's settings, whatever their authors used.",
        BEIT_IS_CITED,
    ),
)
