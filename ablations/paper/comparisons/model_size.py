"""Figure 8: MAE's accuracy grows with the model as supervised training's does on a data set 300 times larger.

python -m ablations.run model_size
"""

from __future__ import annotations

from collections.abc import Mapping

from ablations.paper.models import MAE, MAE_FINETUNE, PARAMETERS, encoder
from ablations.spec import Ablation, Case
from ablations.spec.claims import Better
from mae_core.recipes import FINETUNE, FROM_SCRATCH, EncoderRecipe, FinetuneRecipe

MAE_SERIES, SCRATCH_SERIES = "MAE", "supervised"
VIT_SERIES, JFT_SERIES = "supervised, IN1K, ViT paper", "supervised, JFT300M, ViT paper"
# the figure prints no numbers; JFT's are read off it
PAPER: Mapping[str, Mapping[str, float]] = {
    MAE_SERIES: {"B": 83.6, "L": 85.9, "H": 86.9},
    SCRATCH_SERIES: {"B": 82.3, "L": 82.6, "H": 83.1},
    VIT_SERIES: {"B": 77.9, "L": 76.5},
    JFT_SERIES: {"B": 84.2, "L": 87.6, "H": 88.4},
}
KEYS = {MAE_SERIES: "mae", SCRATCH_SERIES: "scratch", VIT_SERIES: "vit_paper", JFT_SERIES: "jft300m"}


def _case(series: str, size: str, paper: float) -> Case:
    runs: Mapping[str, tuple[EncoderRecipe, FinetuneRecipe]] = {
        MAE_SERIES: (MAE[size], MAE_FINETUNE[size]),
        SCRATCH_SERIES: (encoder(size), FROM_SCRATCH[size]),
    }
    recipe, finetune = runs.get(series, (None, FINETUNE))
    return Case(
        key=f"{KEYS[series]}_vit_{size.lower()}",
        label=f"{series}, ViT-{size}",
        recipe=recipe,
        paper={"finetune": paper},
        evaluations={"finetune": finetune},
        cited=recipe is None,
        series=series,
        at=PARAMETERS[size],
    )


ABLATION = Ablation(
    name="model_size",
    title="Model size",
    source="Figure 8",
    axis="parameters of the paper's model (millions)",
    default="mae_vit_l",
    figure="curves",
    cases=tuple(_case(series, size, paper) for series, points in PAPER.items() for size, paper in points.items()),
    protocols={"finetune": FINETUNE},
    claims=(
        Better("finetune", "mae_vit_l", "mae_vit_b", "MAE gains from ViT-B to ViT-L"),
        Better("finetune", "mae_vit_h", "mae_vit_l", "MAE gains from ViT-L to ViT-H"),
        Better("finetune", "mae_vit_h", "scratch_vit_h", "ViT-H is better with MAE than from scratch"),
    ),
)
