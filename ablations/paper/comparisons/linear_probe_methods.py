"""Table 12: probed linearly, MAE is ahead of other masked methods and behind a contrastive one.

python -m ablations.run linear_probe_methods
"""

from __future__ import annotations

from ablations.paper.models import IMPORTED, MAE, PARAMETERS, key
from ablations.spec import Ablation, Case
from ablations.spec.claims import Better
from mae_core.recipes import LINEAR_PROBE

PAPER = {"B": 68.0, "L": 75.8, "H": 76.6}
OTHERS = {  # the paper has no number for the rest
    "beit_vit_l": 52.1,
    "moco_v3_vit_l": 77.6,
    **{f"released_mae_{key(size)}": paper for size, paper in PAPER.items()},  # the weights that gave these numbers
}

ABLATION = Ablation(
    name="linear_probe_methods",
    title="Linear probing of masked encoders",
    source="Table 12",
    axis="method, model",
    default="mae_vit_l",
    cases=(
        Case("igpt_l", "iGPT, iGPT-L", paper={"linear_probe": 69.0}, cited=True, also={"params_M": 1362}),
        Case("igpt_xl", "iGPT, iGPT-XL", paper={"linear_probe": 72.0}, cited=True, also={"params_M": 6801}),
        *(
            Case(
                key=f"mae_vit_{size.lower()}",
                label=f"MAE, ViT-{size}",
                recipe=MAE[size],
                paper={"linear_probe": paper},
                also={"params_M": PARAMETERS[size]},
            )
            for size, paper in PAPER.items()
        ),
        *(
            Case(
                key=other.key,
                label=other.label,
                paper={"linear_probe": OTHERS[other.key]} if other.key in OTHERS else {},
                needs=other.weights,
                also={"params_M": PARAMETERS["L"]} if other.key == "beit_vit_l" else {},
            )
            for other in IMPORTED
        ),
    ),
    protocols={"linear_probe": LINEAR_PROBE},
    claims=(
        Better("linear_probe", "mae_vit_l", "mae_vit_b", "MAE gains from ViT-B to ViT-L"),
        Better("linear_probe", "mae_vit_h", "mae_vit_l", "MAE gains from ViT-L to ViT-H"),
        Better("linear_probe", "moco_v3_vit_l", "mae_vit_l", "MoCo v3's features are more linear than MAE's"),
    ),
)
