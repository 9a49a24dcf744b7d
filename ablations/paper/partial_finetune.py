"""Figure 9: MAE's features are less linear than MoCo v3's, and better once a block or more is tuned.

    python -m ablations.run partial_finetune

The paper trains each point for 50, 100 and 200 epochs and keeps the best. Ours are trained once, for as long as Table 9
says, so that no point is the best of several; another length is a row of a spec of one's own.
"""

from __future__ import annotations

from collections.abc import Mapping

from ablations.paper.models import BEIT, DINO, MOCO_V3, RELEASED_MAE, SHAPES, Imported
from ablations.spec import Ablation, Case
from ablations.spec.claims import Better, Trend
from mae_core.recipes import BASELINE, FINETUNE, FINETUNE_PAPER, partial_finetuning

Points = Mapping[float, float | None]  # number of tuned blocks: the paper's accuracy, None where it has none

MAE: Points = {0: 73.5, 0.5: 79.1, 1: 81.0, 2: 83.1, 4: 84.2, 6: 84.4, 12: 84.6, 18: 84.7, 24: 84.9}
MOCO: Points = {0: 77.6, 1: 79.9, 2: 80.8, 4: 81.6, 6: 81.9, 12: 83.2, 18: 83.8, 24: 84.1}
OTHER: Points = dict.fromkeys(MOCO)
OTHER_B: Points = dict.fromkeys(blocks for blocks in MOCO if blocks <= SHAPES["B"]["depth"])


def _case(series: str, key: str, size: str, blocks: float, paper: float | None, other: Imported | None = None) -> Case:
    depth = SHAPES[size]["depth"]
    tuned = {0: "none tuned (linear probing)", 0.5: "MLP of the last block tuned", depth: "all tuned"}
    plain = f"last {blocks:g} block{'s' * (blocks > 1)} tuned"
    return Case(
        key=key,
        label=f"{series}, {tuned.get(blocks, plain)}",
        recipe=None if other else BASELINE,
        paper={} if paper is None else {"finetune": paper},
        evaluations={"finetune": partial_finetuning(blocks, depth, FINETUNE_PAPER[size].epochs)},
        needs=other.weights if other else "",
        series=series,
        at=blocks,
    )


def _curve(series: str, name: str, others: tuple[Imported, ...], points: Points) -> list[Case]:
    """The points of the last, which is the largest, of `others`."""
    other = others[-1]
    return [_case(series, f"{name}_{at:g}", other.size, at, paper, other) for at, paper in points.items()]


ABLATION = Ablation(
    name="partial_finetune",
    title="Partial fine-tuning",
    source="Figure 9",
    axis="tuned blocks",
    default="24",
    figure="curves",
    cases=(
        *(_case("MAE", f"{blocks:g}", "L", blocks, paper) for blocks, paper in MAE.items()),
        *_curve("MoCo v3", "moco_v3", MOCO_V3, MOCO),
        *_curve("BEiT", "beit", BEIT, OTHER),
        *_curve("MAE, released weights", "released_mae", RELEASED_MAE[:2], OTHER),
        *_curve("DINO, ViT-B", "dino", DINO, OTHER_B),
    ),
    protocols={"finetune": FINETUNE},
    claims=(
        Trend("finetune", "MAE's accuracy grows with the number of tuned blocks as the paper's does", "MAE"),
        Trend("finetune", "MoCo v3's accuracy grows with the number of tuned blocks as the paper's does", "MoCo v3"),
        Better("finetune", "1", "0", "one tuned block is better than linear probing"),
        Better("finetune", "4", "moco_v3_4", "with four tuned blocks MAE is ahead of MoCo v3"),
        Better("finetune", "moco_v3_0", "0", "MoCo v3's features are the more linear ones"),
    ),
)
