"""Initial weights: every parameter's distribution, and equality between models that differ."""

import math

import pytest
import torch

from mae_core.model.classifier import Classifier
from mae_core.model.initial import initialise
from mae_core.model.mae import MaskedAutoencoder
from mae_core.recipes import FinetuneRecipe


def expected_std(name, parameter):
    """Standard deviation of the released models' initial weights; None for constants."""
    if name.endswith("_token"):
        return 0.02
    if name == "head.weight":
        return 2e-5
    fan_out, fan_in = parameter.shape[0], math.prod(parameter.shape[1:])
    return math.sqrt(2 / (fan_in + fan_out))  # Glorot and Bengio 2010, equation 16


def check(name, parameter):
    if "norm" in name and name.endswith("weight"):
        assert (parameter == 1).all(), name
    elif name.endswith("bias"):
        assert (parameter == 0).all(), name
    else:
        spread = 4 / math.sqrt(2 * parameter.numel())  # four standard errors of a deviation
        assert parameter.std().item() == pytest.approx(expected_std(name, parameter), rel=spread), name


def test_every_parameter_of_the_autoencoder_is_drawn_as_released(recipe):
    for name, parameter in MaskedAutoencoder(recipe()).named_parameters():
        if not name.endswith("pos_embed"):
            check(name, parameter)


@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_every_parameter_of_the_classifier_is_drawn_as_released(recipe, pooling):
    for name, parameter in Classifier(recipe(), FinetuneRecipe(pooling=pooling), 10).named_parameters():
        if not name.endswith("pos_embed"):
            check(name, parameter)


def test_linear_weights_are_uniform_within_the_xavier_bound(recipe):
    weight = MaskedAutoencoder(recipe()).blocks[0].attn.qkv.weight
    bound = math.sqrt(6 / sum(weight.shape))
    assert 0.98 * bound < weight.abs().max().item() <= bound


@pytest.mark.parametrize(
    "change",
    [
        {"decoder_depth": 1},
        {"decoder_embed_dim": 24},
        {"encoder_sees_mask_tokens": True},
        {"target": "norm_pixel"},
        {"depth": 3},
        {"mask_ratio": 0.4},
    ],
)
def test_rows_that_differ_in_one_setting_start_from_equal_weights(recipe, change):
    one, other = (MaskedAutoencoder(made).state_dict() for made in (recipe(), recipe(**change)))
    shared = [name for name in one if name in other and one[name].shape == other[name].shape]
    assert len(shared) > 20
    assert all(torch.equal(one[name], other[name]) for name in shared)


def test_parameters_of_one_shape_start_apart(recipe):
    model = MaskedAutoencoder(recipe())
    weights = [block.mlp.fc1.weight for block in model.blocks]
    assert not torch.equal(*weights)


def test_seeds_differ_and_global_generators_do_not_matter(recipe):
    torch.manual_seed(1)
    first = MaskedAutoencoder(recipe(seed=0)).decoder_blocks[1].mlp.fc2.weight
    torch.manual_seed(2)
    again = MaskedAutoencoder(recipe(seed=0)).decoder_blocks[1].mlp.fc2.weight
    assert torch.equal(first, again)
    assert not torch.equal(first, MaskedAutoencoder(recipe(seed=1)).decoder_blocks[1].mlp.fc2.weight)


def test_a_parameter_without_a_rule_is_not_left_to_chance():
    module = torch.nn.Module()
    module.gamma = torch.nn.Parameter(torch.zeros(3))
    with pytest.raises(TypeError, match="gamma"):
        initialise(module, 0)
