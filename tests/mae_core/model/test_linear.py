"""Products by another library are the same layer: values, gradients, parameters."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from mae_core.model import linear
from mae_core.model.linear import SMALLEST, Linear, with_fast_products

LARGE = SMALLEST + 8


def computed(layer, x, by_one_dnn, monkeypatch):
    """Output and all gradients, and how often oneDNN was asked for a product."""
    asked = []
    monkeypatch.setattr(linear, "_full_width", lambda: by_one_dnn)
    for name in ("one_dnn", "one_dnn_of_weight"):
        product = getattr(linear, name)
        monkeypatch.setattr(linear, name, lambda *words, product=product: asked.append(0) or product(*words))
    x = x.detach().requires_grad_()
    y = layer(x)
    y.square().mean().backward()
    found = [y.detach(), x.grad, *(p.grad.clone() for p in layer.parameters())]
    layer.zero_grad()
    monkeypatch.undo()
    return found, len(asked)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(LARGE, LARGE), (3, LARGE, LARGE)])
def test_values_and_gradients_are_nn_linear_s(shape, bias, monkeypatch):
    torch.manual_seed(0)
    layer, x = Linear(LARGE, SMALLEST, bias), torch.randn(shape)
    (ours, products), (theirs, none) = (computed(layer, x, fast, monkeypatch) for fast in (True, False))
    assert (products, none) == (3, 0)
    for found, expected in zip(ours, theirs, strict=True):
        assert (found - expected).norm() <= 1e-6 * expected.norm()


@pytest.mark.parametrize("frozen", ["weight", "bias"])
def test_what_is_frozen_has_no_gradient_and_the_other_keeps_its_own(frozen, monkeypatch):
    monkeypatch.setattr(linear, "_full_width", lambda: True)
    layer, x = Linear(LARGE, SMALLEST), torch.randn(LARGE, LARGE)
    layer(x).square().mean().backward()
    expected = {name: p.grad for name, p in layer.named_parameters() if name != frozen}
    layer.zero_grad()
    getattr(layer, frozen).requires_grad_(False)
    layer(x).square().mean().backward()
    assert getattr(layer, frozen).grad is None
    assert all(torch.allclose(getattr(layer, name).grad, grad) for name, grad in expected.items())


@pytest.mark.parametrize(
    ("rows", "dtype", "autocast"),
    [(SMALLEST - 1, torch.float32, False), (LARGE, torch.bfloat16, False), (LARGE, torch.float32, True)],
)
def test_small_and_narrow_products_are_left_to_pytorch(rows, dtype, autocast, monkeypatch):
    layer, x = Linear(LARGE, LARGE).to(dtype), torch.randn(rows, LARGE, dtype=dtype)
    with torch.autocast("cpu", enabled=autocast):
        assert computed(layer, x, True, monkeypatch)[1] == 0


def test_linear_layers_keep_their_parameters_and_others_stay():
    model = nn.Sequential(nn.Linear(2, 3), nn.Bilinear(2, 3, 4), nn.Sequential(nn.Linear(3, 3)))
    before = dict(model.state_dict())
    with_fast_products(model)
    assert [type(layer) for layer in (model[0], model[1], model[2][0])] == [Linear, nn.Bilinear, Linear]
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_operations_are_counted_whichever_library_does_them(monkeypatch):
    layer, x, counts = Linear(LARGE, LARGE), torch.randn(3, LARGE, LARGE), []
    for fast in (True, False):
        with FlopCounterMode(display=False) as counter:
            computed(layer, x, fast, monkeypatch)
        counts.append(counter.get_total_flops())
    assert counts == [3 * 2 * 3 * LARGE**3] * 2
