"""A pre-training, its fine-tuning, and the labels of a cell that they are run for."""

from pathlib import Path

from mae_core.recipes import BASELINE, FINETUNE
from mae_core.signature import Stage
from mae_core.tracking.content.labels import write_labels

PRETRAIN = Stage(BASELINE)
TUNE = Stage(FINETUNE, (PRETRAIN,))


def label(home: Path, ablation: str = "mask_ratio", case: str = "75") -> None:
    cell = {"name": f"{ablation}/{case}/finetune/0", "case": case, "label": f"{case} %", "protocol": "finetune"}
    write_labels(home, ablation, "mini", "fashion_mnist", [{**cell, "seed": 0, "signature": TUNE.signature}])
