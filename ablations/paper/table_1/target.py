"""Table 1d: pixels normalised by patch are as good a target as tokens; principal components are a worse one.

python -m ablations.run target
"""

from dataclasses import replace

from ablations.spec import Ablation, Case
from ablations.spec.claims import Better, NoBetter
from mae_core.recipes import BASELINE

ABLATION = Ablation(
    name="target",
    title="Reconstruction target",
    source="Table 1d",
    axis="target",
    default="pixel",
    cases=(
        Case("pixel", "pixel (w/o norm)", BASELINE, {"finetune": 84.9, "linear_probe": 73.5}),
        Case(
            key="norm_pixel",
            label="pixel (w/ norm)",
            recipe=replace(BASELINE, target="norm_pixel"),
            paper={"finetune": 85.4, "linear_probe": 73.9},
        ),
        Case(
            key="pca",
            label="PCA",
            recipe=replace(BASELINE, target="pca"),
            paper={"finetune": 84.6, "linear_probe": 72.3},
        ),
        Case(
            key="token",
            label="dVAE token",
            recipe=replace(BASELINE, target="token"),
            paper={"finetune": 85.3, "linear_probe": 71.6},
        ),
    ),
    claims=(
        Better("finetune", "norm_pixel", "pixel", "fine-tuning gains from pixels normalised by patch"),
        Better("finetune", "norm_pixel", "pca", "fine-tuning prefers normalised pixels to principal components"),
        NoBetter("finetune", "token", "norm_pixel", "tokens have no advantage over normalised pixels in fine-tuning"),
        Better("linear_probe", "norm_pixel", "token", "linear probing prefers normalised pixels to tokens"),
    ),
)
