"""Timed steps: what is counted, and what follows from it."""

import dataclasses
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from mae_core.model.mae import MaskedAutoencoder
from mae_core.model.masking import draw_masking
from mae_core.recipes import BASELINE, PretrainRecipe, WallClockRecipe
from mae_core.signature import Stage
from mae_core.stages.wall_clock import forward_flops
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


WATCHED = """
import torch
from mae_core.stages.wall_clock import watched
with watched(torch.device("cpu")) as peak:
    for _ in range(20):
        held = torch.ones(64 * 2**20 // 4)
        del held
print(peak.bytes)
"""


def test_memory_is_watched_at_its_peak():
    # in a process that has freed much before, memory would be taken without any growth
    said = subprocess.run([sys.executable, "-c", WATCHED], capture_output=True, text=True, check=True)
    assert 48 * 2**20 < int(said.stdout) < 200 * 2**20


def test_a_target_that_is_fitted_first_is_not_timed_as_if_it_were_pixels(laboratory):
    outcome = laboratory.ask(Stage(replace(RECIPE, target="pca")))
    assert outcome.ending == "failed"
    assert "pca" in outcome.reason
