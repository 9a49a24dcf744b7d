"""The paper's tables and figures by name, in the paper's order."""

from collections.abc import Mapping

from ablations.paper import mask_ratio, partial_finetune, reconstructions, schedule, scratch, wall_clock
from ablations.paper.comparisons import (
    in1k_comparison,
    linear_probe_methods,
    model_size,
    pixels_vs_tokens,
    robustness,
    transfer_classification,
)
from ablations.paper.table_1 import augmentation, decoder_depth, decoder_width, mask_sampling, mask_token, target
from ablations.spec import Ablation

TABLE_1 = (decoder_depth, decoder_width, mask_token, target, augmentation, mask_sampling)  # 1a to 1f

ABLATIONS: Mapping[str, Ablation] = {
    module.ABLATION.name: module.ABLATION
    for module in (
        reconstructions,
        scratch,
        mask_ratio,
        *TABLE_1,
        wall_clock,
        schedule,
        in1k_comparison,
        model_size,
        partial_finetune,
        transfer_classification,
        pixels_vs_tokens,
        linear_probe_methods,
        robustness,
    )
}

NOT_YET: Mapping[str, str] = {
    "coco": "Table 4, object detection",
    "ade20k": "Table 5, semantic segmentation",
}
