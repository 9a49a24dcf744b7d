"""The one training loop: accumulate, schedule, journal, checkpoint, resume. What is learnt is the learner's affair."""

from __future__ import annotations

import logging
import math
import time
from dataclasses import dataclass
from typing import Any

import torch

from mae_core.errors import RecipeError
from mae_core.training.compilation import compile_where_it_pays
from mae_core.training.course import Course
from mae_core.training.learner import Learner
from mae_core.training.row import Row
from mae_core.training.update import Updates
from mae_core.training.watchdog import Watchdog, patience, stacks_file
from mae_core.training.workspace import DivergedError, ReleasedError, StoppedError, Workspace

__all__ = ["Learner", "Trained", "train"]

log = logging.getLogger("mae")

ROWS = 200  # of journal in a run, where it is long enough
MOST_STEPS_A_ROW = 50
MOST_SKIPPED = 5  # updates in a row whose loss or gradient is not finite, before training is rolled back


@dataclass(frozen=True)
class Trained:
    """What a training gives beside the weights."""

    loss: float  # mean over the last rows' steps
    images_per_second: float  # over what this attempt trained


def train(learner: Learner, optimizer: torch.optim.Optimizer, course: Course, workspace: Workspace) -> Trained:
    """Train `learner` through `course`, going on from the workspace's newest checkpoint.

    Raises:
        StoppedError: the stop was requested, on any rank; a checkpoint of the last whole step is saved.
        DivergedError: the loss or its gradient is not finite, time and again.
        ReleasedError: training is over and this is not rank 0, which alone goes on to score and write.
    """
    ranks = workspace.ranks
    if course.size < ranks.world:
        raise RecipeError(f"{course.size} images cannot be shared by {ranks.world} ranks; start at most {course.size}.")
    state = _State(learner, optimizer, course, workspace)
    state.resume()
    if learner.compiles:
        log.info(compile_where_it_pays(learner.module, state.updates.device, course.steps))
    begun = time.monotonic()
    learner.module.train()
    state.begin()
    with Watchdog(stacks_file(workspace.folder, ranks.rank), patience(), lambda: ranks.waits) as watchdog:
        while state.step < course.steps:
            state.update()
            watchdog.step()
            rate = state.done * course.size / (time.monotonic() - begun)
            left = (course.steps - state.step) * course.size / rate
            workspace.show(
                step=state.step, steps=course.steps, images_per_second=rate, seconds_left=left, loss=state.shown
            )
            stopping, due = ranks.agree(workspace.stop_requested(), workspace.checkpoint_due())
            if state.step < course.steps and (stopping or due):
                with watchdog.off():
                    ranks.together(state.save)  # a full disk is rank 0's trouble, and all must know
            if stopping and state.step < course.steps:
                raise StoppedError
    if not ranks.first:
        raise ReleasedError
    state.remark()
    seconds = max(time.monotonic() - begun, 1e-9)
    return Trained(float(state.shown or 0.0), state.done * course.size / seconds)


class _State:
    """Everything that changes from step to step."""

    def __init__(
        self, learner: Learner, optimizer: torch.optim.Optimizer, course: Course, workspace: Workspace
    ) -> None:
        self.learner, self.optimizer, self.course, self.workspace = learner, optimizer, course, workspace
        self.updates = Updates(learner, optimizer, course, workspace.ranks)
        self.step = 0
        self.done = 0  # updates by this process
        self.shown: float | None = None  # the loss others see
        self.row = Row(self.updates.device)
        self.steps_a_row = min(max(1, course.steps // ROWS), MOST_STEPS_A_ROW)
        self.skipped = 0  # updates, as far as they were counted
        self.failed_at = -1  # the step after which training was rolled back
        self.events: dict[str, int] = {}  # for the next row

    def begin(self) -> None:
        """Note what is to be known before the first update, once."""
        if not self.step:
            self.workspace.ranks.together(self._record_untrained)

    def _record_untrained(self) -> None:
        if observed := self._observed():
            self.workspace.record({"step": 0, "epoch": 0.0, **observed})

    def _observed(self) -> dict[str, float]:
        """What the learner tells of itself at the end of an epoch."""
        epoch, within = divmod(self.step, self.course.steps_per_epoch)
        return {} if within or not self.workspace.ranks.first else self.learner.observe(epoch)

    def update(self) -> None:
        """One update of the weights from one effective batch."""
        micro_batch = self.updates.micro_batch
        self.row.add(*self.updates.update(self.step))
        if self.updates.micro_batch < micro_batch:
            self._note_micro_batch()
        self.step += 1
        self.done += 1
        if self.row.steps >= self.steps_a_row or self.step % self.course.steps_per_epoch == 0:
            self._row()

    def _note_micro_batch(self) -> None:
        micro_batch = self.updates.micro_batch
        self.events["micro_batch"] = micro_batch
        self.workspace.remark(
            f"memory was short at step {self.step}: micro-batches of {micro_batch} images instead of "
            f"{self.updates.asked}, the effective batch of {self.course.size} kept"
        )

    def _row(self) -> None:
        """A journal row: the mean loss since the last one. The only place where the loop waits for the device."""
        loss, skipped, longest = self.row.read()
        if longest >= MOST_SKIPPED:
            self._roll_back()
            return
        if skipped == self.row.steps:  # there is no loss to write down yet
            return
        self.shown = loss
        self.skipped += skipped
        epoch = self.step / self.course.steps_per_epoch
        lr = max(group["lr"] for group in self.optimizer.param_groups)
        events = self.events | ({"skipped": skipped} if skipped else {})
        row = {"step": self.step, "epoch": round(epoch, 6), "loss": loss, "lr": lr, **events}
        self.workspace.ranks.together(lambda: self.workspace.record(row | self._observed()))
        self.events = {}
        self.row.clear()

    def _roll_back(self) -> None:
        """Go back to the last checkpoint, from before the trouble; again without progress it is no accident."""
        failed_at, self.failed_at = self.failed_at, self.step
        found = self.workspace.roll_back() if self.step > failed_at else None
        if found is None:
            again = ", after a roll-back as before it" if failed_at >= 0 else ""
            raise DivergedError(
                f"{MOST_SKIPPED} steps running had a loss or gradient that is not finite, up to step {self.step}{again}"
            )
        self.workspace.remark(f"rolled back from step {self.step} to step {found[0]}: the loss was not finite")
        self._become(*found)
        self.events["rolled_back"] = 1

    def remark(self) -> None:
        """Say what a reader of the number should know."""
        if self.skipped:
            self.workspace.remark(f"{self.skipped} updates were skipped: the loss or its gradient was not finite")

    def save(self) -> None:
        """Save everything the next step needs, on rank 0; not amid trouble: there must be a state to go back to."""
        if not self.workspace.ranks.first or self.row.streak.item():
            return
        tensors = {f"module.{name}": value for name, value in self.learner.module.state_dict().items()}
        tensors |= {f"more.{name}": value for name, value in self.learner.more_state().items()}
        for index, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{name}": v for name, v in state.items() if isinstance(v, torch.Tensor)}
        tensors |= {f"row.{name}": value for name, value in self.row.tensors().items()}
        values = {
            "row_steps": self.row.steps,
            "shown": self.shown,
            "skipped": self.skipped,
            "micro_batch": self.updates.micro_batch if self.updates.micro_batch < self.updates.asked else None,
        }
        self.workspace.save(self.step, {name: value.detach().cpu() for name, value in tensors.items()}, values)

    def resume(self) -> None:
        """Become what the newest checkpoint says; strictly, or not at all."""
        found = self.workspace.resume()
        if found is not None:
            self._become(*found)
        self._fit()

    def _fit(self) -> None:
        """Take smaller parts where the system killed earlier attempts for want of memory."""
        shortages, updates = self.workspace.shortages, self.updates
        if not shortages or updates.asked == 1:
            return
        updates.micro_batch = min(updates.micro_batch, max(1, math.ceil(updates.asked / 2**shortages)))
        self.events["micro_batch"] = updates.micro_batch
        killed = f"{shortages} earlier attempt{'s were' if shortages > 1 else ' was'} killed for want of memory"
        sentence = (
            f"{killed}: micro-batches of {updates.micro_batch} images instead of {updates.asked}, the effective batch "
            f"of {self.course.size} kept"
        )
        if sentence not in self.workspace.remarks:  # a checkpoint brings its remarks along
            self.workspace.remark(sentence)

    def _become(self, step: int, tensors: dict[str, torch.Tensor], values: dict[str, Any]) -> None:
        self.step = step
        self.shown, self.skipped = values["shown"], values["skipped"]
        # halved by an earlier attempt: the same parts again, for the same bits
        self.updates.micro_batch = min(values["micro_batch"] or self.updates.micro_batch, self.updates.micro_batch)
        rooms: dict[str, dict[str, torch.Tensor]] = {"module": {}, "more": {}, "optimizer": {}, "row": {}}
        for name, tensor in tensors.items():
            room, _, rest = name.partition(".")
            rooms[room][rest] = tensor
        self.learner.module.load_state_dict(rooms["module"], strict=True)
        self.learner.load_more_state(rooms["more"])
        self._load_optimizer(rooms["optimizer"])
        self.row.load(values["row_steps"], rooms["row"])

    def _load_optimizer(self, tensors: dict[str, torch.Tensor]) -> None:
        state: dict[int, dict[str, Any]] = {}
        for name, tensor in tensors.items():
            index, _, key = name.partition(".")
            state.setdefault(int(index), {})[key] = tensor
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": state})
