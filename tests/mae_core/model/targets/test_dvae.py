"""The discrete VAE: what its noise, its relaxation and its use of tokens amount to."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mae_core import randomness
from mae_core.model.targets.dvae import DiscreteVae, gumbel_from, shares_of, temperature_at, usage_gap
from mae_core.recipes import TokenizerRecipe

RECIPE = TokenizerRecipe(image_size=(8, 12), in_chans=2, patch_size=4, vocabulary=5, hidden_dim=8)
IMGS = torch.randn(3, 2, 8, 12, generator=torch.Generator().manual_seed(0))


def noise(n, width):
    return gumbel_from(randomness.uniform(0, "test", samples=torch.arange(n), width=width))


def test_noise_and_argmax_draw_tokens_by_their_probability():
    logits = torch.tensor([0.0, 1.0, -1.0])
    drawn = (logits + noise(20_000, 3)).argmax(dim=1).bincount() / 20_000
    assert drawn == pytest.approx(logits.softmax(dim=0), abs=0.015)  # four standard errors


def test_noise_is_finite_at_both_ends_of_the_draws():
    assert gumbel_from(torch.tensor([0.0, 1 - 2.0**-53], dtype=torch.float64)).isfinite().all()


def test_a_cold_relaxation_paints_the_drawn_tokens():
    model, draws = DiscreteVae(RECIPE), noise(3, 6 * 5).unflatten(1, (6, 5))
    logits = model.logits(IMGS)
    cold = model.relaxed(logits, draws, 1e-4)
    torch.testing.assert_close(cold, model.pictures((logits + draws).argmax(dim=-1)), rtol=0, atol=1e-4)


def test_a_token_depends_on_its_own_patch_alone():
    model, changed = DiscreteVae(RECIPE), IMGS.clone()
    changed[:, :, :4, :4] += 3
    assert torch.equal(model.logits(IMGS)[:, 1:], model.logits(changed)[:, 1:])
    assert not torch.equal(model.logits(IMGS)[:, 0], model.logits(changed)[:, 0])


def test_temperatures_fall_geometrically_from_the_first_to_the_last():
    ends = [temperature_at(RECIPE, progress) for progress in (0.0, 0.5, 1.0)]
    assert ends == pytest.approx([1.0, math.sqrt(1.0 * 0.0625), 0.0625])


def test_equal_use_is_no_gap_and_one_token_for_all_is_the_widest():
    equal, single = torch.full((5,), 0.2), torch.tensor([1.0, 0, 0, 0, 0])
    assert usage_gap(equal, equal).item() == pytest.approx(0, abs=1e-6)
    assert usage_gap(single, single).item() == pytest.approx(math.log(5))


@settings(max_examples=20)
@given(split=st.integers(1, 6))
def test_a_batch_in_parts_has_the_gap_and_gradient_of_the_whole(split):
    logits = torch.randn(7, 2, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).requires_grad_()
    share = shares_of(logits)
    (share * (share * 5).log()).sum().backward()
    whole, expected = share.detach(), logits.grad.clone()
    logits.grad = None
    parts = [usage_gap(shares_of(part), whole) * len(part) / 7 for part in logits.split([split, 7 - split])]
    sum(parts).backward()
    assert sum(parts).item() == pytest.approx((whole * (whole * 5).log()).sum().item())
    torch.testing.assert_close(logits.grad, expected)
