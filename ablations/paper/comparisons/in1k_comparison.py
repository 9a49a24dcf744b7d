"""Table 3: fine-tuned on ImageNet-1K, MAE is ahead of earlier self-supervised methods and scales with the model.

python -m ablations.run in1k_comparison
"""

from __future__ import annotations

from ablations.paper.models import IMPORTED, MAE_FINETUNE, encoder, key, label, mae
from ablations.spec import Ablation, Case
from ablations.spec.claims import Better
from mae_core.recipes import FINETUNE, FROM_SCRATCH

SCRATCH = {"B": 82.3, "L": 82.6, "H": 83.1}
MAE_POINTS = {"B": 83.6, "L": 85.9, "H": 86.9, "H448": 87.8}
OTHERS = {
    "dino_vit_b": 82.8,
    "moco_v3_vit_b": 83.2,
    "moco_v3_vit_l": 84.1,
    "beit_vit_b": 83.2,
    "beit_vit_l": 85.2,
    **{f"released_mae_{key(size)}": MAE_POINTS[size] for size in "BLH"},  # the weights that gave these numbers
}

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
                key=other.key,
                label=other.label,
                paper={"finetune": OTHERS[other.key]},
                evaluations={"finetune": other.finetune},
                needs=other.weights,
            )
            for other in IMPORTED
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
)
