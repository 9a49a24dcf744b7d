"""Plans: stages are shared by signature, parents come first, and nothing needs torch."""

import time
from dataclasses import replace

import pytest

from ablations.paper.mask_ratio import ABLATION
from ablations.paper import ABLATIONS
from ablations.plan import Plan
from mae_core.data.catalogue import describe
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


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("ablation", ABLATIONS.values(), ids=list(ABLATIONS))
def test_every_ablation_can_be_planned_at_every_scale(ablation, scale, tmp_path):
    info = describe(SCALES[scale].data, tmp_path)
    cells = ablation.cells(SCALES[scale], info, 1)
    assert len({cell.name for cell in cells}) == len(cells) > 0
    assert ablation.case(ablation.default).state == "run"


def test_ten_thousand_cells_are_planned_quickly_enough_to_wait_for(tmp_path):
    info = describe("fashion_mnist", tmp_path)
    begun = time.process_time()
    plan = Plan.of(ABLATION.cells(SCALES["mini"], info, 500))
    assert len(plan.cells) == 10_000
    assert time.process_time() - begun < 20  # the benchmark measures; this notices a quadratic plan


def test_unlabelled_images_are_pretrained_on_and_nothing_else(tmp_path):
    info = replace(describe("fashion_mnist", tmp_path), labelled=False, num_classes=0)
    plan = Plan.of(ABLATION.cells(SCALES["mini"], info, 1))
    assert plan.counts() == {"pretrain": 10}
    assert ABLATION.baselines(SCALES["mini"], info, 1) == ()
