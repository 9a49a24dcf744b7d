"""Spaces: what a found number means beside the scale's own value."""

import pytest

from ablations.paper import ABLATIONS
from mae_core.data.catalogue import describe
from mae_core.errors import UserError
from mae_core.recipes import BASELINE, FINETUNE
from mae_core.scales import MINI
from mae_core.signature import Stage
from sweeps.selection import select
from sweeps.space import Between, OneOf, Times
from sweeps.studies import FINETUNE_LR, MASK_RATIO_BY_DECODER_DEPTH, STUDIES, tune_rows


@pytest.fixture
def info(tmp_path):
    return describe("fashion_mnist", tmp_path)


def test_factors_are_of_the_scales_own_value_and_rounded_so_that_trials_can_meet():
    assert Times(0.25, 4).value(1.2345, 4e-3) == Times(0.25, 4).value(1.199, 4e-3) == 4.8e-3
    assert Between(0, 1).value(0.123456, None) == 0.12
    assert OneOf((1, 2)).value(2, None) == 2


def test_a_trial_that_finds_nothing_new_is_the_scales_own_stage(info):
    plain = FINETUNE_LR.stage({}, MINI, info, evaluate_on="test")
    assert plain == Stage(MINI.apply(FINETUNE, info), (Stage(MINI.apply(BASELINE, info)),))


def test_a_trial_changes_the_settings_it_names_and_no_other(info):
    found = {"finetune.base_lr": 2.0, "finetune.layer_decay": 0.7}
    own, trial = FINETUNE_LR.stage({}, MINI, info), FINETUNE_LR.stage(found, MINI, info)
    assert trial.recipe.base_lr == 2 * own.recipe.base_lr
    assert trial.recipe.layer_decay == 0.7
    assert trial.recipe.drop_path == own.recipe.drop_path
    assert trial.parents == own.parents


def test_trials_are_judged_on_heldout_train_images(info):
    for study in STUDIES.values():
        assert study.stage({}, MINI, info).recipe.evaluate_on == "heldout"


def test_values_of_the_papers_recipe_are_mapped_like_an_ablations_rows(info):
    found = {"pretrain.mask_ratio": 0.5, "pretrain.decoder_depth": 4}
    (parent,) = MASK_RATIO_BY_DECODER_DEPTH.stage(found, MINI, info).parents
    assert parent.recipe.mask_ratio == 0.5
    assert parent.recipe.decoder_depth == MINI.apply(BASELINE, info).decoder_depth // 2


def test_every_run_row_of_an_ablation_gets_the_same_search():
    ablation = ABLATIONS["mask_ratio"]
    studies = list(tune_rows(ablation))
    assert [study.row.key for study in studies] == [case.key for case in ablation.cases]
    assert len({(study.trials, tuple(study.space)) for study in studies}) == 1


def test_rows_are_fine_tuned_as_their_table_says():
    partial = list(tune_rows(ABLATIONS["partial_finetune"]))
    assert len({study.evaluation for study in partial}) == len(partial) > 1
    assert {study.evaluation.KIND for study in partial} == {"finetune"}


def test_one_row_of_an_ablation_is_one_study():
    (study,) = select("tune_rows-mask_ratio:75").studies
    assert (study.row.key, study.row.paper) == ("75", 84.9)


@pytest.mark.parametrize("name", ["reconstructions", "linear_probe_methods", "robustness"])
def test_ablations_that_fine_tune_nothing_have_no_rows_to_tune(name):
    with pytest.raises(UserError, match="tune another"):
        select(f"tune_rows-{name}")


def test_a_spec_file_gives_way_to_its_ablations_name_and_is_found_again_from_any_folder(tmp_path, monkeypatch):
    spec = tmp_path / "mine" / "spec.py"
    spec.parent.mkdir()
    spec.write_text("from ablations.paper import ABLATIONS\nABLATION = ABLATIONS['mask_ratio']\n")
    monkeypatch.chdir(tmp_path)
    selected = select("tune_rows-./mine/spec.py:75")
    monkeypatch.chdir("/")
    assert selected.file == "tune_rows-mask_ratio:75"
    assert select(selected.name) == select("-".join(selected.words)) == selected


def test_a_protocol_is_not_tuned():
    with pytest.raises(UserError, match="write mask_ratio:75"):
        select("tune_rows-mask_ratio:75/finetune")
