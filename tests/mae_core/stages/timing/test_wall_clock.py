"""Timed steps: what is counted, and what follows from it."""

import dataclasses
from dataclasses import replace

import pytest
import torch

from mae_core.model.mae import MaskedAutoencoder
from mae_core.model.masking import draw_masking
from mae_core.recipes import BASELINE, PretrainRecipe, WallClockRecipe
from mae_core.signature import Stage
from mae_core.stages.timing import wall_clock
from mae_core.stages.timing.wall_clock import forward_flops
from mae_core.training.update import not_finite
from tests.mae_core.stages.laboratory import PRETRAIN

RECIPE = WallClockRecipe(
    **{field.name: getattr(PRETRAIN, field.name) for field in dataclasses.fields(PretrainRecipe)},
    timed_steps=2,
    timed_batch=4,
)


def vit_l_flops(depth, **settings):
    """Of ViT-L's width with so many blocks and the usual decoder; on tensors without data nothing is computed."""
    recipe = replace(BASELINE, depth=depth, **settings)
    model = MaskedAutoencoder(recipe).to("meta")
    masking = draw_masking(recipe, 0, torch.arange(1)).to("meta")
    return forward_flops(model, torch.empty(1, 3, 224, 224, device="meta"), masking)


def test_mask_tokens_in_the_encoder_cost_what_the_paper_says():
    totals = []
    for sees in (True, False):
        one, two = (vit_l_flops(depth, encoder_sees_mask_tokens=sees) for depth in (1, 2))
        totals.append(one + 23 * (two - one))  # each block costs as much as the next
    assert totals[0] / totals[1] == pytest.approx(3.25, abs=0.1)  # the paper prints 3.3
    assert totals[1] / 2 == pytest.approx(20.5e9, rel=0.02)  # multiply-adds, counted by hand from the shapes


def test_the_count_on_a_cpu_is_that_on_tensors_without_data():
    masking, imgs = draw_masking(PRETRAIN, 0, torch.arange(1)), torch.zeros(1, 1, 16, 16)
    model = MaskedAutoencoder(PRETRAIN)
    counted = forward_flops(model, imgs, masking)
    assert counted == forward_flops(model.to("meta"), imgs.to("meta"), masking.to("meta")) > 0


def test_hours_are_those_of_800_epochs_at_the_measured_rate(laboratory):
    metrics = laboratory.metrics(Stage(RECIPE))
    assert metrics["hours"] == pytest.approx(800 * 128 / metrics["images_per_second"] / 3600)
    seconds = metrics["step_seconds"] / 4 + metrics["update_seconds"] / 32  # one update for each effective batch
    assert metrics["images_per_second"] == pytest.approx(1 / seconds)
    assert 0 < seconds < 60


def test_parameters_are_those_of_the_model(laboratory):
    counted = sum(parameter.numel() for parameter in MaskedAutoencoder(PRETRAIN).parameters())
    assert laboratory.metrics(Stage(RECIPE))["parameters"] == pytest.approx(counted / 1e6)


def test_each_timed_update_asks_whether_it_is_finite_as_training_does(laboratory, monkeypatch):
    asked = []

    def counted(loss, gradients):
        asked.append(len(gradients))
        return not_finite(loss, gradients)

    monkeypatch.setattr(wall_clock, "not_finite", counted)
    laboratory.metrics(Stage(RECIPE))
    trained = sum(parameter.requires_grad for parameter in MaskedAutoencoder(PRETRAIN).parameters())
    assert asked[1:] == [trained] * (1 + RECIPE.timed_steps)  # the first is of the tiny model that comes before


def test_a_step_without_an_update_is_not_timed_as_if_it_had_one(laboratory, monkeypatch):
    monkeypatch.setattr(wall_clock, "not_finite", lambda *_: torch.tensor(True))
    assert laboratory.ask(Stage(RECIPE)).ending == "diverged"


def test_no_data_are_needed(laboratory):
    away = replace(RECIPE, data="imagenet1k", fingerprint="imagenet1k:absent", train_images=None)
    metrics = laboratory.metrics(Stage(away))
    assert metrics["hours"] == pytest.approx(800 * 1_281_167 / metrics["images_per_second"] / 3600)


def test_a_target_that_is_fitted_first_is_not_timed_as_if_it_were_pixels(laboratory):
    outcome = laboratory.ask(Stage(replace(RECIPE, target="pca")))
    assert outcome.ending == "failed"
    assert "pca" in outcome.reason
