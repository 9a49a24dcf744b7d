"""Which parameter learns how fast and which decays; LARS against its definition."""

import math
from dataclasses import replace
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.optim import AdamW

from mae_core.model.classifier import Classifier
from mae_core.model.mae import MaskedAutoencoder
from mae_core.recipes import FinetuneRecipe, PretrainRecipe
from mae_core.training.optim import (
    absolute_lr,
    adamw,
    can_skip,
    lars,
    layer_decay_groups,
    parameter_groups,
    step_unless,
)

TINY = PretrainRecipe(
    image_size=(8, 16), patch_size=4, embed_dim=16, depth=3, num_heads=2, decoder_embed_dim=8, decoder_num_heads=2
)


def by_name(model, groups, key):
    names = {id(p): name for name, p in model.named_parameters()}
    return {names[id(p)]: group[key] for group in groups for p in group["params"]}


@pytest.mark.parametrize(("base_lr", "batch", "lr"), [(1.5e-4, 4096, 2.4e-3), (1e-3, 1024, 4e-3), (0.1, 16384, 6.4)])
def test_the_papers_absolute_learning_rates(base_lr, batch, lr):
    assert absolute_lr(base_lr, batch) == pytest.approx(lr)


def test_pretraining_decays_all_but_one_dimensional_parameters():
    model = MaskedAutoencoder(TINY)
    decay = by_name(model, parameter_groups(model, lr=1.0, weight_decay=0.05), "weight_decay")
    assert decay == {n: 0.0 if p.ndim == 1 else 0.05 for n, p in model.named_parameters() if p.requires_grad}
    assert decay["cls_token"] == decay["mask_token"] == 0.05


def test_fixed_positions_are_in_no_group():
    model = MaskedAutoencoder(TINY)
    lrs = by_name(model, parameter_groups(model, lr=2.0, weight_decay=0.05), "lr")
    assert not {"pos_embed", "decoder_pos_embed"} & lrs.keys()
    assert set(lrs.values()) == {2.0}


def released_layer(name, depth):
    """Layer number in the released fine-tuning code, as described by the paper's authors: 0 … depth+1."""
    if name.startswith(("cls_token", "pos_embed", "patch_embed")):
        return 0
    return int(name.split(".")[1]) + 1 if name.startswith("blocks") else depth + 1


@settings(max_examples=20)
@given(pooling=st.sampled_from(["cls", "mean"]), depth=st.integers(1, 5), decay=st.floats(0.3, 1.0))
def test_learning_rates_fall_with_depth_as_released(pooling, depth, decay):
    model = Classifier(replace(TINY, depth=depth), FinetuneRecipe(pooling=pooling), 10)
    lrs = by_name(model, layer_decay_groups(model, lr=4e-3, layer_decay=decay, weight_decay=0.05), "lr")
    expected = {n: 4e-3 * decay ** (depth + 1 - released_layer(n, depth)) for n, _ in model.named_parameters()}
    assert lrs == pytest.approx(expected)


def test_layer_decay_at_known_values():
    model = Classifier(TINY, FinetuneRecipe(), 10)
    lrs = by_name(model, layer_decay_groups(model, lr=1.0, layer_decay=0.5, weight_decay=0.05), "lr")
    names = ("head.weight", "norm.bias", "blocks.2.mlp.fc1.weight", "blocks.0.norm1.weight", "pos_embed", "cls_token")
    assert [lrs[name] for name in names] == [1, 1, 1 / 2, 1 / 8, 1 / 16, 1 / 16]


def test_fine_tuning_decays_neither_positions_nor_class_token():
    model = Classifier(TINY, FinetuneRecipe(), 10)
    decay = by_name(model, layer_decay_groups(model, lr=1.0, layer_decay=0.75, weight_decay=0.05), "weight_decay")
    spared = {name for name, value in decay.items() if value == 0}
    ones = {name for name, p in model.named_parameters() if p.ndim == 1}
    assert spared == ones | {"pos_embed", "cls_token"}


def test_partial_fine_tuning_keeps_each_layers_rate():
    model = Classifier(TINY, FinetuneRecipe(tuned_blocks=1.0), 10)
    lrs = by_name(model, layer_decay_groups(model, lr=1.0, layer_decay=0.5, weight_decay=0.05), "lr")
    assert {name.split(".")[0] for name in lrs} == {"blocks", "norm", "head"}
    assert {lr for name, lr in lrs.items() if name.startswith("blocks")} == {0.5}


def test_fused_adamw_equals_the_plain_one():
    def train(make):
        torch.manual_seed(0)
        module = nn.Linear(5, 3)
        optimizer = make(parameter_groups(module, lr=0.01, weight_decay=0.1), betas=(0.9, 0.95))
        for _ in range(5):
            module(torch.ones(2, 5)).square().sum().backward()
            optimizer.step()
            optimizer.zero_grad()
        return module.weight

    assert adamw([{"params": [nn.Parameter(torch.zeros(1))]}], betas=(0.9, 0.95)).defaults["fused"]
    torch.testing.assert_close(train(adamw), train(partial(AdamW, foreach=False, fused=False)))


def lars_by_definition(weight, gradients, lr, momentum, weight_decay):
    """You et al. 2017, equations 6 and 7, momentum before the learning rate; trust in matrices alone."""
    velocity = torch.zeros_like(weight)
    for gradient in gradients:
        if weight.ndim > 1:
            gradient = gradient + weight_decay * weight
            norms = float(weight.norm()), float(gradient.norm())
            gradient = gradient * (0.001 * norms[0] / norms[1] if all(norms) else 1.0)
        velocity = momentum * velocity + gradient
        weight = weight - lr * velocity
    return weight


@pytest.mark.parametrize("weight_decay", [0.0, 0.3])
@pytest.mark.parametrize("start", [(3, 4), (4,), "zeros"])
def test_lars_follows_its_definition(weight_decay, start):
    weight = torch.zeros(3, 4) if start == "zeros" else torch.randn(start)
    gradients = [torch.randn_like(weight) for _ in range(4)]
    parameter = nn.Parameter(weight.clone())
    optimizer = lars([{"params": [parameter], "lr": 6.4}], momentum=0.9, weight_decay=weight_decay)
    for gradient in gradients:
        parameter.grad = gradient.clone()
        optimizer.step()
    expected = lars_by_definition(weight, gradients, 6.4, 0.9, weight_decay)
    torch.testing.assert_close(parameter.detach(), expected, rtol=1e-5, atol=1e-6)


def test_each_head_of_lars_has_its_own_learning_rate():
    heads = [nn.Linear(3, 2, bias=bias) for bias in (True, False)]
    groups = [{"params": head.parameters(), "lr": lr} for head, lr in zip(heads, (0.1, 0.4), strict=True)]
    lrs = by_name(nn.ModuleList(heads), lars(groups, momentum=0.9).param_groups, "lr")
    assert lrs == {"0.weight": 0.1, "0.bias": 0.1, "1.weight": 0.4}


def test_a_step_moves_a_matrix_by_the_trusted_share():
    parameter = nn.Parameter(torch.full((2, 2), 3.0))
    parameter.grad = torch.full((2, 2), 1e-4)
    lars([{"params": [parameter], "lr": 1.0}], momentum=0.9).step()
    assert math.isclose(parameter[0, 0].item(), 3.0 - 0.001 * 3.0, rel_tol=1e-6)


def test_a_fused_step_that_is_not_to_be_leaves_weights_and_moments():
    parameter = nn.Parameter(torch.ones(3))
    optimizer = adamw([{"params": [parameter], "lr": 0.1}], betas=(0.9, 0.95))
    assert can_skip(optimizer)
    for gradient, bad in ((1.0, False), (math.nan, True)):
        parameter.grad = torch.full((3,), gradient)
        before = parameter.detach().clone()
        step_unless(torch.tensor(bad), optimizer)
        assert torch.equal(before, parameter) is bad
    state = optimizer.state[parameter]
    assert state["step"] == 1
    assert state["exp_avg"].isfinite().all()
