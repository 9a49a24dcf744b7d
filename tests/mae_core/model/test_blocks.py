"""The attention that suits the length computes the same as the other."""

import pytest
import torch

from mae_core.model import blocks
from mae_core.model.blocks import make_blocks, run_blocks


def run(tokens, lengths, monkeypatch):
    """Output and gradients with the plain attention at `lengths`, and whether it was used."""
    monkeypatch.setattr(blocks, "PLAIN_LENGTHS", lengths)
    torch.manual_seed(0)
    made = make_blocks(32, num_heads=2, mlp_ratio=4.0, drop_paths=[0.0, 0.0])
    x = torch.randn(3, tokens, 32, requires_grad=True)
    y = run_blocks(made, x)
    y.square().sum().backward()
    return [y, x.grad, *(p.grad for p in made.parameters())], not made[0].attn.fused_attn


@pytest.mark.parametrize("tokens", [7, 17, 65])
def test_plain_and_fused_attention_agree(tokens, monkeypatch):
    plain, was_plain = run(tokens, range(100), monkeypatch)
    fused, was_plain_too = run(tokens, range(0), monkeypatch)
    assert (was_plain, was_plain_too) == (True, False)
    for ours, theirs in zip(plain, fused, strict=True):
        assert float((ours - theirs).detach().norm()) <= 1e-5 * float(theirs.detach().norm())


@pytest.mark.parametrize(("tokens", "fused"), [(7, True), (17, False), (65, True)])
def test_short_sequences_on_a_cpu_are_not_fused(tokens, fused):
    made = make_blocks(32, num_heads=2, mlp_ratio=4.0, drop_paths=[0.0])
    run_blocks(made, torch.randn(1, tokens, 32))
    assert made[0].attn.fused_attn is fused


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_bfloat16_on_a_cpu_is_not_fused(dtype):
    made = make_blocks(32, num_heads=2, mlp_ratio=4.0, drop_paths=[0.0])
    with torch.autocast("cpu", enabled=dtype == torch.bfloat16):
        run_blocks(made, torch.randn(1, 65, 32))
    assert made[0].attn.fused_attn is (dtype == torch.float32)


@pytest.mark.parametrize("outputs", [1, 5, 16])
@pytest.mark.parametrize("tokens", [17, 65])  # plain attention, and fused
def test_the_last_tokens_alone_are_those_of_the_whole_result(tokens, outputs):
    torch.manual_seed(0)
    made = make_blocks(32, num_heads=2, mlp_ratio=4.0, drop_paths=[0.0, 0.0])
    x = torch.randn(3, tokens, 32)
    found, gradients = [], []
    for y in (run_blocks(made, x, outputs), run_blocks(made, x)[:, -outputs:]):
        made.zero_grad()
        y.square().sum().backward()
        found.append(y.detach())
        gradients.append(torch.cat([p.grad.flatten() for p in made.parameters()]))
    assert torch.allclose(*found, atol=1e-5)
    assert (gradients[0] - gradients[1]).norm() <= 1e-5 * gradients[1].norm()
