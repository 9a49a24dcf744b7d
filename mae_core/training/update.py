"""One update of the weights from one effective batch, whatever parts it is computed in."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import chain, islice, pairwise

import torch
from torch.nn.utils import get_total_norm

from mae_core.training.course import Batch, Course
from mae_core.training.learner import Learner
from mae_core.training.memory import OutOfMemoryError, give_back
from mae_core.training.optim import can_skip, step_unless
from mae_core.training.ranks import Ranks


def not_finite(loss: torch.Tensor, gradients: Sequence[torch.Tensor]) -> torch.Tensor:
    """Whether `loss` or the norm of all `gradients` together is not finite: a flag on their device."""
    return ~(get_total_norm(gradients).isfinite() & loss.isfinite())


class Updates:
    """Updates a learner's weights: micro-batches on each rank, their gradients added up over ranks once.

    Losses are weighted by their share of the effective batch, so that the update is that of one large batch.
    """

    def __init__(self, learner: Learner, optimizer: torch.optim.Optimizer, course: Course, ranks: Ranks) -> None:
        self.learner, self.optimizer, self.course, self.ranks = learner, optimizer, course, ranks
        self.peaks = [group["lr"] for group in optimizer.param_groups]
        self.parameters = [p for group in optimizer.param_groups for p in group["params"]]
        self.device = self.parameters[0].device
        # the decision to skip stays on a GPU where it can; asking a CPU costs nothing
        self.skips_on_device = self.device.type != "cpu" and can_skip(optimizer)
        largest = math.ceil(course.size / ranks.world)
        self.micro_batch = min(course.micro_batch or largest, largest)  # halved where memory asks for it
        self.asked = self.micro_batch

    def update(self, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Do update `step`, unless its loss or its gradient is not finite: then weights stay as they are.

        Returns:
            The mean loss over the effective batch, and whether the update was skipped, both on the device.
        """
        multiplier = self.course.multiplier(step / self.course.steps_per_epoch)
        for group, peak in zip(self.optimizer.param_groups, self.peaks, strict=True):
            group["lr"] = peak * multiplier
        buffers = [(buffer, buffer.clone()) for buffer in self.learner.module.buffers()]
        while (loss := self._gradients(step)) is None:
            self._halve()
            _restore(buffers)
        gradients = [p.grad for p in self.parameters if p.grad is not None]
        if self.ranks.world > 1:
            total = loss.float()
            self.ranks.add_up([*gradients, total])
            loss = total.double()
        bad = not_finite(loss, gradients)
        if self.skips_on_device:
            step_unless(bad, self.optimizer)
            self.learner.after_step()
        elif bad.item():
            _restore(buffers)
        else:
            self.optimizer.step()
            self.learner.after_step()
        self.optimizer.zero_grad(set_to_none=True)
        return loss, bad

    def _gradients(self, step: int) -> torch.Tensor | None:
        """This rank's part of the gradients, left in the parameters, and of the loss; None: memory was lacking."""
        try:
            if self.ranks.world > 1 or self.micro_batch < self.course.size:
                share = self.course.share(step, self.ranks.rank, self.ranks.world)
                sums = self.ranks.together(lambda: self.learner.statistics(share))
                if sums is not None:
                    self.ranks.add_up([sums])
                    self.learner.use_statistics(sums)
            return self.ranks.together(lambda: self._backward(step))
        except OutOfMemoryError:
            return None

    def _backward(self, step: int) -> torch.Tensor:
        total = torch.zeros((), dtype=torch.float64, device=self.device)
        upcoming = chain(self._batches(step), islice(self._batches(step + 1), 1), [None])
        for batch, following in pairwise(upcoming):
            if batch is None or batch.step != step:
                break
            if following is not None:
                self.learner.ahead(following)
            loss = self.learner.loss(batch) * ((batch.stop - batch.start) / self.course.size)
            loss.backward()
            total += loss.detach()
        return total

    def _batches(self, step: int) -> Iterator[Batch]:
        if step >= self.course.steps:
            return iter(())
        return self.course.batches(step, self.ranks.rank, self.ranks.world, self.micro_batch)

    def _halve(self) -> None:
        """Try again with micro-batches half as large."""
        if self.micro_batch == 1:
            raise MemoryError("not even one image at a time fits into memory; choose a smaller model or image_size")
        self.micro_batch = math.ceil(self.micro_batch / 2)
        self.optimizer.zero_grad(set_to_none=True)
        give_back()


def _restore(buffers: list[tuple[torch.Tensor, torch.Tensor]]) -> None:
    for buffer, before in buffers:
        buffer.copy_(before)
