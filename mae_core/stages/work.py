"""Which function does which kind of stage, and what it is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch

from mae_core.signature import Stage
from mae_core.stages.evaluations.finetune import finetune
from mae_core.stages.evaluations.knn import knn
from mae_core.stages.evaluations.linear_probe import linear_probe
from mae_core.stages.evaluations.logistic_regression import logistic_regression
from mae_core.stages.evaluations.reconstruct import reconstruct
from mae_core.stages.evaluations.ridge import ridge
from mae_core.stages.evaluations.robustness import robustness
from mae_core.stages.imported import import_encoder
from mae_core.stages.pretrain import pretrain
from mae_core.stages.result import Result
from mae_core.stages.targets.dalle import dalle
from mae_core.stages.targets.pca import pca
from mae_core.stages.targets.tokenizer import tokenizer
from mae_core.stages.timing.wall_clock import wall_clock
from mae_core.stages.untrained import untrained
from mae_core.store.run import Store
from mae_core.training.workspace import Workspace

Work = Callable[[Stage, Store, Workspace], Result]

WORK: Mapping[str, Work] = {
    "untrained": untrained,
    "import": import_encoder,
    "pca": pca,
    "tokenizer": tokenizer,
    "dalle": dalle,
    "pretrain": pretrain,
    "finetune": finetune,
    "linear_probe": linear_probe,
    "knn": knn,
    "ridge": ridge,
    "robustness": robustness,
    "reconstruct": reconstruct,
    "logistic_regression": logistic_regression,
    "wall_clock": wall_clock,
}

# on any number of ranks; the others are rank 0's alone, as is our tokenizer, which is small
TRAINED = frozenset({"pretrain", "finetune", "linear_probe"})


def perform(stage: Stage, store: Store, workspace: Workspace) -> Result:
    """Do the work of `stage` in this process. Raises what the work raises."""
    if stage.recipe.threads is not None:
        torch.set_num_threads(stage.recipe.threads)
    torch.set_flush_denormal(True)  # denormal numbers slow a CPU a hundredfold and carry no information here
    try:
        return WORK[stage.kind](stage, store, workspace)
    finally:
        torch.set_flush_denormal(False)  # whoever called may need them
