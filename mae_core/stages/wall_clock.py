"""Wall clock (Table 2): how long a pre-training would take on this machine, from a few timed steps.

The machine must have nothing else to do: what runs beside this is timed with it. The local pool runs such stages alone,
with the threads a real run would have; that nobody else computes on the machine is for whoever reads the numbers.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil
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
from mae_core.store.run import Store
from mae_core.training.optim import absolute_lr, adamw, parameter_groups
from mae_core.training.workspace import StoppedError, Workspace

EPOCHS = 800  # of Table 2, whatever the recipe's
SAMPLING_SECONDS = 0.005  # between two looks at the memory


@dataclass
class Peak:
    """The most memory taken while it was watched, in bytes."""

    bytes: int = 0


def wall_clock(stage: Stage, store: Store, workspace: Workspace) -> Result:
    """Time real steps on random images of the recipe's size, and say what 800 epochs of its data would take.

    The first step, which allocates the optimiser's state, is not counted. Of the others the medians count: of forward
    and backward pass for each image, and of the update once for each effective batch. Reading and augmenting images
    is not timed.

    Metrics: `hours`; `images_per_second`; `step_seconds` (forward and backward of the timed batch) and
    `update_seconds`; `peak_memory_gb` (10⁹ bytes: allocated on a GPU; on a CPU the growth of the process, which shows
    too little where it re-uses memory of an earlier stage); `parameters` (millions); `forward_gflops` of one image,
    two for a multiply-add.
    """
    recipe = stage.recipe
    assert isinstance(recipe, WallClockRecipe)
    workspace.resume()
    device = device_of(recipe)
    with watched(device) as peak:
        model = MaskedAutoencoder(recipe).to(device)
        samples = torch.arange(recipe.timed_batch)
        imgs = torch.randn(
            (recipe.timed_batch, recipe.in_chans, *recipe.image_size),
            generator=randomness.generator(recipe.seed, "wall_clock"),
        ).to(device)
        passes, updates = _timed(model, imgs, draw_masking(recipe, 0, samples).to(device), recipe, workspace)
    available = recipe.train_images or describe(recipe.data, store.home).num_train
    effective = min(recipe.batch_size, available)
    rate = 1 / (passes / recipe.timed_batch + updates / effective)
    one = draw_masking(recipe, 0, samples[:1]).to(device)
    metrics = {
        "hours": EPOCHS * available / rate / 3600,
        "images_per_second": rate,
        "step_seconds": passes,
        "update_seconds": updates,
        "peak_memory_gb": peak.bytes / 1e9,
        "parameters": sum(parameter.numel() for parameter in model.parameters()) / 1e6,
        "forward_gflops": forward_flops(model, imgs[:1], one) / 1e9,
    }
    return Result(metrics, rate, (f"timed on {recipe.timed_batch} random images a step",))


def _timed(
    model: MaskedAutoencoder, imgs: Tensor, masking: Masking, recipe: WallClockRecipe, workspace: Workspace
) -> tuple[float, float]:
    """Median seconds of forward and backward pass, and of the update."""
    groups = parameter_groups(model, absolute_lr(recipe.base_lr, recipe.batch_size), recipe.weight_decay)
    optimizer = adamw(groups, recipe.betas)
    model.train()
    passes, updates = list[float](), list[float]()
    for step in range(1 + recipe.timed_steps):
        if workspace.stop_requested():
            raise StoppedError
        begun = _now(imgs.device)
        with autocast(imgs.device, recipe.dtype):
            loss = model(imgs, masking)
        loss.backward()
        between = _now(imgs.device)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        ended = _now(imgs.device)
        workspace.show(step=step, steps=recipe.timed_steps)
        if step:
            passes.append(between - begun)
            updates.append(ended - between)
    return statistics.median(passes), statistics.median(updates)


def _now(device: torch.device) -> float:
    """Seconds, once the device has done all it was told."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


@contextmanager
def watched(device: torch.device) -> Iterator[Peak]:
    """The memory taken on `device` by what is done in the block, at its peak: filled in when the block ends."""
    peak = Peak()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        yield peak
        peak.bytes = torch.cuda.max_memory_allocated(device) - before
        return
    process, ended = psutil.Process(), threading.Event()
    before = process.memory_info().rss

    def look() -> None:
        while not ended.wait(SAMPLING_SECONDS):
            peak.bytes = max(peak.bytes, process.memory_info().rss - before)

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield peak
    finally:
        ended.set()
        watcher.join()


@torch.no_grad()
def forward_flops(model: MaskedAutoencoder, imgs: Tensor, masking: Masking) -> float:
    """Floating-point operations of one forward pass of `imgs`, by PyTorch's counter: two for a multiply-add."""
    # the counter knows no formula for the CPU's fused attention; plain products have as many operations
    with sdpa_kernel([SDPBackend.MATH]), FlopCounterMode(display=False) as counter:
        model(imgs, masking)
    return float(counter.get_total_flops())
