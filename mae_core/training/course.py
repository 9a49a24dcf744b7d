"""The course: how long, in what order and at what rate a learner is trained, and who takes which images."""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch

from mae_core import randomness
from mae_core.recipes import FinetuneRecipe, LinearProbeRecipe, PretrainRecipe, TokenizerRecipe
from mae_core.training.schedule import warmup_cosine

MICRO_BATCH = "MAE_MICRO_BATCH"  # the environment variable by which a site fits its cards; before the recipe's word


@dataclass(frozen=True)
class Batch:
    """A part of an effective batch: a rank's share, or a micro-batch of that share."""

    epoch: int
    step: int
    part: int  # number of the micro-batch within the effective batch, all ranks counted
    effective: torch.Tensor  # (B,) sample numbers of the whole effective batch
    start: int  # the part is effective[start:stop]
    stop: int

    @property
    def samples(self) -> torch.Tensor:
        """(N,) sample numbers of the part."""
        return self.effective[self.start : self.stop]

    @property
    def whole(self) -> bool:
        """Whether the part is all there is."""
        return self.stop - self.start == len(self.effective)


@dataclass(frozen=True)
class Course:
    """A schedule over samples."""

    samples: torch.Tensor  # (n,) numbers of the images learnt from
    epochs: int
    batch_size: int  # effective
    seed: int
    multiplier: Callable[[float], float]  # of the peak learning rates, at a fractional epoch
    micro_batch: int | None = None  # None: the effective batch at once

    @property
    def size(self) -> int:
        """Images of an effective batch: all there are, where there are fewer than a batch."""
        return min(self.batch_size, len(self.samples))

    @property
    def steps_per_epoch(self) -> int:
        """Updates of an epoch; images left over by whole batches are others in each epoch."""
        return len(self.samples) // self.size

    @property
    def steps(self) -> int:
        """Updates in all."""
        return self.steps_per_epoch * self.epochs

    def effective(self, step: int) -> torch.Tensor:
        """(B,) the samples of update `step`."""
        epoch, within = divmod(step, self.steps_per_epoch)
        order = _order(self.seed, epoch, len(self.samples))
        return self.samples[order[within * self.size : (within + 1) * self.size]]

    def share(self, step: int, rank: int = 0, world: int = 1) -> Batch:
        """What `rank` of `world` learns from in update `step`: a run of the effective batch, even to one image."""
        start, stop = (self.size * number // world for number in (rank, rank + 1))
        return Batch(step // self.steps_per_epoch, step, 0, self.effective(step), start, stop)

    def batches(self, step: int, rank: int = 0, world: int = 1, micro_batch: int | None = None) -> Iterator[Batch]:
        """The micro-batches of a rank's share of update `step`, of `micro_batch` images, the last of what is left."""
        share = self.share(step, rank, world)
        largest = math.ceil(self.size / world)
        micro = min(micro_batch or self.micro_batch or largest, largest)
        first = rank * math.ceil(largest / micro)
        for part, start in enumerate(range(share.start, share.stop, micro), start=first):
            yield replace(share, part=part, start=start, stop=min(start + micro, share.stop))


@functools.lru_cache(maxsize=2)
def _order(seed: int, epoch: int, n: int) -> torch.Tensor:
    return randomness.permutation(seed, "order", epoch, n=n)


def course_of(
    recipe: PretrainRecipe | FinetuneRecipe | LinearProbeRecipe | TokenizerRecipe,
    samples: torch.Tensor,
    min_lr_share: float = 0.0,
) -> Course:
    """The recipe's schedule over `samples`: warm-up, then half a cosine down to `min_lr_share` of the peak."""

    def multiplier(epoch: float) -> float:
        return warmup_cosine(epoch, recipe.epochs, recipe.warmup_epochs, min_lr_share)

    micro_batch = int(os.environ.get(MICRO_BATCH, "0")) or recipe.micro_batch
    return Course(samples, recipe.epochs, recipe.batch_size, recipe.seed, multiplier, micro_batch)
