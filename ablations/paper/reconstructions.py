"""Figures 2-4, 10 and 11: what a model trained at 75 % makes of images with three patches of four hidden, or more.

    python -m ablations.run reconstructions

The number is the loss on masked patches; the figure is in the panels.
"""

from __future__ import annotations

from ablations.spec import Ablation, Case
from ablations.spec.claims import Better
from ablations.spec.needs import Folder
from mae_core.recipes import BASELINE, ReconstructRecipe

COCO = Folder("coco_val", "COCO's validation images", "images")
SHOWN = {75: "Figures 4 and 10", 80: "Figure 2", 85: "Figure 4", 95: "Figure 4"}
SHOWN_ON_COCO = {75: "Figure 11", 80: "Figure 3"}


def _case(percent: int, shown: str, *, coco: bool) -> Case:
    return Case(
        key=f"{'coco_' * coco}{percent}",
        label=f"{percent} % masked{', COCO' * coco} ({shown})",
        recipe=BASELINE,
        evaluations={"reconstruct": ReconstructRecipe(mask_ratio=percent / 100)},
        needs=COCO if coco else "",
        series="COCO" if coco else "",
        at=percent,
    )


ABLATION = Ablation(
    name="reconstructions",
    title="Reconstructions",
    source="Figures 2-4, 10, 11",
    axis="masked share (%)",
    default="75",
    cases=(
        *(_case(percent, shown, coco=False) for percent, shown in SHOWN.items()),
        *(_case(percent, shown, coco=True) for percent, shown in SHOWN_ON_COCO.items()),
    ),
    protocols={"reconstruct": ReconstructRecipe()},
    claims=(Better("reconstruct", "75", "95", "guesses get worse as more is hidden", 0.0),),
)
