"""Whether the model's forward and backward passes are compiled, and why."""

from __future__ import annotations

import torch
from torch import nn
from torch.utils._triton import has_triton

# Compiling takes about a minute for each shape of input where nothing is cached. On a CPU it took 64 s to make steps of
# `mini` 1.18 times as fast: a stage there takes a minute in all, and another masking ratio is another shape.
FEWEST_STEPS = 2000


def compile_where_it_pays(module: nn.Module, device: torch.device, steps: int) -> str:
    """Compile `module`'s forward in place, parameters and their names untouched, where the start-up is earned back.

    The choice rests on the recipe and the kind of machine alone, never on a clock: two attempts at a run must round
    alike. What the compiler cannot do runs as it is.

    Returns:
        What was chosen, with the reason, for the log.
    """
    if device.type == "cpu":
        return "not compiled: on a CPU it is not earned back"
    if not has_triton():
        return "not compiled: there is no Triton for this device here"
    if steps < FEWEST_STEPS:
        return f"not compiled: {steps} steps are fewer than the {FEWEST_STEPS} that earn it back"
    torch._dynamo.config.suppress_errors = True
    module.compile(dynamic=False)
    return f"compiled, where the compiler can: {steps} steps earn its minute back"
