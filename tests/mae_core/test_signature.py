"""Signatures: the resolved recipe, its parents and its data; pinned, because old runs are found by them."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from mae_core.declaration import added, recipe
from mae_core.errors import StoreError
from mae_core.recipes import (
    BASELINE,
    FINETUNE,
    FROM_SCRATCH,
    LINEAR_PROBE,
    DalleRecipe,
    ImportRecipe,
    KnnRecipe,
    PcaRecipe,
    PretrainRecipe,
    ReconstructRecipe,
    RidgeRecipe,
    RobustnessRecipe,
    TokenizerRecipe,
    WallClockRecipe,
    untrained,
)
from mae_core.signature import Stage, from_document, resolved

GOLDEN = Path(__file__).parents[1] / "golden" / "signatures.json"


def golden_stages() -> dict[str, Stage]:
    default = Stage(BASELINE)
    return {
        "baseline": default,
        "baseline finetune": Stage(FINETUNE, (default,)),
        "baseline linear_probe": Stage(LINEAR_PROBE, (default,)),
        "mask_sampling block": Stage(replace(BASELINE, mask_sampling="block")),
        "mask_ratio 0.5": Stage(replace(BASELINE, mask_ratio=0.5)),
        "baseline finetune at 448": Stage(replace(FINETUNE, resolution=448), (default,)),
        "baseline knn": Stage(KnnRecipe(), (default,)),
        "baseline ridge": Stage(RidgeRecipe(), (default,)),
        "baseline reconstruct": Stage(ReconstructRecipe(), (default,)),
        "baseline finetune robustness": Stage(RobustnessRecipe(), (Stage(FINETUNE, (default,)),)),
        "scratch": Stage(FROM_SCRATCH["L"], (Stage(untrained(BASELINE)),)),
        "imported file": Stage(ImportRecipe(source="a.pth", sha256="0" * 64)),
        "imported model finetune": Stage(FINETUNE, (Stage(ImportRecipe(model="vit_large_patch16_224.mae")),)),
        "wall clock": Stage(WallClockRecipe()),
        "pca": Stage(PcaRecipe()),
        "tokenizer": Stage(TokenizerRecipe()),
        "dalle": Stage(DalleRecipe(file="encoder.safetensors", sha256="0" * 64)),
        "target pca": Stage(replace(BASELINE, target="pca"), (Stage(PcaRecipe()),)),
    }


def test_signatures_and_what_they_mean_are_pinned():
    told = {
        name: {"signature": stage.signature, "resolved": resolved(stage.recipe)}
        for name, stage in golden_stages().items()
    }
    assert json.loads(json.dumps(told)) == json.loads(GOLDEN.read_text())


def test_a_changed_default_gets_another_signature():
    @recipe
    class Changed(PretrainRecipe):
        mask_ratio: float = 0.6

    assert Stage(Changed()).signature != Stage(BASELINE).signature


def test_an_added_field_at_its_old_meaning_renames_nothing():
    @recipe
    class Grown(PretrainRecipe):
        clip_grad: float | None = added(default=3.0, as_before=None)

    assert Stage(Grown(clip_grad=None)).signature == Stage(BASELINE).signature
    assert Stage(Grown()).signature != Stage(BASELINE).signature


@pytest.mark.parametrize("setting", [{"device": "cpu"}, {"threads": 1}, {"workers": 4}, {"micro_batch": 8}])
def test_how_fast_does_not_change_what(setting):
    assert Stage(replace(BASELINE, **setting)).signature == Stage(BASELINE).signature


@pytest.mark.parametrize("setting", [{"device": "cpu"}, {"threads": 1}])
def test_where_time_is_measured_how_fast_is_what(setting):
    assert Stage(WallClockRecipe(**setting)).signature != Stage(WallClockRecipe()).signature


def test_a_fix_of_some_settings_renames_no_others():
    plain = replace(LINEAR_PROBE, augmentation="none")
    assert (LINEAR_PROBE.version, plain.version) == (2, 1)
    assert (replace(BASELINE, mask_sampling="block").version, BASELINE.version) == (2, 1)
    assert Stage(LINEAR_PROBE).document()["version"] == 2


def test_data_are_told_apart_by_content_not_by_path():
    assert Stage(replace(BASELINE, data="/elsewhere")).signature == Stage(BASELINE).signature
    assert Stage(replace(BASELINE, fingerprint="other")).signature != Stage(BASELINE).signature


def test_a_parent_is_part_of_its_childs_identity():
    one, other = (Stage(FINETUNE, (Stage(replace(BASELINE, seed=seed)),)) for seed in (0, 1))
    assert one.signature != other.signature


def test_equal_numbers_have_one_signature():
    sums = Stage(replace(BASELINE, mask_ratio=0.1 + 0.2)), Stage(replace(BASELINE, mask_ratio=0.3))
    assert sums[0].signature == sums[1].signature


def test_a_document_gives_the_stage_back():
    stage = Stage(FINETUNE, (Stage(BASELINE),))
    assert from_document(json.loads(json.dumps(stage.document()))) == stage


def test_a_document_that_means_something_else_today_is_refused():
    document = {**Stage(BASELINE).document(), "signature": "pretrain-0000000000000000"}
    with pytest.raises(StoreError, match="plan it again"):
        from_document(document)
