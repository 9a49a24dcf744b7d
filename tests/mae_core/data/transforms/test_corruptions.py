"""Corruptions: the sample's own, harder with severity, and within what an image can hold."""

import itertools

import pytest
import torch

from mae_core.data.transforms.corruptions import CORRUPTIONS, NOISE, SEVERITIES, corrupted

ROWS, COLUMNS = torch.meshgrid(torch.linspace(0, 1, 24), torch.linspace(0, 1, 32), indexing="ij")
WAVES = torch.stack([(7 * ROWS + k * COLUMNS).sin() * (9 * COLUMNS).cos() / 2 + 0.5 for k in range(12)])
IMAGES = {1: WAVES[:, None], 3: WAVES.view(4, 3, 24, 32), 4: WAVES.view(3, 4, 24, 32)}
CHANNELS = pytest.mark.parametrize("channels", IMAGES)
ALL = pytest.mark.parametrize("name", CORRUPTIONS)


@ALL
@CHANNELS
def test_a_sample_is_corrupted_alike_in_any_batch(name, channels):
    pixels = IMAGES[channels]
    samples = torch.arange(len(pixels)) + 7
    whole, one = corrupted(pixels, samples, name, 3), corrupted(pixels[2:3], samples[2:3], name, 3)
    torch.testing.assert_close(whole[2:3], one)
    assert whole.shape == pixels.shape
    assert 0 <= whole.min() <= whole.max() <= 1


@ALL
@CHANNELS
def test_a_higher_severity_is_further_from_the_image(name, channels):
    pixels = IMAGES[channels]
    samples = torch.arange(len(pixels))
    away = [(corrupted(pixels, samples, name, s) - pixels).abs().mean() for s in SEVERITIES]
    assert away[0] > 0
    assert all(less < more for less, more in itertools.pairwise(away))


def test_noise_has_the_stated_deviation_and_is_the_seeds_and_samples_own():
    grey, samples = torch.full((2, 1, 64, 64), 0.5), torch.tensor([3, 4])
    first = corrupted(grey, samples, "gaussian_noise", 1)
    assert (first - grey).std() == pytest.approx(NOISE[0], rel=0.05)
    assert not torch.equal(first[0], first[1])
    assert not torch.equal(first, corrupted(grey, samples, "gaussian_noise", 1, seed=1))
    assert torch.equal(first, corrupted(grey, samples, "gaussian_noise", 1))
