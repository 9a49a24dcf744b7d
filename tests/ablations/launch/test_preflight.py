"""The preflight: one update of every distinct shape, whatever the plan's length."""

from dataclasses import replace

import pytest
from rich.console import Console

from ablations.launch.launch import Launch
from ablations.launch.preflight import preflight, shortened
from ablations.selection import select
from mae_core.data.catalogue import describe
from mae_core.errors import UserError
from mae_core.launch.slurm.settings import ClusterSettings
from mae_core.scales import SCALES
from mae_core.store.run import Store


def launch(home, *names, scale="smoke", seeds=1):
    return Launch(select(names), SCALES[scale], seeds, describe(SCALES[scale].data, home), home)


def test_seeds_and_schedules_are_no_shapes_of_their_own(home):
    shapes = {shortened(stage).signature for stage in launch(home, "mask_ratio", seeds=3).plan().stages.values()}
    assert len(shapes) == len(launch(home, "mask_ratio").plan().stages)


@pytest.mark.parametrize("scale", SCALES)
def test_every_stage_of_the_paper_can_be_shortened(home, scale):
    for stage in launch(home, "all", scale=scale).plan().stages.values():
        assert getattr(shortened(stage).recipe, "epochs", 1) == 1


@pytest.mark.parametrize(("micro_batch", "batch"), [(None, 2 * 4 * 64), (16, 2 * 16 * 64), (512, 4096)])
def test_on_a_cluster_each_rank_has_its_two_micro_batches(home, micro_batch, batch):
    shape = ClusterSettings(nodes=8, ranks_per_node=8, micro_batch=micro_batch).shape
    stages = [shortened(stage, shape) for stage in launch(home, "mask_ratio:75", scale="paper").plan().stages.values()]
    (pretraining,) = [stage.recipe for stage in stages if stage.kind == "pretrain"]
    assert (pretraining.batch_size, pretraining.train_images) == (batch, batch)
    assert min(getattr(stage.recipe, "batch_size", 64) for stage in stages) >= 64


def test_a_row_does_one_update_of_each_of_its_shapes(home):
    preflight(launch(home, "mask_ratio:75"), False, Console())
    runs = {run.document["kind"]: run for run in Store(home / "preflight").runs()}
    assert {run.status for run in runs.values()} == {"done"}
    assert [row["step"] for row in runs["pretrain"].rows()] == [1]
    assert not list(home.glob("runs/*"))


def test_timed_steps_are_tried_without_any_data(tmp_path):
    preflight(launch(tmp_path, "wall_clock:vit_l_1/wall_clock"), False, Console())
    assert [run.status for run in Store(tmp_path / "preflight").runs()] == ["done"]
    assert not (tmp_path / "data").exists()


def test_what_fails_is_said_in_a_sentence(home):
    asked = launch(home, "mask_ratio:75")
    changed = replace(asked, info=replace(asked.info, fingerprint="of other images"))
    with pytest.raises(UserError, match="shapes failed"):
        preflight(changed, False, Console())
