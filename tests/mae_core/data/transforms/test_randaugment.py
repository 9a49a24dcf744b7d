"""RandAugment: every strength that its policy can draw is one that Pillow takes."""

import numpy as np
import pytest
import torch
from PIL import Image

from mae_core.data.transforms.randaugment import _policy, randaugmented


def test_the_strongest_operations_work_too():
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8))
    for operation in _policy(8, (124, 116, 104)).ops:
        operation(image)
        operation.level_fn and operation.aug_fn(image, *operation.level_fn(10.0, operation.hparams), **operation.kwargs)


@pytest.mark.parametrize(("bits", "largest"), [(0, 0), (1, 128), (8, 255)])
def test_posterizing_keeps_the_upper_bits(bits, largest):
    (posterize,) = {op.aug_fn for op in _policy(8, (124, 116, 104)).ops if op.name.startswith("Posterize")}
    white = Image.fromarray(np.full((2, 2, 3), 255, np.uint8))
    assert np.asarray(posterize(white, bits)).max() == largest


def test_many_images_pass():
    imgs = torch.rand(200, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    for epoch in range(5):
        found = randaugmented(imgs, torch.arange(200), (0.485, 0.456, 0.406), seed=0, epoch=epoch)
        assert found.shape == imgs.shape


def test_equal_channels_stay_equal_as_all_see_the_same_draws():
    grey = torch.rand(20, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    found = randaugmented(grey.expand(-1, 5, -1, -1), torch.arange(20), (0.5,) * 5, seed=0, epoch=1)
    assert torch.equal(found, randaugmented(grey, torch.arange(20), (0.5,), seed=0, epoch=1).expand(-1, 5, -1, -1))
