"""Crops and colours of batches, against torch's and torchvision's for single images."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import torchvision.transforms.v2.functional as V

from mae_core.data.transforms import crops

CHANNELS = pytest.mark.parametrize("chans", [1, 3])


@pytest.fixture
def imgs():
    return torch.rand(3, 3, 12, 20, generator=torch.Generator().manual_seed(0))


def test_the_whole_image_at_its_size_is_itself(imgs):
    whole = np.array([[0.0, 0, 1, 1]] * 3)
    assert torch.allclose(crops.resized_crops(imgs, whole, (12, 20)), imgs, atol=1e-5)


def test_resizing_is_torch_s_bicubic(imgs):
    whole = np.array([[0.0, 0, 1, 1]] * 3)
    expected = F.interpolate(imgs, (24, 50), mode="bicubic", align_corners=False).clamp(0, 1)
    assert torch.allclose(crops.resized_crops(imgs, whole, (24, 50)), expected, atol=1e-5)


def test_each_image_is_cropped_by_its_own_box(imgs):
    boxes = np.array([[0, 0, 0.5, 0.5], [0.5, 0.25, 0.25, 0.5], [0.25, 0.5, 0.75, 0.5]])
    found = crops.resized_crops(imgs, boxes, (12, 20))
    for image, box, mine in zip(imgs, boxes, found, strict=True):
        top, left, height, width = (box * [12, 20, 12, 20]).astype(int)
        part = image[None, :, top : top + height, left : left + width]
        alone = F.interpolate(part, (12, 20), mode="bicubic", align_corners=False).clamp(0, 1)[0]
        inner = slice(12 * 2 // height, -12 * 2 // height), slice(20 * 2 // width, -20 * 2 // width)
        assert torch.allclose(mine[:, *inner], alone[:, *inner], atol=1e-4)  # at the rim ours sees beyond the box


def test_windows_are_slices():
    imgs = torch.randint(0, 256, (4, 2, 9, 11), dtype=torch.uint8)
    offsets = torch.tensor([[0, 0], [3, 4], [1, 2], [2, 0]])
    found = crops.windows(imgs, offsets, (6, 7))
    for image, (top, left), mine in zip(imgs, offsets.tolist(), found, strict=True):
        assert torch.equal(mine, image[:, top : top + 6, left : left + 7])


def test_the_centre_is_torchvision_s():
    imgs = torch.randint(0, 256, (2, 3, 37, 41), dtype=torch.uint8)
    assert torch.equal(crops.centred(imgs, (33, 32)), V.center_crop(imgs, [33, 32]))


def test_resized_bytes_are_torchvision_s():
    imgs = torch.randint(0, 256, (2, 3, 28, 28), dtype=torch.uint8)
    theirs = V.resize(imgs.float(), [16, 20], V.InterpolationMode.BICUBIC, antialias=True).round().clamp(0, 255)
    assert torch.equal(crops.resized(imgs, (16, 20)), theirs.byte())


def test_only_the_chosen_are_flipped(imgs):
    found = crops.flip_(imgs.clone(), torch.tensor([True, False, True]))
    assert torch.equal(found[0], V.horizontal_flip(imgs[0]))
    assert torch.equal(found[1], imgs[1])


@CHANNELS
def test_jitter_is_torchvision_s_one_after_the_other(imgs, chans):
    imgs = imgs[:, :chans]
    factors = torch.tensor([[0.6, 1.4, 0.7], [1.3, 0.8, 1.4], [1.0, 1.0, 1.0]])
    found = crops.jittered(imgs, factors)
    for image, (brightness, contrast, saturation), mine in zip(imgs, factors.tolist(), found, strict=True):
        theirs = V.adjust_contrast(V.adjust_brightness(image, brightness), contrast)
        if chans == 3:
            theirs = V.adjust_saturation(theirs, saturation)
        assert torch.allclose(mine, theirs, atol=3e-3)  # torchvision does not round the mean grey


def test_grey_becomes_colour_and_back():
    grey = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16)
    colour = crops.with_channels(grey, 3)
    assert colour.shape == (1, 3, 16, 16)
    assert torch.equal(crops.with_channels(colour, 1), grey)
