"""The paper's tables and figures by name, in the paper's order."""

from collections.abc import Mapping

from ablations.paper import mask_ratio
from ablations.spec import Ablation

ABLATIONS: Mapping[str, Ablation] = {module.ABLATION.name: module.ABLATION for module in (mask_ratio,)}

NOT_YET: Mapping[str, str] = {
    "coco": "Table 4, object detection",
    "ade20k": "Table 5, semantic segmentation",
}
