"""Table 2: an encoder that skips mask tokens pre-trains three times faster, four times with a one-block decoder.

    python -m ablations.run wall_clock
    python -m ablations.run wall_clock/wall_clock --scale paper    the hours alone: no pre-training, no images

Hours are those of the whole pre-training on this machine, from a few timed steps; the paper's are those of 128 TPU-v3
cores. Timing wants the machine for itself.
"""

from __future__ import annotations

import dataclasses
from dataclasses import replace

from ablations.paper.models import sized
from ablations.spec import Ablation, Case
from ablations.spec.claims import Alike, Better
from mae_core.recipes import BASELINE, FINETUNE, FINETUNE_PAPER, PretrainRecipe, WallClockRecipe


def timed(recipe: PretrainRecipe) -> WallClockRecipe:
    """The same pre-training, of which only a few steps are done."""
    return WallClockRecipe(**{field.name: getattr(recipe, field.name) for field in dataclasses.fields(recipe)})


def _case(
    size: str, depth: int, paper: dict[str, float], speedup: float | None = None, *, tokens: bool = False
) -> Case:
    recipe = replace(sized(BASELINE, size), decoder_depth=depth, encoder_sees_mask_tokens=tokens)
    return Case(
        key=f"vit_{size.lower()}{'_mask_tokens' if tokens else ''}_{depth}",
        label=f"ViT-{size}{', w/ [M]' if tokens else ''}, {depth} decoder block{'s' * (depth > 1)}",
        recipe=recipe,
        paper=paper,
        evaluations={"finetune": FINETUNE_PAPER[size], "wall_clock": timed(recipe)},
        columns=("finetune", "wall_clock") if "finetune" in paper else ("wall_clock",),
        also={} if speedup is None else {"speedup": speedup},
    )


ABLATION = Ablation(
    name="wall_clock",
    title="Pre-training time",
    source="Table 2",
    axis="encoder, decoder depth",
    default="vit_l_8",
    cases=(
        _case("L", 8, {"finetune": 84.2, "wall_clock": 42.4}, tokens=True),
        _case("L", 8, {"finetune": 84.9, "wall_clock": 15.4}, 2.8),
        _case("L", 1, {"finetune": 84.8, "wall_clock": 11.6}, 3.7),
        _case("H", 8, {"wall_clock": 119.6}, tokens=True),  # estimated by the paper from ten epochs
        _case("H", 8, {"finetune": 85.8, "wall_clock": 34.5}, 3.5),
        _case("H", 1, {"finetune": 85.9, "wall_clock": 29.3}, 4.1),
    ),
    protocols={"finetune": FINETUNE, "wall_clock": timed(BASELINE)},
    claims=(
        Better("wall_clock", "vit_l_8", "vit_l_mask_tokens_8", "ViT-L pre-trains faster without mask tokens", 0.0),
        Better("wall_clock", "vit_h_8", "vit_h_mask_tokens_8", "ViT-H pre-trains faster without mask tokens", 0.0),
        Better("wall_clock", "vit_l_1", "vit_l_8", "a one-block decoder saves more time", 0.0),
        Alike("finetune", "vit_h_8", "vit_h_1", "ViT-H fine-tunes as well after a one-block decoder"),
    ),
)
