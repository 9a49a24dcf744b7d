"""Corruptions of test images at five severities, by torchvision and Pillow: a stand-in for ImageNet-C, and not it.

The kinds are those of Hendrycks and Dietterich 2019 that these libraries have. Noise, contrast, pixelation and JPEG
have that paper's severities; those of blur and brightness are ours, so that they suit images of any size.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping

import numpy as np
import torch
from PIL import Image
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as F

from mae_core import randomness
from mae_core.data.transforms import crops

SEVERITIES = range(1, 6)
NOISE = (0.08, 0.12, 0.18, 0.26, 0.38)  # standard deviation
BLUR = (1 / 80, 1 / 60, 1 / 50, 1 / 40, 1 / 30)  # standard deviation as a share of the shorter side
BRIGHTNESS = (1.3, 1.6, 1.9, 2.2, 2.5)  # factors
CONTRAST = (0.4, 0.3, 0.2, 0.1, 0.05)  # what is left of it
PIXELATE = (0.6, 0.5, 0.4, 0.3, 0.25)  # of the pixels across
JPEG = (25, 18, 15, 10, 7)  # quality

Corruption = Callable[[torch.Tensor, torch.Tensor, int, int], torch.Tensor]


def gaussian_noise(pixels: torch.Tensor, samples: torch.Tensor, severity: int, seed: int) -> torch.Tensor:
    """Normal noise, each sample's own; a higher severity has more of the same."""
    made = []
    for image, sample in zip(pixels, samples.tolist(), strict=True):
        with randomness.seeded(seed, "gaussian_noise", sample):
            made.append(F.gaussian_noise(image, sigma=NOISE[severity - 1]))
    return torch.stack(made)


def gaussian_blur(pixels: torch.Tensor, samples: torch.Tensor, severity: int, seed: int) -> torch.Tensor:
    """A blur whose width grows with the image."""
    sigma = BLUR[severity - 1] * min(pixels.shape[-2:])
    made: torch.Tensor = F.gaussian_blur(pixels, [2 * round(3 * sigma + 0.5) + 1] * 2, [sigma] * 2)
    return made


def brightness(pixels: torch.Tensor, samples: torch.Tensor, severity: int, seed: int) -> torch.Tensor:
    """More light, cut off at white."""
    made: torch.Tensor = F.adjust_brightness(pixels, BRIGHTNESS[severity - 1])
    return made


def contrast(pixels: torch.Tensor, samples: torch.Tensor, severity: int, seed: int) -> torch.Tensor:
    """Less contrast, around the image's mean grey."""
    made: torch.Tensor = F.adjust_contrast(pixels, CONTRAST[severity - 1])
    return made


def pixelate(pixels: torch.Tensor, samples: torch.Tensor, severity: int, seed: int) -> torch.Tensor:
    """Fewer, larger pixels."""
    size = list(pixels.shape[-2:])
    fewer = [max(1, int(side * PIXELATE[severity - 1])) for side in size]
    small = F.resize(pixels, fewer, InterpolationMode.BILINEAR, antialias=True)
    made: torch.Tensor = F.resize(small, size, InterpolationMode.NEAREST_EXACT)
    return made


def jpeg(pixels: torch.Tensor, samples: torch.Tensor, severity: int, seed: int) -> torch.Tensor:
    """Saved as JPEG of low quality."""
    made = [_saved(image, JPEG[severity - 1]) for image in (pixels * 255).round().byte().cpu()]
    return crops.as_float(torch.stack(made)).to(pixels.device)


def _saved(image: torch.Tensor, quality: int) -> torch.Tensor:
    """Bytes (C, H, W) as they come back from a JPEG file."""
    file = io.BytesIO()
    planes = image.permute(1, 2, 0).numpy()
    Image.fromarray(planes if len(image) == 3 else planes[:, :, 0]).save(file, "JPEG", quality=quality)
    opened = torch.from_numpy(np.array(Image.open(file)))
    return opened.view(*image.shape[-2:], len(image)).permute(2, 0, 1)


CORRUPTIONS: Mapping[str, Corruption] = {
    made.__name__: made for made in (gaussian_noise, gaussian_blur, brightness, contrast, pixelate, jpeg)
}


def corrupted(
    pixels: torch.Tensor, samples: torch.Tensor, corruption: str, severity: int, seed: int = 0
) -> torch.Tensor:
    """The images under one of `CORRUPTIONS`; each depends on itself and its own draws alone.

    Args:
        pixels: (N, C, H, W) float32 in [0, 1]; channels that are neither grey nor colour are corrupted one by one,
            all by the same draws.
        samples: (N,) sample numbers, which key the draws.
        corruption: its name.
        severity: 1 … 5.
        seed: keys the draws as well.

    Returns:
        (N, C, H, W) in [0, 1].
    """
    if pixels.shape[1] not in (1, 3):
        channels = pixels.split(1, dim=1)
        return torch.cat([corrupted(one, samples, corruption, severity, seed) for one in channels], dim=1)
    return CORRUPTIONS[corruption](pixels, samples, severity, seed).clamp(0, 1)
