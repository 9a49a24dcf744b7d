"""Table 13: the fine-tuned models of Table 3 on shifted images, where larger MAE models gain most.

    python -m ablations.run robustness

ImageNet-C, -A, -R and -Sketch have to be put into the home; corruptions of the test images stand in for them.
"""

from __future__ import annotations

from collections.abc import Mapping

from ablations.paper.models import (
    COLUMNS,
    IMPORTED,
    MAE_FINETUNE,
    RELEASED_MAE,
    Imported,
    encoder,
    key,
    label,
    mae,
)
from ablations.spec import Ablation, Case
from ablations.spec.claims import Better
from ablations.spec.needs import Both, Folder
from mae_core.recipes import FROM_SCRATCH, EncoderRecipe, FinetuneRecipe, RobustnessRecipe

NAMES = {
    "imagenet_c": "IN-C",
    "imagenet_a": "IN-A",
    "imagenet_r": "IN-R",
    "imagenet_sketch": "IN-Sketch",
}
LAYOUTS = {"imagenet_c": "val/CORRUPTION/SEVERITY/CLASS"}
MAE_POINTS: Mapping[str, tuple[float, ...]] = {  # COLUMNS, then the previous best; IN-C in mCE, the others in top-1
    "imagenet_c": (51.7, 41.8, 33.8, 36.8, 42.5),
    "imagenet_a": (35.9, 57.1, 68.2, 76.7, 35.8),
    "imagenet_r": (48.3, 59.9, 64.4, 66.5, 48.7),
    "imagenet_sketch": (34.5, 45.3, 49.6, 50.9, 36.0),
}
SUPERVISED: Mapping[str, tuple[float, ...]] = {  # ViT-B, ViT-L, ViT-H of Table 11
    "imagenet_c": (45.8, 42.3, 41.3),
    "imagenet_a": (27.2, 29.6, 33.1),
    "imagenet_r": (49.4, 50.9, 50.3),
    "imagenet_sketch": (35.6, 37.5, 38.0),
}


def _case(family: str, column: str, data: str, paper: float | None) -> Case:
    """One model on one kind of images; `data` "" are the corruptions that stand in."""
    runs: Mapping[str, tuple[EncoderRecipe, FinetuneRecipe]] = {
        "mae": (mae(column), MAE_FINETUNE[column]),
        "supervised": (encoder(column[0]), FROM_SCRATCH[column[0]]),
    }
    recipe, finetune = runs[family]
    protocol, name = _read(data)
    return Case(
        key=f"{family}_{data or 'corruptions'}_{key(column)}",
        label=f"{name}, {'MAE' if family == 'mae' else 'supervised'}, {label(column)}",
        recipe=recipe,
        paper={} if paper is None else {protocol: paper},
        evaluations={protocol: RobustnessRecipe(shift="none")} if data else {},
        columns=(protocol,),
        through=(finetune,),
        needs=_folder(data) if data else "",
        series=name,
    )


def _other(other: Imported, data: str) -> Case:
    """The same of an encoder that others trained; the paper's numbers are those of the weights released since."""
    protocol, name = _read(data)
    known = data and other in RELEASED_MAE
    return Case(
        key=f"{other.key}_{data or 'corruptions'}",
        label=f"{name}, {other.label}",
        paper={protocol: MAE_POINTS[data][COLUMNS.index(other.size)]} if known else {},
        evaluations={protocol: RobustnessRecipe(shift="none")} if data else {},
        columns=(protocol,),
        through=(other.finetune,),
        needs=Both(other.weights, _folder(data)) if data else other.weights,
        series=name,
    )


def _read(data: str) -> tuple[str, str]:
    """Protocol and name of the images."""
    return "corruptions" if data in ("", "imagenet_c") else "shifted", NAMES.get(data, "corruptions (stand-in)")


def _folder(data: str) -> Folder:
    return Folder(data, NAMES[data], LAYOUTS.get(data, "val/CLASS"))


def _rows(data: str) -> list[Case]:
    *ours, best = MAE_POINTS[data]
    protocol, name = _read(data)
    rows = [_case("mae", column, data, paper) for column, paper in zip(COLUMNS, ours, strict=True)]
    rows += [_case("supervised", size, data, paper) for size, paper in zip("BLH", SUPERVISED[data], strict=True)]
    previous = Case(f"{data}_best", f"{name}, previous best", None, {protocol: best}, columns=(protocol,), cited=True)
    return [*rows, previous]


ABLATION = Ablation(
    name="robustness",
    title="Robustness",
    source="Table 13",
    axis="images, training, model",
    default="mae_corruptions_vit_l",
    cases=(
        *(_case("mae", column, "", None) for column in COLUMNS),
        *(_case("supervised", size, "", None) for size in "BLH"),
        *(row for data in NAMES for row in _rows(data)),
        *(_other(other, data) for data in ("", *NAMES) for other in IMPORTED),
    ),
    protocols={"corruptions": RobustnessRecipe(), "shifted": RobustnessRecipe(shift="none")},
    claims=(
        Better("corruptions", "mae_corruptions_vit_h", "mae_corruptions_vit_b", "robustness grows with the MAE model"),
        Better(
            protocol="corruptions",
            better="mae_corruptions_vit_h",
            worse="supervised_corruptions_vit_h",
            text="the largest MAE model is more robust than the supervised one",
        ),
    ),
)
