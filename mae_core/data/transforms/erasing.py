"""Random erasing (Zhong et al. 2020) as the released fine-tuning uses it: timm's, with draws keyed by sample."""

from __future__ import annotations

import torch

from mae_core import randomness


def erased(imgs: torch.Tensor, samples: torch.Tensor, share: float, seed: int, epoch: int) -> torch.Tensor:
    """Normalised images of which about `share` have one rectangle of normal noise, each by its own sample's draws.

    Args:
        imgs: (N, C, H, W) on the CPU, where the draws are the same everywhere; left as they are.
        samples: (N,) sample numbers.
        share: the probability that an image is erased from.
        seed: of the run.
        epoch: each has its own draws.
    """
    from timm.data.random_erasing import RandomErasing  # here, because only fine-tuning needs timm's data

    erase = RandomErasing(share, mode="pixel", device="cpu")
    made = imgs.clone()
    for img, sample in zip(made, samples.tolist(), strict=True):
        with randomness.seeded(seed, "erasing", epoch, sample):
            erase(img)
    return made
