"""Table 6: fine-tuned on other classification data, MAE gains from a larger model and passes the best before it.

    python -m ablations.run transfer_classification

iNaturalist and Places have to be put into the home; scikit-learn's digits stand in for them.
"""

from __future__ import annotations

from collections.abc import Mapping

from ablations.paper.models import COLUMNS, MAE_FINETUNE, key, label, mae
from ablations.spec import Ablation, Case
from ablations.spec.claims import Better
from ablations.spec.needs import Folder
from mae_core.recipes import FINETUNE

NAMES = {
    "inat2017": "iNat 2017",
    "inat2018": "iNat 2018",
    "inat2019": "iNat 2019",
    "places205": "Places205",
    "places365": "Places365",
}
PAPER: Mapping[str, tuple[float, ...]] = {  # COLUMNS, then the previous best
    "inat2017": (70.5, 75.7, 79.3, 83.4, 75.4),
    "inat2018": (75.4, 80.1, 83.0, 86.8, 81.2),
    "inat2019": (80.5, 83.4, 85.7, 88.3, 84.1),
    "places205": (63.9, 65.8, 65.9, 66.8, 66.0),
    "places365": (57.9, 59.4, 59.8, 60.3, 58.0),
}


def _stand_in(column: str) -> Case:
    return Case(
        key=f"digits_{key(column)}",
        label=f"digits (stand-in), {label(column)}",
        recipe=mae(column),
        evaluations={"finetune": MAE_FINETUNE[column]},
        data="digits",
        series="digits (stand-in)",
    )


def _rows(data: str) -> list[Case]:
    name, (*ours, best) = NAMES[data], PAPER[data]
    rows = [
        Case(
            key=f"{data}_{key(column)}",
            label=f"{name}, {label(column)}",
            recipe=mae(column),
            paper={"finetune": paper},
            evaluations={"finetune": MAE_FINETUNE[column]},
            needs=Folder(data, name),
            series=name,
        )
        for column, paper in zip(COLUMNS, ours, strict=True)
    ]
    return [*rows, Case(f"{data}_best", f"{name}, previous best", paper={"finetune": best}, cited=True, series=name)]


ABLATION = Ablation(
    name="transfer_classification",
    title="Transfer to other classification data",
    source="Table 6",
    axis="data, model",
    default="digits_vit_l",
    cases=(*map(_stand_in, "BLH"), *(row for data in NAMES for row in _rows(data))),
    protocols={"finetune": FINETUNE},
    claims=(
        Better("finetune", "digits_vit_l", "digits_vit_b", "a larger model transfers better, on the stand-in"),
        *(
            Better("finetune", f"{data}_vit_h", f"{data}_vit_b", f"a larger model transfers better to {name}")
            for data, name in NAMES.items()
        ),
    ),
)
