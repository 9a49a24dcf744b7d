"""Table 1e: MAE works with crops alone and tolerates no augmentation; colour jitter harms.

python -m ablations.run augmentation
"""

from dataclasses import replace

from ablations.spec import Ablation, Case
from ablations.spec.claims import Better
from mae_core.recipes import BASELINE

ABLATION = Ablation(
    name="augmentation",
    title="Data augmentation",
    source="Table 1e",
    axis="pre-training augmentation",
    default="random_crop",
    cases=(
        Case(
            key="none",
            label="none",
            recipe=replace(BASELINE, augmentation="none"),
            paper={"finetune": 84.0, "linear_probe": 65.7},
        ),
        Case(
            key="fixed_crop",
            label="crop, fixed size",
            recipe=replace(BASELINE, augmentation="fixed_crop"),
            paper={"finetune": 84.7, "linear_probe": 73.1},
        ),
        Case("random_crop", "crop, rand size", BASELINE, {"finetune": 84.9, "linear_probe": 73.5}),
        Case(
            key="random_crop_jitter",
            label="crop + color jit",
            recipe=replace(BASELINE, augmentation="random_crop_jitter"),
            paper={"finetune": 84.3, "linear_probe": 71.9},
        ),
    ),
    claims=(
        Better("finetune", "random_crop", "random_crop_jitter", "colour jitter on top of crops harms fine-tuning"),
        Better("linear_probe", "random_crop", "random_crop_jitter", "colour jitter on top of crops harms probing"),
        Better("linear_probe", "random_crop", "none", "linear probing needs crops"),
        Better("finetune", "random_crop", "none", "fine-tuning gains from crops"),
    ),
)
