"""The one training loop: accumulate, schedule, journal, checkpoint, resume. What is learnt is the learner's affair."""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from mae_core.training.course import Batch, Course
from mae_core.training.workspace import DivergedError, StoppedError, Workspace

ROWS = 200  # of journal in a run, where it is long enough
MOST_STEPS_A_ROW = 50


class Learner(ABC):
    """What a stage trains."""

    module: nn.Module

    @abstractmethod
    def loss(self, batch: Batch) -> torch.Tensor:
        """The mean loss over `batch.samples`, a scalar with a graph."""

    def after_step(self) -> None:  # noqa: B027  (most learners have nothing to do here)
        """Called after each update, for averages of weights."""

    def more_state(self) -> dict[str, torch.Tensor]:
        """Tensors beside the module's and the optimiser's that a resumption needs."""
        return {}

    def load_more_state(self, tensors: dict[str, torch.Tensor]) -> None:  # noqa: B027
        """Take `more_state` back."""


@dataclass(frozen=True)
class Trained:
    """What a training gives beside the weights."""

    loss: float  # mean over the last rows' steps
    images_per_second: float  # over what this attempt trained


def train(learner: Learner, optimizer: torch.optim.Optimizer, course: Course, workspace: Workspace) -> Trained:
    """Train `learner` through `course`, going on from the workspace's newest checkpoint.

    Raises:
        StoppedError: the stop was requested; a checkpoint of the last whole step is saved.
        DivergedError: the loss is not finite.
    """
    state = _State(learner, optimizer, course, workspace)
    state.resume()
    first, begun = state.step, time.monotonic()
    learner.module.train()
    while state.step < course.steps:
        state.update()
        done = (state.step - first) * course.size
        workspace.show(
            step=state.step, steps=course.steps, images_per_second=done / (time.monotonic() - begun), loss=state.shown
        )
        stopping = workspace.stop_requested()
        if state.step < course.steps and (stopping or workspace.checkpoint_due()):
            state.save()
        if stopping and state.step < course.steps:
            raise StoppedError
    seconds = max(time.monotonic() - begun, 1e-9)
    return Trained(float(state.shown or 0.0), (state.step - first) * course.size / seconds)


class _State:
    """Everything that changes from step to step."""

    def __init__(
        self, learner: Learner, optimizer: torch.optim.Optimizer, course: Course, workspace: Workspace
    ) -> None:
        self.learner, self.optimizer, self.course, self.workspace = learner, optimizer, course, workspace
        self.peaks = [group["lr"] for group in optimizer.param_groups]
        self.parameters = [p for group in optimizer.param_groups for p in group["params"]]
        self.step = 0
        self.shown: float | None = None  # the loss others see
        self.loss_sum = torch.zeros((), dtype=torch.float64, device=self.parameters[0].device)
        self.row_steps = 0
        self.steps_a_row = min(max(1, course.steps // ROWS), MOST_STEPS_A_ROW)

    def update(self) -> None:
        """One update of the weights from one effective batch."""
        multiplier = self.course.multiplier(self.step / self.course.steps_per_epoch)
        for group, peak in zip(self.optimizer.param_groups, self.peaks, strict=True):
            group["lr"] = peak * multiplier
        for batch in self.course.batches(self.step):
            share = (batch.stop - batch.start) / self.course.size
            loss = self.learner.loss(batch) * share
            loss.backward()
            self.loss_sum += loss.detach()
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.learner.after_step()
        self.step += 1
        self.row_steps += 1
        if self.row_steps == self.steps_a_row or self.step % self.course.steps_per_epoch == 0:
            self._row()

    def _row(self) -> None:
        """A journal row: the mean loss since the last one. The only place where the loop waits for the device."""
        loss = self.loss_sum.item() / self.row_steps
        if not math.isfinite(loss):
            raise DivergedError(f"the loss is {loss} at step {self.step}")
        self.shown = loss
        epoch = self.step / self.course.steps_per_epoch
        lr = max(group["lr"] for group in self.optimizer.param_groups)
        self.workspace.record({"step": self.step, "epoch": round(epoch, 6), "loss": loss, "lr": lr})
        self.loss_sum.zero_()
        self.row_steps = 0

    def save(self) -> None:
        """Save everything the next step needs; a state that is not finite is never saved."""
        if not math.isfinite(self.loss_sum.item()):
            raise DivergedError(f"the loss is not finite at step {self.step}")
        tensors = {f"module.{name}": value for name, value in self.learner.module.state_dict().items()}
        tensors |= {f"more.{name}": value for name, value in self.learner.more_state().items()}
        for index, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{name}": v for name, v in state.items() if isinstance(v, torch.Tensor)}
        tensors["loss_sum"] = self.loss_sum
        values = {"row_steps": self.row_steps, "shown": self.shown}
        self.workspace.save(self.step, {name: value.detach().cpu() for name, value in tensors.items()}, values)

    def resume(self) -> None:
        """Become what the newest checkpoint says; strictly, or not at all."""
        found = self.workspace.resume()
        if found is None:
            return
        self.step, tensors, values = found
        self.row_steps, self.shown = values["row_steps"], values["shown"]
        self.loss_sum.copy_(tensors.pop("loss_sum"))
        rooms: dict[str, dict[str, torch.Tensor]] = {"module": {}, "more": {}, "optimizer": {}}
        for name, tensor in tensors.items():
            room, _, rest = name.partition(".")
            rooms[room][rest] = tensor
        self.learner.module.load_state_dict(rooms["module"], strict=True)
        self.learner.load_more_state(rooms["more"])
        self._load_optimizer(rooms["optimizer"])

    def _load_optimizer(self, tensors: dict[str, torch.Tensor]) -> None:
        state: dict[int, dict[str, Any]] = {}
        for name, tensor in tensors.items():
            index, _, key = name.partition(".")
            state.setdefault(int(index), {})[key] = tensor
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": state})
