"""Tokens as a target, and how the use of a codebook is measured."""

import math

import pytest
import torch

from mae_core.model.patches import patchify
from mae_core.model.targets import TokenTarget
from mae_core.model.targets.codebook import CodebookUse

LEVELS = torch.tensor([-1.0, 0.0, 1.0])


class Levels:
    """A tokenizer that rounds a patch's mean to one of three levels."""

    vocabulary = 3

    def tokens(self, imgs):
        return (patchify(imgs, 2).mean(dim=-1, keepdim=True) - LEVELS).abs().argmin(dim=-1)

    def pictures(self, tokens):
        return LEVELS[tokens][..., None].expand(-1, -1, 4)


TARGET = TokenTarget(Levels(), 2)
IMGS = torch.tensor([-1.0, 0.0, 1.0, 1.0]).repeat_interleave(2).expand(3, 1, 2, 8)


def test_a_perfect_prediction_costs_nothing_and_shows_the_image():
    tokens = TARGET.of(IMGS)
    pred = torch.nn.functional.one_hot(tokens[..., 0], 3) * 50.0
    assert TARGET.loss(pred, tokens).item() == pytest.approx(0, abs=1e-6)
    assert torch.equal(TARGET.display(pred, IMGS), IMGS)


def test_knowing_nothing_costs_the_logarithm_of_the_vocabulary():
    loss = TARGET.loss(torch.zeros(3, 4, 3), TARGET.of(IMGS))
    assert loss.item() == pytest.approx(math.log(3))


def test_the_loss_is_minus_the_mean_log_probability():
    pred = torch.randn(3, 4, 3, generator=torch.Generator().manual_seed(0)).bfloat16()
    tokens = TARGET.of(IMGS)
    expected = -pred.float().log_softmax(dim=-1).gather(2, tokens).mean()
    assert TARGET.loss(pred, tokens).item() == pytest.approx(expected.item(), rel=1e-6)


def test_tokens_carry_no_gradient():
    assert not TARGET.of(IMGS.clone().requires_grad_()).requires_grad


@pytest.mark.parametrize(("levels", "perplexity", "used"), [([1.0], 1.0, 100 / 3), ([-1.0, 0.0, 1.0], 3.0, 100.0)])
def test_perplexity_counts_tokens_as_if_equally_used(levels, perplexity, used):
    use = CodebookUse(Levels(), 2)
    for level in levels:
        use.add(torch.full((2, 1, 4, 4), level))
    assert use.metrics()["perplexity"] == pytest.approx(perplexity)
    assert use.metrics()["codebook_used"] == pytest.approx(used)


def test_errors_are_mean_squares_beside_each_patch_in_its_own_mean():
    use = CodebookUse(Levels(), 2)
    use.add(torch.full((1, 1, 2, 2), 0.25))  # as level 0: an error of 1/16
    use.add(torch.tensor([[[[1.0, 1.0], [-1.0, -1.0]]]]))  # as level 0, which is its mean: an error of 1
    metrics = use.metrics()
    assert metrics["reconstruction_error"] == pytest.approx((1 / 16 + 1) / 2)
    assert metrics["patch_mean_error"] == pytest.approx(0.5)
