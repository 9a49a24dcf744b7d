"""Table 1f: masking patches at random beats masking blocks or a grid.

python -m ablations.run mask_sampling
"""

from dataclasses import replace

from ablations.spec import Ablation, Case
from ablations.spec.claims import Better
from mae_core.recipes import BASELINE

ABLATION = Ablation(
    name="mask_sampling",
    title="Mask sampling",
    source="Table 1f",
    axis="sampling, masked share",
    default="random_75",
    cases=(
        Case("random_75", "random, 75 %", BASELINE, {"finetune": 84.9, "linear_probe": 73.5}),
        Case(
            key="block_50",
            label="block, 50 %",
            recipe=replace(BASELINE, mask_sampling="block", mask_ratio=0.5),
            paper={"finetune": 83.9, "linear_probe": 72.3},
        ),
        Case(
            key="block_75",
            label="block, 75 %",
            recipe=replace(BASELINE, mask_sampling="block"),
            paper={"finetune": 82.8, "linear_probe": 63.9},
        ),
        Case(
            key="grid_75",
            label="grid, 75 %",
            recipe=replace(BASELINE, mask_sampling="grid"),
            paper={"finetune": 84.0, "linear_probe": 66.0},
        ),
    ),
    claims=(
        Better("linear_probe", "random_75", "block_75", "linear probing prefers random masks to blocks of 75 %"),
        Better("linear_probe", "random_75", "grid_75", "linear probing prefers random masks to a grid"),
        Better("finetune", "random_75", "block_75", "fine-tuning prefers random masks to blocks of 75 %"),
        Better("finetune", "random_75", "grid_75", "fine-tuning prefers random masks to a grid"),
        Better("finetune", "block_50", "block_75", "fine-tuning prefers blocks of 50 % to blocks of 75 %"),
    ),
)
