"""Table 1a: a deep decoder matters for linear probing, hardly for fine-tuning.

    python -m ablations.run decoder_depth

At the paper's scale: 5 pre-trainings of ViT-L/16 for 800 epochs, one of them the default row.
"""

from dataclasses import replace

from ablations.spec import Ablation, Case
from ablations.spec.claims import Alike, Better, Trend
from mae_core.recipes import BASELINE

PAPER = {1: (84.8, 65.5), 2: (84.9, 70.0), 4: (84.9, 71.9), 8: (84.9, 73.5), 12: (84.4, 73.3)}

ABLATION = Ablation(
    name="decoder_depth",
    title="Decoder depth",
    source="Table 1a",
    axis="decoder blocks",
    default="8",
    figure="curves",
    cases=tuple(
        Case(
            key=str(blocks),
            label=f"{blocks} block{'s' * (blocks > 1)}",
            recipe=replace(BASELINE, decoder_depth=blocks),
            paper={"finetune": finetune, "linear_probe": linear_probe},
        )
        for blocks, (finetune, linear_probe) in PAPER.items()
    ),
    claims=(
        Trend("linear_probe", "linear probing orders the depths as the paper does"),
        Better("linear_probe", "8", "1", "linear probing gains from a deep decoder"),
        Alike("finetune", "8", "1", "one decoder block is enough for fine-tuning"),
    ),
)
