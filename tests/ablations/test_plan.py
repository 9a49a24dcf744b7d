"""Plans: stages are shared by signature, parents come first, and nothing needs torch."""

import time
from dataclasses import replace

import pytest

from ablations.launch.execute import prepare
from ablations.launch.launch import Launch
from ablations.names import stage_names
from ablations.paper import ABLATIONS, TABLE_1
from ablations.paper.mask_ratio import ABLATION
from ablations.plan import Plan
from ablations.selection import select
from mae_core.data.catalogue import describe
from mae_core.errors import UserError
from mae_core.scales import SCALES, scale_named


def planned(scale, tmp_path, seeds=1):
    info = describe(scale_named(scale).data, tmp_path)
    cells = ABLATION.cells(scale_named(scale), info, seeds)
    return Plan.of(cells + ABLATION.baselines(scale_named(scale), info, seeds))


def test_mask_ratio_at_the_papers_scale_is_20_cells_from_10_pretrainings(tmp_path):
    plan = planned("paper", tmp_path)
    assert len(plan.cells) == 20
    assert plan.counts() == {"pretrain": 10, "finetune": 10, "linear_probe": 10}


def test_baselines_share_one_untrained_encoder(tmp_path):
    assert planned("mini", tmp_path).counts()["untrained"] == 1


def test_parents_come_before_their_children(tmp_path):
    seen = set()
    for signature, stage in planned("mini", tmp_path).stages.items():
        assert {parent.signature for parent in stage.parents} <= seen
        seen.add(signature)


def test_seeds_multiply_everything_but_what_has_no_randomness(tmp_path):
    one, three = planned("mini", tmp_path).counts(), planned("mini", tmp_path, 3).counts()
    assert three == {kind: n * (1 if kind == "logistic_regression" else 3) for kind, n in one.items()}


@pytest.fixture
def with_dalle(tmp_path):
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "dalle_encoder.safetensors").write_bytes(b"weights")
    return tmp_path


def everything(names, scale, home, seeds=1):
    info = describe(SCALES[scale].data, home)
    given = [ABLATIONS[name].given(SCALES[scale], home) for name in names]
    return Plan.of(cell for ablation in given for cell in ablation.cells(SCALES[scale], info, seeds))


def test_cells_that_wait_are_told_with_each_file_that_they_wait_for(tmp_path):
    waiting = everything(["target", "robustness"], "paper", tmp_path).waiting()
    tokens = [cells for need, cells in waiting.items() if "mae_core.dalle convert encoder.pkl HOME/weights/" in need]
    assert [[cell.protocol for cell in cells] for cells in tokens] == [["finetune", "linear_probe"]]
    dino, shifted = (
        {cell.case.key for need, cells in waiting.items() if need.startswith(start) for cell in cells}
        for start in ("DINO", "IN-A")
    )
    assert "dino_vit_b_imagenet_a" in dino & shifted
    assert not everything(["decoder_depth"], "paper", tmp_path).waiting()


def test_table_1_is_48_cells_from_19_pretrainings_and_38_evaluations(with_dalle):
    plan = everything([module.ABLATION.name for module in TABLE_1], "paper", with_dalle)
    counts = plan.counts()
    assert len(plan.cells) == 48
    assert (counts["pretrain"], counts["finetune"] + counts["linear_probe"]) == (19, 38)
    assert (counts["pca"], counts["dalle"]) == (1, 1)


def test_the_whole_paper_shares_what_its_tables_share(with_dalle):
    plan = everything(ABLATIONS, "paper", with_dalle)
    runs = [cell for cell in plan.cells if cell.stage is not None]
    # 19 of Table 1, 9 more ratios, 4 more schedules, 2 ViT-H of Table 2, 3 of Table 3, 5 more of Table 7
    assert plan.counts()["pretrain"] == 19 + 9 + 4 + 2 + 3 + 5
    assert len({cell.stage.signature for cell in runs}) < len(runs) < len(plan.cells)


def test_every_stage_of_the_whole_paper_has_a_name(tmp_path):
    plan = everything(ABLATIONS, "mini", tmp_path)
    names = stage_names(plan)
    assert set(names) == set(plan.stages)
    assert not any("by 1 more rows" in name for name in names.values())


def test_ten_thousand_cells_are_planned_in_two_seconds(tmp_path):
    begun = time.process_time()
    plan = everything(ABLATIONS, "mini", tmp_path, seeds=44)
    assert len(plan.cells) >= 10_000
    assert time.process_time() - begun < 4  # 2 s alone; other processes share caches with us


def launched(name, scale, home, **info):
    return Launch(select([name]), SCALES[scale], 1, replace(describe(SCALES[scale].data, home), **info), home)


def test_one_protocol_is_planned_with_what_it_rests_on_and_nothing_else(tmp_path):
    assert launched("wall_clock/wall_clock", "paper", tmp_path).plan().counts() == {"wall_clock": 6}
    row = launched("wall_clock:vit_h_1/finetune", "paper", tmp_path).plan()
    assert row.counts() == {"pretrain": 1, "finetune": 1}
    assert {cell.protocol for cell in launched("mask_ratio/finetune", "mini", tmp_path).plan().cells} == {"finetune"}


def test_timed_steps_are_launched_where_there_are_no_images_and_others_are_not(tmp_path):
    plan, store = prepare(launched("wall_clock/wall_clock", "paper", tmp_path))
    assert {run.signature for run in store.runs()} == set(plan.stages)
    with pytest.raises(UserError, match="imagenet1k is not on this machine"):
        prepare(launched("wall_clock", "paper", tmp_path))


def test_a_protocol_that_takes_labels_is_refused_on_data_without_any(tmp_path):
    with pytest.raises(UserError, match="finetune takes labels, which fashion_mnist does not have"):
        launched("mask_ratio/finetune", "mini", tmp_path, labelled=False, num_classes=0).plan()


def test_unlabelled_images_are_pretrained_on_and_nothing_else(tmp_path):
    info = replace(describe("fashion_mnist", tmp_path), labelled=False, num_classes=0)
    plan = Plan.of(ABLATION.cells(SCALES["mini"], info, 1))
    assert plan.counts() == {"pretrain": 10}
    assert ABLATION.baselines(SCALES["mini"], info, 1) == ()


def test_without_labels_every_table_keeps_what_needs_none(tmp_path):
    info = replace(describe("fashion_mnist", tmp_path), labelled=False, num_classes=0)
    cells = {name: ablation.cells(SCALES["mini"], info, 1) for name, ablation in ABLATIONS.items()}
    protocols = {name: {cell.protocol for cell in found} for name, found in cells.items()}
    assert protocols.pop("reconstructions") == {"reconstruct"}
    assert protocols.pop("wall_clock") == {"wall_clock"}
    assert protocols.pop("transfer_classification") == {"finetune"}  # digits have labels of their own
    assert set().union(*protocols.values()) == {"pretrain"}
