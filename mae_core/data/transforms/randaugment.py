"""RandAugment (Cubuk et al. 2020) as fine-tuning uses it: timm's, with draws keyed by sample."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import torch
from PIL import Image, ImageOps

from mae_core import randomness
from mae_core.data.transforms import crops

POLICY = "rand-m9-mstd0.5-inc1"  # Table 9's (9, 0.5), in timm's spelling

Operation = Callable[[Image.Image], Image.Image]


@functools.cache
def _policy(shorter_side: int, fill: tuple[int, ...]) -> Operation:
    from timm.data.auto_augment import rand_augment_transform  # here, because only fine-tuning needs timm's data

    settings = {
        "translate_const": int(shorter_side * 0.45),  # timm's share
        "img_mean": fill,  # behind an image that was moved or turned
        "interpolation": Image.Resampling.BICUBIC,
    }
    transform: Any = rand_augment_transform(POLICY, settings)
    for operation in transform.ops:
        if operation.name.startswith("Posterize"):
            operation.aug_fn = _posterized
    return cast(Operation, transform)


def _posterized(image: Image.Image, bits_to_keep: int, **_: object) -> Image.Image:
    """timm's operation. Its strongest setting keeps no bit, which Pillow 13 refuses and made black before."""
    if bits_to_keep < 1:
        return Image.new(image.mode, image.size)
    return ImageOps.posterize(image, min(bits_to_keep, 8))


def randaugmented(
    imgs: torch.Tensor, samples: torch.Tensor, mean: tuple[float, ...], seed: int, epoch: int
) -> torch.Tensor:
    """Images (N, C, H, W) in [0, 1] after RandAugment, each by the draws of its own sample number.

    Grey images are augmented as colour ones and turned back into grey. Of images with other channels each channel is
    augmented as a grey image, all by the same draws.
    """
    if imgs.shape[1] not in (1, 3):
        channels = zip(imgs.split(1, dim=1), mean, strict=True)
        return torch.cat([randaugmented(img, samples, (level,), seed, epoch) for img, level in channels], dim=1)
    fill = tuple(round(255 * value) for value in (mean * 3)[:3])
    policy = _policy(min(imgs.shape[-2:]), fill)
    colour = crops.with_channels((imgs.cpu() * 255).round().byte(), 3).permute(0, 2, 3, 1).numpy()  # (N, H, W, 3)
    made = []
    for pixels, sample in zip(colour, samples.tolist(), strict=True):
        with randomness.seeded(seed, "randaugment", epoch, sample):
            made.append(torch.from_numpy(np.array(policy(Image.fromarray(pixels)))))
    augmented = torch.stack(made).permute(0, 3, 1, 2).contiguous()
    return crops.as_float(crops.with_channels(augmented, imgs.shape[1])).to(imgs.device)
