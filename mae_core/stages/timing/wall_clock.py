"""Wall clock (Table 2): how long a pre-training would take on this machine, from a few timed steps.

The machine must have nothing else to do: what runs beside this is timed with it. The local pool runs such stages alone,
with the threads a real run would have; that nobody else computes on the machine is for whoever reads the numbers.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from mae_core import randomness
from mae_core.data.catalogue import describe
from mae_core.model.mae import MaskedAutoencoder
from mae_core.model.masking import Masking, draw_masking
from mae_core.recipes import WallClockRecipe
from mae_core.signature import Stage
from mae_core.stages.device import autocast, device_of
from mae_core.stages.result import Result
from mae_core.stages.timing.peak_memory import watched
from mae_core.store.run import Store
from mae_core.training.optim import absolute_lr, adamw, can_skip, parameter_groups, step_unless
from mae_core.training.update import not_finite
from mae_core.training.workspace import DivergedError, StoppedError, Workspace

EPOCHS = 800  # of Table 2, whatever the recipe's
TINY: dict[str, Any] = {
    "embed_dim": 16,
    "depth": 1,
    "num_heads": 1,
    "decoder_embed_dim": 16,
    "decoder_depth": 1,
    "decoder_num_heads": 1,
    "timed_batch": 1,
}


def wall_clock(stage: Stage, store: Store, workspace: Workspace) -> Result:
    """Time real steps on random images of the recipe's size, and say what 800 epochs of its data would take.

    The first step, which allocates the optimiser's state, is not counted. Of the others the medians count: of forward
    and backward pass for each image, and once for each effective batch of the update, with the check before it that
    loss and gradient are finite. Reading and augmenting images is not timed, so no data are needed.

    Metrics: `hours`; `images_per_second`; `step_seconds` (forward and backward of the timed batch) and
    `update_seconds`; `peak_memory_gb` (10⁹ bytes: weights, gradients, AdamW's state and the timed batch's activations,
    allocated on a GPU, on a CPU the growth of the process from what it held before); `parameters` (millions);
    `forward_gflops` of one image, two for a multiply-add.
    """
    recipe = stage.recipe
    assert isinstance(recipe, WallClockRecipe)
    workspace.resume()
    device = device_of(recipe)
    tiny = _Steps.of(replace(recipe, **TINY), device)
    tiny.step()  # what libraries load at their first step is not the model's memory
    del tiny
    with watched(device) as peak:
        steps = _Steps.of(recipe, device)
        passes, updates = _timed(steps, recipe.timed_steps, workspace)
    available = recipe.train_images or describe(recipe.data, store.home).num_train
    effective = min(recipe.batch_size, available)
    rate = 1 / (passes / recipe.timed_batch + updates / effective)
    one = draw_masking(recipe, 0, torch.arange(1)).to(device)
    metrics = {
        "hours": EPOCHS * available / rate / 3600,
        "images_per_second": rate,
        "step_seconds": passes,
        "update_seconds": updates,
        "peak_memory_gb": peak.bytes / 1e9,
        "parameters": sum(parameter.numel() for parameter in steps.model.parameters()) / 1e6,
        "forward_gflops": forward_flops(steps.model, steps.imgs[:1], one) / 1e9,
    }
    return Result(metrics, rate, (f"timed on {recipe.timed_batch} random images a step",))


@dataclass(frozen=True)
class _Steps:
    """A model and what its steps are done with."""

    recipe: WallClockRecipe
    model: MaskedAutoencoder
    imgs: Tensor
    masking: Masking
    optimizer: torch.optim.AdamW

    @classmethod
    def of(cls, recipe: WallClockRecipe, device: torch.device) -> _Steps:
        model = MaskedAutoencoder(recipe).to(device)
        imgs = torch.randn(
            (recipe.timed_batch, recipe.in_chans, *recipe.image_size),
            generator=randomness.generator(recipe.seed, "wall_clock"),
        )
        masking = draw_masking(recipe, 0, torch.arange(recipe.timed_batch))
        groups = parameter_groups(model, absolute_lr(recipe.base_lr, recipe.batch_size), recipe.weight_decay)
        model.train()
        return cls(recipe, model, imgs.to(device), masking.to(device), adamw(groups, recipe.betas))

    def step(self) -> tuple[float, float]:
        """Seconds of forward and backward pass, and of the update, each once the device is done with it."""
        device = self.imgs.device
        begun = _now(device)
        with autocast(device, self.recipe.dtype):
            loss = self.model(self.imgs, self.masking)
        loss.backward()
        between = _now(device)
        bad = not_finite(loss.detach(), [p.grad for p in self.model.parameters() if p.grad is not None])
        if device.type != "cpu" and can_skip(self.optimizer):  # as training does: the host never asks
            step_unless(bad, self.optimizer)
        elif bad.item():
            raise DivergedError("the loss or its gradient is not finite, so no update was there to be timed")
        else:
            self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return between - begun, _now(device) - between


def _timed(steps: _Steps, number: int, workspace: Workspace) -> tuple[float, float]:
    """Median seconds of forward and backward pass, and of the update, of so many steps after a first one."""
    seconds = list[tuple[float, float]]()
    for step in range(1 + number):
        if workspace.stop_requested():
            raise StoppedError
        seconds.append(steps.step())
        workspace.show(step=step, steps=number)
    passes, updates = zip(*seconds[1:], strict=True)
    return statistics.median(passes), statistics.median(updates)


def _now(device: torch.device) -> float:
    """Seconds, once the device has done all it was told."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


@torch.no_grad()
def forward_flops(model: MaskedAutoencoder, imgs: Tensor, masking: Masking) -> float:
    """Floating-point operations of one forward pass of `imgs`, by PyTorch's counter: two for a multiply-add."""
    # the counter knows no formula for the CPU's fused attention; plain products have as many operations
    with sdpa_kernel([SDPBackend.MATH]), FlopCounterMode(display=False) as counter:
        model(imgs, masking)
    return float(counter.get_total_flops())
