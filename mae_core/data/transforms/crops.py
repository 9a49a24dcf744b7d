"""Crops and colours of whole batches: an image's result depends on the image and its own draws alone, bit for bit."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from mae_core.data.transforms.views import Floats

FEW = 16  # images are mirrored at once: memory as large as a batch of photographs would be asked of the system anew
LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as Pillow's conversion to grey


def as_float(imgs: torch.Tensor) -> torch.Tensor:
    """Bytes as float32 in [0, 1]."""
    return imgs.float().div_(255)


def resized(imgs: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Bytes (N, C, h, w) to (N, C, *size), bicubic with antialiasing; untouched where the size is right."""
    if imgs.shape[-2:] == size:
        return imgs
    made = F.interpolate(imgs.float(), size, mode="bicubic", antialias=True, align_corners=False)
    return made.round().clamp(0, 255).byte()


def centred(imgs: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """The central window of `size`, (N, C, *size)."""
    top, left = ((have - want) // 2 for have, want in zip(imgs.shape[-2:], size, strict=True))
    return imgs[..., top : top + size[0], left : left + size[1]]


def windows(imgs: torch.Tensor, offsets: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """The window of `size` that begins at each image's own offset (N, 2), (N, C, *size)."""
    offsets = offsets.to(imgs.device)
    everywhere = imgs.unfold(2, size[0], 1).unfold(3, size[1], 1)  # (N, C, tops, lefts, H, W), a view
    return everywhere[torch.arange(len(imgs), device=imgs.device), :, offsets[:, 0], offsets[:, 1]]


def resized_crops(imgs: torch.Tensor, boxes: Floats, size: tuple[int, int]) -> torch.Tensor:
    """Each image's own box (N, 4: top, left, height, width as shares) resized to `size`, bicubic.

    There is no antialiasing: the images are kept at hardly more pixels than `size`.

    Args:
        imgs: (N, C, h, w) float32 in [0, 1].
        boxes: shares of the image.
        size: height and width to resize to.

    Returns:
        (N, C, *size), clamped to [0, 1].
    """
    top, left, height, width = torch.from_numpy(boxes).to(imgs.device, torch.float32).T[..., None]  # each (N, 1)
    # sampling positions in the -1 … 1 of grid_sample, pixel centres; written out, because affine_grid
    # multiplies matrices, whose rounding may depend on the batch
    rows = (torch.arange(size[0], device=imgs.device) + 0.5) * (2 / size[0]) * height + (2 * top - 1)
    columns = (torch.arange(size[1], device=imgs.device) + 0.5) * (2 / size[1]) * width + (2 * left - 1)
    shape = (len(imgs), *size)
    grid = torch.stack([columns[:, None, :].expand(shape), rows[:, :, None].expand(shape)], dim=-1)  # (N, H, W, 2)
    return F.grid_sample(imgs, grid, mode="bicubic", padding_mode="border", align_corners=False).clamp_(0, 1)


def flip_(imgs: torch.Tensor, flips: torch.Tensor) -> torch.Tensor:
    """`imgs`, those where `flips` (N,) is true mirrored left to right in place."""
    for some in flips.nonzero()[:, 0].to(imgs.device).split(FEW):
        imgs[some] = imgs[some].flip(-1)
    return imgs


def _grey(imgs: torch.Tensor) -> torch.Tensor:
    """Luma of colour, the mean of all channels where they are others: (N, 1, H, W)."""
    if imgs.shape[1] == 1:
        return imgs
    if imgs.shape[1] != 3:
        return imgs.mean(1, keepdim=True)
    red, green, blue = imgs.unbind(1)
    return (red * LUMA[0] + green * LUMA[1] + blue * LUMA[2])[:, None]


def jittered(imgs: torch.Tensor, factors: torch.Tensor) -> torch.Tensor:
    """Brightness, contrast and (colour only) saturation, in this order, by each image's own factors (N, 3).

    The grey that contrast turns around is the mean of the grey levels in whole 255ths, as Pillow takes it: a sum of
    whole numbers is the same in any order.
    """
    brightness, contrast, saturation = factors.to(imgs.device).T[..., None, None, None]  # each (N, 1, 1, 1)
    imgs = (imgs * brightness).clamp(0, 1)
    mean = (_grey(imgs) * 255).round().double().mean((1, 2, 3), keepdim=True).float() / 255
    imgs = (imgs * contrast + mean * (1 - contrast)).clamp(0, 1)
    if imgs.shape[1] == 3:
        imgs = (imgs * saturation + _grey(imgs) * (1 - saturation)).clamp(0, 1)
    return imgs


def with_channels(imgs: torch.Tensor, in_chans: int) -> torch.Tensor:
    """Bytes (N, C, h, w) as grey (in_chans 1) or colour (3)."""
    if imgs.shape[1] == in_chans:
        return imgs
    if in_chans == 3:
        return imgs.expand(-1, 3, -1, -1)
    return _grey(imgs.float()).round().byte()
