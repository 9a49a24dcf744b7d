"""Random erasing against what it says of itself: how many images, one rectangle each, by the sample's own draws."""

import pytest
import torch

from mae_core.data.transforms.erasing import erased

IMGS, SAMPLES = torch.full((400, 1, 16, 16), 5.0), torch.arange(400)


def changed(made):
    return (made != IMGS).squeeze(1)


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_the_share_of_images_is_erased_from(share):
    touched = changed(erased(IMGS, SAMPLES, share, seed=0, epoch=0)).flatten(1).any(1).float().mean().item()
    assert touched == pytest.approx(share, abs=0.07)


def test_one_rectangle_of_noise_is_put_into_an_image():
    made = erased(IMGS, SAMPLES, 1.0, seed=0, epoch=0)
    for mask in changed(made)[:50]:
        rows, columns = mask.any(1).nonzero()[:, 0], mask.any(0).nonzero()[:, 0]
        assert mask.sum() == len(rows) * len(columns) == (rows[-1] - rows[0] + 1) * (columns[-1] - columns[0] + 1)
    noise = made[made != 5.0]
    assert abs(noise.mean()) < 0.05
    assert noise.std() == pytest.approx(1.0, abs=0.05)


def test_draws_are_the_samples_own_and_new_in_each_epoch():
    whole, part = (erased(IMGS[:n], SAMPLES[:n], 1.0, seed=0, epoch=0) for n in (8, 3))
    assert torch.equal(whole[:3], part)
    assert not torch.equal(whole, erased(IMGS[:8], SAMPLES[:8], 1.0, seed=0, epoch=1))
    assert not torch.equal(whole, erased(IMGS[:8], SAMPLES[:8], 1.0, seed=1, epoch=0))
