"""The declared studies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ablations.spec import Ablation, Case
from mae_core.recipes import LINEAR_PROBE, FinetuneRecipe, PretrainRecipe
from sweeps.space import Between, OneOf, PaperValue, Times
from sweeps.study import Row, Study

PRETRAIN_LR = Study(
    name="pretrain_lr",
    title="Learning rate and warm-up of pre-training",
    evaluation=LINEAR_PROBE,
    space={"pretrain.base_lr": Times(0.25, 4.0), "pretrain.warmup_epochs": Times(0.5, 2.0)},
)

FINETUNE_LR = Study(
    name="finetune_lr",
    title="Learning rate, layer decay and drop path of fine-tuning",
    space={
        "finetune.base_lr": Times(0.25, 4.0),
        "finetune.layer_decay": Between(0.6, 1.0),
        "finetune.drop_path": Between(0.0, 0.2),
    },
)

LINEAR_PROBE_LR = Study(
    name="linear_probe_lr",
    title="Pooling, views, batch, schedule and decay of the linear probe",
    evaluation=LINEAR_PROBE,
    space={
        "linear_probe.pooling": OneOf(("cls", "mean")),
        "linear_probe.views": OneOf((1, 2, 4)),
        "linear_probe.batch_size": OneOf((128, 256, 512)),
        "linear_probe.epochs": OneOf((30, 60, 90)),
        "linear_probe.weight_decay": OneOf((0.0, 1e-4, 1e-3)),
    },
)

MASK_RATIO_BY_DECODER_DEPTH = Study(
    name="mask_ratio_by_decoder_depth",
    title="Does the best masking ratio depend on the decoder's depth?",
    evaluation=LINEAR_PROBE,
    space={
        "pretrain.mask_ratio": PaperValue((0.4, 0.5, 0.6, 0.75, 0.85)),
        "pretrain.decoder_depth": PaperValue((4, 8, 12)),
    },
    trials=15,
    sampler="exhaustive",
    rungs=(),  # the fewer patches are masked, the lower the loss: it says nothing of which ratio is better
)

STUDIES: Mapping[str, Study] = {
    study.name: study for study in (PRETRAIN_LR, FINETUNE_LR, LINEAR_PROBE_LR, MASK_RATIO_BY_DECODER_DEPTH)
}

ROW_TRIALS = 6  # the same small budget for each row


def tune_rows(ablation: Ablation, only: str | None = None) -> Iterator[Study]:
    """A study of the fine-tuning settings for each row of `ablation`, or the row `only`, all with the same budget.

    Rows that we do not pre-train, or do not fine-tune on the same data, have none.
    """
    for case in ablation.cases:
        evaluation = _fine_tuning(ablation, case)
        if evaluation is None or not isinstance(case.recipe, PretrainRecipe) or only not in (None, case.key):
            continue
        yield Study(
            name=f"tune_rows-{ablation.name}-{case.key}",
            title=f"{ablation.title}, {case.label}",
            space={"finetune.base_lr": Times(0.25, 4.0), "finetune.layer_decay": Between(0.6, 1.0)},
            pretraining=case.recipe,
            evaluation=evaluation,
            trials=ROW_TRIALS,
            row=Row(case.key, case.label, case.paper.get("finetune")),
        )


def _fine_tuning(ablation: Ablation, case: Case) -> FinetuneRecipe | None:
    """How the row is fine-tuned for its number in the table; None where it has none, or we do not compute it."""
    if case.state != "run" or case.through or case.data:
        return None
    if "finetune" not in ablation.protocols or "finetune" not in (case.columns or ablation.protocols):
        return None
    found = case.evaluations.get("finetune", ablation.protocols["finetune"])
    return found if isinstance(found, FinetuneRecipe) else None
