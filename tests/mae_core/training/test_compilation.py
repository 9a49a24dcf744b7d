"""Compiled passes, where they are chosen, against plain ones."""

from dataclasses import replace

import pytest
import torch

from mae_core import randomness
from mae_core.model.classifier import Classifier
from mae_core.model.mae import MaskedAutoencoder
from mae_core.model.masking import draw_masking
from mae_core.recipes import FINETUNE, PretrainRecipe
from mae_core.training import compilation
from mae_core.training.compilation import FEWEST_STEPS, compile_where_it_pays

SHAPE = {"image_size": (32, 32), "patch_size": 8, "embed_dim": 32, "depth": 2, "num_heads": 2}
DECODER = {"decoder_embed_dim": 16, "decoder_depth": 1, "decoder_num_heads": 2}
CUDA = torch.device("cuda")


@pytest.fixture(autouse=True)
def _forget_compiled():
    yield
    torch.compiler.reset()


@pytest.fixture
def with_triton(monkeypatch):
    monkeypatch.setattr(compilation, "has_triton", lambda: True)
    with torch._dynamo.config.patch(suppress_errors=False):
        yield


def gradients(module, loss):
    """The loss and every gradient of it."""
    loss.backward()
    named = {name: p.grad.clone() for name, p in module.named_parameters() if p.grad is not None}
    module.zero_grad()
    return {"loss": loss.detach(), **named}


def equal(plain, compiled):
    assert plain.keys() == compiled.keys()
    for name, value in plain.items():
        torch.testing.assert_close(compiled[name], value, rtol=1e-4, atol=1e-6, msg=name)


@pytest.mark.parametrize(
    "settings",
    [{}, {"target": "pixel"}, {"encoder_sees_mask_tokens": True}, {"loss_on": "all"}, {"mask_sampling": "grid"}],
    ids=["default", "pixel", "mask tokens in the encoder", "loss on all", "grid"],
)
def test_a_pretraining_step_is_one_graph_that_equals_the_plain_step(settings):
    recipe = PretrainRecipe(**SHAPE, **DECODER, **settings)
    module, imgs = MaskedAutoencoder(recipe), torch.randn(3, 3, 32, 32)
    masking = draw_masking(recipe, 0, torch.arange(3))
    plain = gradients(module, module(imgs, masking))
    module.compile(fullgraph=True, backend="aot_eager")
    equal(plain, gradients(module, module(imgs, masking)))


@pytest.mark.parametrize("drop_path", [0.0, 0.5])
def test_a_fine_tuning_step_is_one_graph_that_equals_the_plain_step(drop_path):
    encoder = PretrainRecipe(**SHAPE, **DECODER)
    module, imgs = Classifier(encoder, replace(FINETUNE, drop_path=drop_path), 10).train(), torch.randn(3, 3, 32, 32)

    def step():
        with randomness.seeded(0, "drop_path", 0, 0):
            loss = module(imgs).square().mean()
        return gradients(module, loss)

    plain = step()
    module.compile(fullgraph=True, backend="aot_eager")
    equal(plain, step())


def test_long_trainings_on_a_gpu_are_compiled_under_the_same_parameter_names(with_triton):
    module = torch.nn.Sequential(torch.nn.Linear(2, 2))
    names = list(module.state_dict())
    assert compile_where_it_pays(module, CUDA, FEWEST_STEPS).startswith("compiled")
    assert module._compiled_call_impl is not None
    assert list(module.state_dict()) == names


@pytest.mark.parametrize(
    ("device", "steps"), [("cpu", 10 * FEWEST_STEPS), ("cuda", FEWEST_STEPS - 1)], ids=["on a CPU", "a short one"]
)
def test_other_trainings_are_not_compiled_and_the_log_says_why(with_triton, device, steps):
    module = torch.nn.Linear(2, 2)
    assert compile_where_it_pays(module, torch.device(device), steps).startswith("not compiled: ")
    assert module._compiled_call_impl is None


def test_without_a_compiler_nothing_is_compiled(monkeypatch):
    monkeypatch.setattr(compilation, "has_triton", lambda: False)
    module = torch.nn.Linear(2, 2)
    assert "Triton" in compile_where_it_pays(module, CUDA, FEWEST_STEPS)
    assert module._compiled_call_impl is None
