"""A stage's surroundings: what is switched on for it is switched off after it, however it ends."""

from dataclasses import replace

import torch

from mae_core.recipes import KnnRecipe
from mae_core.signature import Stage
from tests.mae_core.stages.laboratory import PRETRAIN


def keeps_denormals() -> bool:
    """Whether this process computes with numbers below float32's smallest normal one."""
    return (torch.tensor([1e-40]) * torch.ones(1)).item() > 0


def test_denormals_are_flushed_in_a_stage_and_kept_after_it(laboratory):
    inside = list[bool]()

    def stop() -> bool:
        inside.append(keeps_denormals())
        return False

    assert laboratory.ask(Stage(replace(PRETRAIN, seed=1)), stop).ending == "done"
    assert inside
    assert not any(inside)
    assert keeps_denormals()


def test_denormals_are_kept_after_a_stage_that_fails(laboratory):
    assert laboratory.ask(Stage(KnnRecipe())).ending == "failed"  # it has no encoder to probe
    assert keeps_denormals()
