"""Stages on ranks and in micro-batches: the numbers of one large batch, to fp32 rounding, from a store of their own."""

import shutil
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from mae_core.recipes import KnnRecipe
from mae_core.signature import Stage
from mae_core.stages.obtain import obtain
from mae_core.store.attempt import Watch
from mae_core.store.run import Store
from tests.mae_core.stages.laboratory import EVALUATED, FINETUNE, PRETRAIN, PROBE, Laboratory
from tests.mae_core.training.group import in_ranks

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")

PARENT = (Stage(PRETRAIN),)
STAGES = {
    "pretrain": Stage(replace(PRETRAIN, epochs=3)),
    "finetune": Stage(replace(FINETUNE, mixup=0.8, cutmix=1.0, drop_path=0.0), PARENT),
    "new crops probed": Stage(replace(PROBE, views=None, base_lrs=(30.0, 100.0), batch_size=33), PARENT),
    "fixed views probed": Stage(replace(PROBE, base_lrs=(30.0,)), PARENT),
}


def weights(home, signature):
    """What every later stage sees of a finished run: its weights but for the keys' biases, and its losses.

    Attention does not depend on a bias of all keys: its gradient is zero but for rounding, which Adam makes steps of.
    """
    run = Store(home).run(signature)
    found = load_file(run.finished.folder / "weights.safetensors")
    for name, weight in found.items():
        if name.endswith("attn.qkv.bias"):
            weight.chunk(3)[1].zero_()
    return {**found, "losses": torch.tensor([row["loss"] for row in run.rows() if "loss" in row])}


@pytest.fixture(scope="session")
def alone(pretrained, tmp_path_factory):
    """The weights of each stage, trained by one process from whole batches."""
    laboratory = Laboratory(shutil.copytree(pretrained, tmp_path_factory.mktemp("alone") / "home", symlinks=True))
    return {name: weights(laboratory.home, laboratory.done(stage).signature) for name, stage in STAGES.items()}


def obtained(laboratory, stage, world, trains=True):
    signature = laboratory.store.plan(stage).signature
    outcomes = in_ranks(world, lambda ranks: obtain(signature, Store(laboratory.home), Watch(), ranks=ranks))
    assert [outcome.ending for outcome in outcomes] == ["done"] * world, outcomes
    return weights(laboratory.home, signature) if trains else {}


@pytest.mark.parametrize("name", STAGES)
@pytest.mark.parametrize(("world", "micro_batch"), [(1, 10), (2, None), (4, 3)])
def test_ranks_and_micro_batches_give_one_large_batch(laboratory, alone, name, world, micro_batch):
    stage = STAGES[name]
    found = obtained(laboratory, replace(stage, recipe=replace(stage.recipe, micro_batch=micro_batch)), world)
    torch.testing.assert_close(found, alone[name], rtol=1e-4, atol=1e-5)


def test_the_record_says_how_many_ranks(laboratory):
    obtained(laboratory, STAGES["pretrain"], 2)
    assert laboratory.store.run(STAGES["pretrain"].signature).record["ranks"] == 2


def test_what_is_not_trained_is_rank_0s_alone(laboratory):
    obtained(laboratory, Stage(KnnRecipe(**EVALUATED), PARENT), 2, trains=False)
