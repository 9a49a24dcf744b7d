"""The course: how long, in what order and at what rate a learner is trained."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

from mae_core import randomness
from mae_core.recipes import FinetuneRecipe, LinearProbeRecipe, PretrainRecipe
from mae_core.training.schedule import warmup_cosine


@dataclass(frozen=True)
class Batch:
    """A micro-batch within its effective batch."""

    epoch: int
    step: int
    part: int  # number of the micro-batch within the effective batch
    effective: torch.Tensor  # (B,) sample numbers of the whole effective batch
    start: int  # the micro-batch is effective[start:stop]
    stop: int

    @property
    def samples(self) -> torch.Tensor:
        """(N,) sample numbers of the micro-batch."""
        return self.effective[self.start : self.stop]


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

    def batches(self, step: int) -> Iterator[Batch]:
        """The micro-batches of update `step`."""
        effective, epoch = self.effective(step), step // self.steps_per_epoch
        micro = min(self.micro_batch or self.size, self.size)
        for part, start in enumerate(range(0, self.size, micro)):
            yield Batch(epoch, step, part, effective, start, min(start + micro, self.size))


@functools.lru_cache(maxsize=2)
def _order(seed: int, epoch: int, n: int) -> torch.Tensor:
    return randomness.permutation(seed, "order", epoch, n=n)


def course_of(
    recipe: PretrainRecipe | FinetuneRecipe | LinearProbeRecipe, samples: torch.Tensor, min_lr_share: float = 0.0
) -> Course:
    """The recipe's schedule over `samples`: warm-up, then half a cosine down to `min_lr_share` of the peak."""

    def multiplier(epoch: float) -> float:
        return warmup_cosine(epoch, recipe.epochs, recipe.warmup_epochs, min_lr_share)

    return Course(samples, recipe.epochs, recipe.batch_size, recipe.seed, multiplier, recipe.micro_batch)
