"""Table 1b: a decoder half as wide as the encoder is wide enough, and fine-tuning does with far less.

python -m ablations.run decoder_width
"""

from dataclasses import replace

from ablations.spec import Ablation, Case
from ablations.spec.claims import Alike, Better, Trend
from mae_core.recipes import BASELINE

PAPER = {128: (84.9, 69.1), 256: (84.8, 71.3), 512: (84.9, 73.5), 768: (84.4, 73.1), 1024: (84.3, 73.1)}

ABLATION = Ablation(
    name="decoder_width",
    title="Decoder width",
    source="Table 1b",
    axis="decoder width",
    default="512",
    figure="curves",
    cases=tuple(
        Case(
            key=str(width),
            label=f"{width}-d",
            recipe=replace(BASELINE, decoder_embed_dim=width),
            paper={"finetune": finetune, "linear_probe": linear_probe},
        )
        for width, (finetune, linear_probe) in PAPER.items()
    ),
    claims=(
        Trend("linear_probe", "linear probing orders the widths as the paper does"),
        Better("linear_probe", "512", "128", "linear probing gains from a wider decoder up to 512"),
        Alike("finetune", "512", "128", "a narrow decoder is enough for fine-tuning"),
    ),
)
