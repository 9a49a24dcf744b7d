"""Fine-tuning as a stage: erasing, averaged weights, other resolutions, and coming back after an interruption."""

import itertools
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from mae_core.data.catalogue import describe
from mae_core.data.images import View
from mae_core.model.classifier import Classifier
from mae_core.recipes import untrained
from mae_core.signature import Stage
from mae_core.stages.evaluations.finetune import Classification
from mae_core.stages.images import images_of
from mae_core.stages.weights import WEIGHTS, encoder_of
from mae_core.training.course import Batch
from tests.mae_core.data.pictures import paint_split
from tests.mae_core.stages.laboratory import EVALUATED, FINETUNE, PRETRAIN

PARENTS = (Stage(PRETRAIN),)


def weights(run):
    return load_file(run.finished.folder / WEIGHTS)


def learner(laboratory, **settings):
    recipe = replace(FINETUNE, **settings)
    images = images_of(recipe, PRETRAIN, laboratory.store, "train")
    return Classification(recipe, Classifier(PRETRAIN, recipe, images.num_classes), images)


def test_averaged_weights_follow_their_definition(laboratory):
    made = learner(laboratory, ema_decay=0.9)
    expected = made.module.head.bias.detach().clone()
    for step in range(3):
        made.module.head.bias.data += step + 1.0
        expected = 0.9 * expected + 0.1 * made.module.head.bias.detach()
        made.after_step()
    torch.testing.assert_close(made.scored.head.bias.detach(), expected)


def test_with_averaging_the_average_is_scored_and_kept_and_the_last_weights_reported(laboratory):
    plain, averaged = Stage(FINETUNE, PARENTS), Stage(replace(FINETUNE, ema_decay=0.5), PARENTS)
    metrics = laboratory.metrics(averaged)
    assert metrics["top1_raw"] == laboratory.metrics(plain)["top1"]
    assert "averaged over steps (decay 0.5)" in laboratory.done(averaged).record["remarks"][0]
    kept = [weights(laboratory.done(stage))["head.weight"] for stage in (plain, averaged)]
    assert not torch.equal(*kept)


@pytest.mark.parametrize("settings", [{"ema_decay": 0.9, "reprob": 0.5}, {"mixup": 0.8, "cutmix": 1.0}])
def test_interrupted_fine_tuning_ends_with_the_same_bits(laboratory, tmp_path, settings):
    stage = Stage(replace(FINETUNE, **settings), PARENTS)
    asked = itertools.count(1)
    assert laboratory.ask(stage, stop=lambda: next(asked) >= 4).ending == "stopped"
    resumed = laboratory.done(stage)
    undisturbed = type(laboratory)(tmp_path / "other").done(stage)
    assert all(torch.equal(value, weights(undisturbed)[name]) for name, value in weights(resumed).items())
    assert resumed.record["metrics"] == undisturbed.record["metrics"]


def test_erasing_changes_what_is_learnt_from_and_repeats_itself(laboratory):
    samples = torch.arange(8)
    plain, *erased = (learner(laboratory, reprob=share) for share in (0.0, 1.0, 1.0))
    for made in (plain, *erased):
        made.module.head.weight.data.fill_(1.0).mul_(torch.arange(10)[:, None])
    losses = [made.loss(Batch(0, 0, 0, samples, 0, 8)).item() for made in (plain, *erased)]
    assert losses[0] != losses[1] == losses[2]


def test_what_is_scored_is_seen_whole_whatever_crops_were_learnt_from(laboratory):
    stage = Stage(replace(FINETUNE, augmentation="random_crop", crop_scale=(0.1, 0.3)), PARENTS)
    run = laboratory.done(stage)
    images = images_of(stage.recipe, PRETRAIN, laboratory.store, "test")
    samples = torch.arange(EVALUATED["scored_images"])
    classifier = Classifier(PRETRAIN, stage.recipe, images.num_classes).eval()
    classifier.load_state_dict(weights(run))
    right = classifier(images.batch(samples, View("eval"))).argmax(dim=1) == images.labels[samples]
    assert run.metrics["top1"] == pytest.approx(100 * right.double().mean().item())


def test_another_resolution_gives_a_model_of_that_size(laboratory):
    stage = Stage(replace(FINETUNE, resolution=24, epochs=1), PARENTS)
    run = laboratory.done(stage)
    assert weights(run)["pos_embed"].shape == (1, 1 + 6 * 6, 16)
    assert run.record["metrics"]["n_test"] == EVALUATED["scored_images"]


def test_an_encoder_of_colour_photographs_transfers_to_grey_digits(laboratory, tmp_path):
    info = describe(str(paint_split(tmp_path / "pets", train=16)), laboratory.home)
    pets = {"data": info.data, "fingerprint": info.fingerprint, "in_chans": 3, "train_images": None}
    metrics = laboratory.metrics(Stage(FINETUNE, (Stage(replace(PRETRAIN, **pets)),)))
    assert metrics["n_test"] == EVALUATED["scored_images"]


def test_training_from_scratch_is_fine_tuning_of_an_untrained_encoder(laboratory):
    stage = Stage(FINETUNE, (Stage(untrained(PRETRAIN)),))
    assert encoder_of(stage) == untrained(PRETRAIN)
    assert 0 <= laboratory.metrics(stage)["top1"] <= 100
