"""Table 7: tokens have no advantage over pixels that are normalised by patch, at any model size.

    python -m ablations.run pixels_vs_tokens

The classification columns; detection and segmentation are not yet available.
"""

from __future__ import annotations

from dataclasses import replace

from ablations.paper.models import LONGEST, MAE, SHAPES, sized
from ablations.spec import Ablation, Case
from ablations.spec.claims import Better, NoBetter
from mae_core.recipes import FINETUNE, FINETUNE_NORM_PIXEL, FINETUNE_PAPER

PAPER = {  # target: its label, then ViT-B, ViT-L, ViT-H
    "pixel": ("pixel (w/o norm)", (83.3, 85.1, 86.2)),
    "norm_pixel": ("pixel (w/ norm)", (83.6, 85.9, 86.9)),
    "token": ("dVAE token", (83.6, 85.7, 86.9)),
}
RECIPES = {
    "pixel": {size: sized(LONGEST, size) for size in SHAPES},
    "norm_pixel": MAE,
    "token": {size: sized(replace(LONGEST, target="token"), size) for size in SHAPES},
}
SETTINGS = {"pixel": FINETUNE_PAPER, "norm_pixel": FINETUNE_NORM_PIXEL, "token": FINETUNE_PAPER}

ABLATION = Ablation(
    name="pixels_vs_tokens",
    title="Pixels and tokens as targets",
    source="Table 7",
    axis="target, model",
    default="norm_pixel_vit_l",
    cases=tuple(
        Case(
            key=f"{target}_vit_{size.lower()}",
            label=f"{label}, ViT-{size}",
            recipe=RECIPES[target][size],
            paper={"finetune": paper},
            evaluations={"finetune": SETTINGS[target][size]},
            series=label,
        )
        for target, (label, points) in PAPER.items()
        for size, paper in zip(SHAPES, points, strict=True)
    ),
    protocols={"finetune": FINETUNE},
    claims=(
        *(
            NoBetter(
                "finetune", f"token_vit_{size}", f"norm_pixel_vit_{size}", f"tokens are no better, ViT-{size.upper()}"
            )
            for size in "blh"
        ),
        Better("finetune", "norm_pixel_vit_l", "pixel_vit_l", "ViT-L gains from pixels normalised by patch"),
        Better("finetune", "norm_pixel_vit_h", "pixel_vit_h", "ViT-H gains from pixels normalised by patch"),
    ),
)
