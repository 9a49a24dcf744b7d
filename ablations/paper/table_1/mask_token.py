"""Table 1c: an encoder that never sees mask tokens is more accurate, and three times cheaper.

python -m ablations.run mask_token
"""

from dataclasses import replace

from ablations.spec import Ablation, Case
from ablations.spec.claims import Better
from mae_core.recipes import BASELINE

ABLATION = Ablation(
    name="mask_token",
    title="Mask token",
    source="Table 1c",
    axis="encoder input",
    default="without",
    cases=(
        Case(
            key="with",
            label="encoder w/ [M]",
            recipe=replace(BASELINE, encoder_sees_mask_tokens=True),
            paper={"finetune": 84.2, "linear_probe": 59.6},
            also={"flops_x": 3.3},
        ),
        Case(
            key="without",
            label="encoder w/o [M]",
            recipe=BASELINE,
            paper={"finetune": 84.9, "linear_probe": 73.5},
            also={"flops_x": 1.0},
        ),
    ),
    claims=(
        Better("linear_probe", "without", "with", "mask tokens in the encoder cost accuracy in linear probing"),
        Better("finetune", "without", "with", "mask tokens in the encoder cost accuracy in fine-tuning"),
    ),
)
