"""Robustness: the fine-tuned model as it was scored, on corruptions of ours and on folders of shifted images."""

from dataclasses import replace
from statistics import fmean

import pytest

from mae_core.data.catalogue import describe
from mae_core.data.transforms.corruptions import CORRUPTIONS
from mae_core.errors import RecipeError
from mae_core.recipes import RobustnessRecipe
from mae_core.signature import Stage
from mae_core.stages.evaluations.robustness import ALEXNET
from mae_core.stages.weights import encoder_of
from tests.mae_core.data.pictures import paint, paint_split
from tests.mae_core.stages.laboratory import CPU, DIGITS, FINETUNE, PRETRAIN

BIRDS = ("crow", "gull", "owl", "wren")


def by_corruption(metrics):
    return {name.removeprefix("top1_"): value for name, value in metrics.items() if name.startswith("top1_")}


@pytest.fixture
def tuned_on_birds(laboratory, tmp_path):
    """A fine-tuning on coloured images of four classes, of the encoder that was trained on grey digits."""
    info = describe(str(paint_split(tmp_path / "birds", classes=BIRDS, train=8, test=6)), laboratory.home)
    birds = {"data": info.data, "fingerprint": info.fingerprint, "labels": None, "scored_images": None}
    return Stage(replace(FINETUNE, **birds), (Stage(PRETRAIN),))


def shifted(laboratory, parent, folder):
    info = describe(str(folder), laboratory.home)
    recipe = RobustnessRecipe(**CPU, data=info.data, fingerprint=info.fingerprint, shift="none")
    return Stage(recipe, (parent,))


@pytest.mark.parametrize("settings", [{}, {"ema_decay": 0.5}, {"resolution": 24}])
def test_uncorrupted_images_give_the_fine_tunings_own_number(laboratory, settings):
    parent = Stage(replace(FINETUNE, **settings), (Stage(PRETRAIN),))
    recipe = RobustnessRecipe(**DIGITS, **CPU, scored_images=FINETUNE.scored_images)
    assert laboratory.metrics(Stage(recipe, (parent,)))["top1"] == laboratory.metrics(parent)["top1"]


def test_mce_is_the_mean_error_over_corruptions_and_said_to_be_a_stand_in(laboratory):
    stage = Stage(RobustnessRecipe(**DIGITS, **CPU, scored_images=40), (Stage(FINETUNE, (Stage(PRETRAIN),)),))
    metrics, record = laboratory.metrics(stage), laboratory.done(stage).record
    assert by_corruption(metrics).keys() == CORRUPTIONS.keys()
    assert metrics["mce"] == pytest.approx(100 - fmean(by_corruption(metrics).values()))
    assert "stand-in for ImageNet-C" in record["remarks"][0]
    assert encoder_of(stage) == PRETRAIN


def test_a_folder_of_all_classes_is_scored_as_the_fine_tuning_scored_it(laboratory, tuned_on_birds, tmp_path):
    laboratory.done(tuned_on_birds)
    (tmp_path / "moved").mkdir()
    (tmp_path / "birds" / "val").rename(tmp_path / "moved" / "val")
    (tmp_path / "birds" / "val").symlink_to(tmp_path / "moved" / "val")
    metrics = laboratory.metrics(shifted(laboratory, tuned_on_birds, tmp_path / "moved"))
    assert metrics == {"top1": laboratory.metrics(tuned_on_birds)["top1"], "n_test": 24}


def test_classes_that_are_not_shown_do_not_compete(laboratory, tuned_on_birds, tmp_path):
    for number in range(6):
        paint(tmp_path / "owls" / "val" / "owl" / f"{number}.png", seed=number)
    metrics = laboratory.metrics(shifted(laboratory, tuned_on_birds, tmp_path / "owls"))
    assert metrics == {"top1": 100.0, "n_test": 6}


def test_a_class_that_was_not_learnt_is_refused_by_name(laboratory, tuned_on_birds, tmp_path):
    paint(tmp_path / "pets" / "val" / "cat" / "0.png")
    outcome = laboratory.ask(shifted(laboratory, tuned_on_birds, tmp_path / "pets"))
    assert outcome.ending == "failed"
    assert "has not (cat); name its class folders" in outcome.reason


@pytest.mark.parametrize("complete", [True, False])
def test_folders_laid_out_as_imagenet_c_divide_by_alexnets_errors(laboratory, tuned_on_birds, tmp_path, complete):
    names = list(ALEXNET)[: None if complete else 3]
    for number, name in enumerate(names):
        for severity in (1, 2):
            for bird in BIRDS:
                seed = 100 * number + 10 * severity + len(bird)
                paint(tmp_path / "c" / "val" / "group" / name / str(severity) / bird / "0.png", seed=seed)
    metrics = laboratory.metrics(shifted(laboratory, tuned_on_birds, tmp_path / "c"))
    errors = {name: 100 - value for name, value in by_corruption(metrics).items()}
    expected = [100 * errors[name] / ALEXNET[name] if complete else errors[name] for name in names]
    assert metrics["mce"] == pytest.approx(fmean(expected))
    assert metrics["n_test"] == len(names) * 2 * 4


def test_robustness_learns_nothing():
    with pytest.raises(RecipeError, match="leave labels and evaluate_on out"):
        RobustnessRecipe(labels=10)
