"""Figure 9: MAE's features are less linear than MoCo v3's, and better once a block or more is tuned.

python -m ablations.run partial_finetune
"""

from __future__ import annotations

from ablations.paper.models import MOCO_V3
from ablations.spec import Ablation, Case
from ablations.spec.claims import Better, Trend
from ablations.spec.needs import Weights
from mae_core.recipes import BASELINE, FINETUNE, PretrainRecipe, partial_finetuning

MAE_POINTS = {0: 73.5, 0.5: 79.1, 1: 81.0, 2: 83.1, 4: 84.2, 6: 84.4, 12: 84.6, 18: 84.7, 24: 84.9}
MOCO_V3_POINTS = {0: 77.6, 1: 79.9, 2: 80.8, 4: 81.6, 6: 81.9, 12: 83.2, 18: 83.8, 24: 84.1}


def _case(series: str, blocks: float, paper: float, recipe: PretrainRecipe | None, needs: Weights | str = "") -> Case:
    tuned = {0: "none tuned (linear probing)", 0.5: "MLP of the last block tuned", 24: "all tuned"}
    plain = f"last {blocks:g} block{'s' * (blocks > 1)} tuned"
    return Case(
        key=f"{blocks:g}" if recipe else f"moco_v3_{blocks:g}",
        label=f"{series}, {tuned.get(blocks, plain)}",
        recipe=recipe,
        paper={"finetune": paper},
        evaluations={"finetune": partial_finetuning(blocks)},
        needs=needs,
        series=series,
        at=blocks,
    )


ABLATION = Ablation(
    name="partial_finetune",
    title="Partial fine-tuning",
    source="Figure 9",
    axis="tuned blocks",
    default="24",
    figure="curves",
    cases=(
        *(_case("MAE", blocks, paper, BASELINE) for blocks, paper in MAE_POINTS.items()),
        *(_case("MoCo v3", blocks, paper, None, MOCO_V3["L"]) for blocks, paper in MOCO_V3_POINTS.items()),
    ),
    protocols={"finetune": FINETUNE},
    claims=(
        Trend("finetune", "accuracy grows with the number of tuned blocks as the paper's does"),
        Better("finetune", "1", "0", "one tuned block is far better than linear probing"),
        Better("finetune", "4", "moco_v3_4", "with four tuned blocks MAE is ahead of MoCo v3"),
        Better("finetune", "moco_v3_0", "0", "MoCo v3's features are the more linear ones"),
    ),
    decisions=(
        "The paper keeps the best of 50, 100 and 200 epochs for each number of tuned blocks; ours are 50, Table 9's.",
        "Whatever is tuned, the head and the final LayerNorm are, too, and layer decay stays on.",
    ),
)
