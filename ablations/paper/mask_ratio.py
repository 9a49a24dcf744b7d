"""Figure 5: a high masking ratio (75 %) works well for both fine-tuning and linear probing.

    python -m ablations.run mask_ratio

At the paper's scale: 10 pre-trainings of ViT-L/16 for 800 epochs. At `mini`: a quarter of an hour on two cores.
"""

from dataclasses import replace

from ablations.spec import Ablation, Case
from ablations.spec.claims import Alike, Better, Trend
from mae_core.recipes import BASELINE

PAPER = {  # masked share in per cent: (fine-tuning, linear probing)
    10: (83.2, 54.6),
    20: (83.4, 58.9),
    30: (83.4, 61.7),
    40: (84.7, 67.0),
    50: (84.9, 69.9),
    60: (85.0, 71.8),
    70: (84.9, 73.2),
    75: (84.9, 73.5),
    80: (84.5, 71.8),
    90: (83.0, 66.1),
}

ABLATION = Ablation(
    name="mask_ratio",
    title="Masking ratio",
    source="Figure 5",
    axis="masking ratio (%)",
    default="75",
    figure="curves",
    cases=tuple(
        Case(
            key=str(percent),
            label=f"{percent} %",
            recipe=replace(BASELINE, mask_ratio=percent / 100),
            paper={"finetune": finetune, "linear_probe": linear_probe},
        )
        for percent, (finetune, linear_probe) in PAPER.items()
    ),
    claims=(
        Trend("finetune", "fine-tuning orders the ratios as the paper does"),
        Trend("linear_probe", "linear probing orders the ratios as the paper does"),
        Better("linear_probe", "75", "10", "linear probing gains from a high ratio"),
        Better("linear_probe", "75", "90", "linear probing loses beyond 75 %"),
        Better("finetune", "75", "10", "fine-tuning prefers 75 % to 10 %"),
        Alike("finetune", "75", "50", "fine-tuning is as good at 50 % as at 75 %"),
    ),
)
