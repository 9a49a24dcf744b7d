"""Table 11 and section 4: large ViTs can be trained from scratch with strong regularisation, and MAE is well ahead.

python -m ablations.run scratch
"""

from __future__ import annotations

from ablations.paper.models import SHAPES, encoder
from ablations.spec import Ablation, Case
from ablations.spec.claims import Better
from mae_core.recipes import BASELINE, FINETUNE, FROM_SCRATCH

PAPER = {"B": (82.3, 82.1), "L": (82.6, 81.5), "H": (83.1, 80.9)}  # with and without EMA
FINETUNE_ONLY = ("finetune",)


def _scratch(size: str) -> Case:
    with_ema, without_ema = PAPER[size]
    recipe = FROM_SCRATCH[size]
    return Case(
        key=f"vit_{size.lower()}",
        label=f"scratch, ViT-{size}",
        recipe=encoder(size),
        paper={"finetune": with_ema, "without_ema": without_ema},
        evaluations={"finetune": recipe, "without_ema": recipe},
    )


ABLATION = Ablation(
    name="scratch",
    title="Training from scratch",
    source="Table 11 and section 4",
    axis="training",
    default="mae",
    cases=(
        *map(_scratch, SHAPES),
        Case(
            key="in_text",
            label="scratch, ViT-L, as section 4 quotes it",
            recipe=encoder("L"),
            paper={"finetune": 82.5},
            evaluations={"finetune": FROM_SCRATCH["L"]},
            columns=FINETUNE_ONLY,
        ),
        Case("vit_paper", "scratch, ViT-L, ViT paper", paper={"finetune": 76.5}, columns=FINETUNE_ONLY, cited=True),
        Case("deit", "scratch, DeiT-B", paper={"finetune": 81.8}, columns=FINETUNE_ONLY, cited=True),
        Case("mae", "baseline MAE, ViT-L", BASELINE, {"finetune": 84.9}, columns=FINETUNE_ONLY),
    ),
    protocols={"finetune": FINETUNE, "without_ema": FROM_SCRATCH["L"]},
    claims=(
        Better("finetune", "mae", "vit_l", "MAE is ahead of training from scratch"),
        Better("finetune", "vit_l", "vit_b", "larger models trained from scratch are better with EMA", 0.0),
        Better("without_ema", "vit_b", "vit_h", "without EMA larger models trained from scratch are worse"),
    ),
)
